// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/healing"
	"github.com/ry-ops/cortex/internal/record"
	"github.com/ry-ops/cortex/internal/task"
)

// maxHealsShown bounds the heals that are named to whoever asks for a task that is not here.
const maxHealsShown = 5

const askAgain = "Ask again; if you asked for a change, check first whether it was made."

// lostTask is what is known of a task that is not here: it ran on another replica, or before this gateway was restarted, or it ended
// long ago. Only its id, and the HealingRequests, are left of it.
type lostTask struct {
	Error string `json:"error"`
	ID    string `json:"id"`
	Began string `json:"began"`
	// Healing are the heals that the task began.
	Healing []foundHeal `json:"healing"`

	requests []v1alpha1.HealingRequest
}

// foundHeal is a heal that a task began, with its result as far as there is one.
type foundHeal struct {
	Namespace string         `json:"namespace"`
	Request   string         `json:"request"`
	Phase     v1alpha1.Phase `json:"phase"`
	record.Result
}

// taskLost is the first event for a reader who comes back to a task that is not here.
type taskLost struct {
	Type    string `json:"type"`
	Message string `json:"message"`
}

// look finds out what may have become of a task. It is nil for an id that no task has ever had.
func (s *Server) look(ctx context.Context, id string) (*lostTask, error) {
	began, ok := task.Begun(id)
	if !ok || began.After(s.Clock.Now()) {
		return nil, nil
	}
	requests := s.Heals.OfTask(id)
	found := &lostTask{ID: id, Began: healing.Timestamp(began), Healing: []foundHeal{}, requests: requests}
	parts := []string{s.whereabouts(began)}
	for i := range requests {
		request := &requests[i]
		found.Healing = append(found.Healing, foundHeal{request.Namespace, request.Name, request.DerivePhase(), record.ResultOf(request)})
		parts = append(parts, fmt.Sprintf("The heal %s that it began is %s.", named(request), request.DerivePhase()))
	}
	if len(requests) == 0 {
		others, err := s.since(ctx, began)
		if err != nil {
			return nil, err
		}
		parts = append(parts, "It began no heal that is still on record.")
		if len(others) > 0 {
			parts = append(parts, "It may have waited for one that another task began; those since then: "+list(others)+".")
		}
	}
	found.Error = strings.Join(append(parts, askAgain), " ")
	return found, nil
}

// since gives the heals that a task which began at a moment may have waited for: of servers that its caller may use, the newest first.
func (s *Server) since(ctx context.Context, moment time.Time) ([]v1alpha1.HealingRequest, error) {
	visible, err := s.visible(ctx)
	if err != nil {
		return nil, err
	}
	found := slices.DeleteFunc(s.Heals.Since(moment), func(request v1alpha1.HealingRequest) bool { return !visible(&request) })
	return found[:min(maxHealsShown, len(found))], nil
}

// whereabouts says why a task is not here, as far as that can be told.
func (s *Server) whereabouts(began time.Time) string {
	if began.Before(s.started.Truncate(time.Second)) {
		return fmt.Sprintf("This gateway does not know the task: the task began at %s, and this gateway was started at %s. It was restarted meanwhile, or another replica has the task.",
			healing.Timestamp(began), healing.Timestamp(s.started))
	}
	return fmt.Sprintf("This gateway does not know the task, which began at %s: another replica has it, or it ended and is not kept any more (for %s at most), or somebody else asked it.",
		healing.Timestamp(began), s.running.Keep)
}

func named(request *v1alpha1.HealingRequest) string {
	return request.Key().String()
}

func list(requests []v1alpha1.HealingRequest) string {
	texts := make([]string, len(requests))
	for i := range requests {
		texts[i] = fmt.Sprintf("%s (%s)", named(&requests[i]), requests[i].DerivePhase())
	}
	return strings.Join(texts, ", ")
}

// find is look with the refusal written where there is nothing to tell.
func (s *Server) find(w http.ResponseWriter, r *http.Request, id string) *lostTask {
	if !s.Ready() {
		refuseUnready(w)
		return nil
	}
	found, err := s.look(r.Context(), id)
	switch {
	case err != nil:
		s.Log.Error(err, "the heals of a task cannot be read", "task", id)
		s.refuse(w, http.StatusServiceUnavailable, "what became of the task could not be read: try again in a moment")
	case found == nil:
		s.refuse(w, http.StatusNotFound, "no task has ever had this id: use the one from the Location header of POST /api/tasks")
	}
	return found
}

// lostState answers whoever asks for the state of a task that is not here.
func (s *Server) lostState(w http.ResponseWriter, r *http.Request, id string) {
	if found := s.find(w, r, id); found != nil {
		s.metrics.refused(http.StatusNotFound)
		reply(w, http.StatusNotFound, found)
	}
}

// lostEvents answers a reader who comes back to a task that is not here: with a stream, since a browser's EventSource reads nothing
// else. It tells the story of the heals that the task began, from their start, as they go on, and ends as every task does.
func (s *Server) lostEvents(w http.ResponseWriter, r *http.Request, id string, after int) {
	found := s.find(w, r, id)
	if found == nil {
		return
	}
	s.stream(w, r, after, func() {}, func(ctx context.Context, out *stream) { s.tellLost(ctx, out, found) })
}

func (s *Server) tellLost(ctx context.Context, out *stream, found *lostTask) {
	out.tell(taskLost{"task_lost", found.Error})
	for i := range found.requests {
		following, err := s.Heals.Follow(ctx, found.requests[i].Key())
		if err != nil {
			continue // deleted meanwhile
		}
		told := s.story(ctx, out, following, 0)
		following.Leave()
		if !told {
			break
		}
	}
	text := errEnding.Error()
	if s.ending.Err() == nil {
		if now, err := s.look(ctx, found.ID); err == nil && now != nil {
			found = now
		}
		text = found.Error
	}
	out.tell(task.Ending(found.ID, text))
}
