// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/chat"
	"github.com/ry-ops/cortex/internal/foreign"
	"github.com/ry-ops/cortex/internal/healing"
	"github.com/ry-ops/cortex/internal/mcp"
	"github.com/ry-ops/cortex/internal/recovery"
)

// maxIssue bounds the text of an error that a request carries, in characters.
const maxIssue = 200

// Heals finds heals and follows them, whoever began them. See healing.Healer.
type Heals interface {
	Follow(ctx context.Context, key types.NamespacedName) (*healing.Following, error)
	OfTask(id string) []v1alpha1.HealingRequest
	Since(moment time.Time) []v1alpha1.HealingRequest
	All() []v1alpha1.HealingRequest
	Answer(ctx context.Context, key types.NamespacedName, version string, says v1alpha1.Approval, who string) error
}

// streamEnd is the last event of a stream that ends before what it tells. It has no id, so that a reader who connects again
// goes on where it was.
type streamEnd struct {
	Type    string `json:"type"`
	Message string `json:"message"`
}

// healEvents tells the story of a heal, whoever began it. Its ids are the places of its steps in the request, so that any gateway
// goes on where another one ended.
func (s *Server) healEvents(w http.ResponseWriter, r *http.Request) {
	seen, ok := lastEventID(r)
	if !ok {
		s.refuse(w, http.StatusBadRequest, badEventID)
		return
	}
	if !s.Ready() {
		refuseUnready(w)
		return
	}
	key := types.NamespacedName{Namespace: r.PathValue("namespace"), Name: r.PathValue("name")}
	following, err := s.Heals.Follow(r.Context(), key)
	switch {
	case apierrors.IsNotFound(err):
		s.refuse(w, http.StatusNotFound, fmt.Sprintf("there is no HealingRequest %s: `kubectl get heal -n %s` lists those that there are", key, key.Namespace))
		return
	case err != nil:
		s.Log.Error(err, "a heal cannot be followed", "request", key)
		s.refuse(w, http.StatusServiceUnavailable, "the heal could not be read: try again in a moment")
		return
	}
	request, _ := following.View()
	visible, err := s.visible(r.Context())
	if err != nil || !visible(request) {
		following.Leave()
		if err != nil {
			s.refuse(w, http.StatusServiceUnavailable, err.Error())
			return
		}
		s.refuse(w, http.StatusNotFound, fmt.Sprintf("there is no HealingRequest %s of an MCP server that you may use: `kubectl get heal -n %s` lists those that there are", key, key.Namespace))
		return
	}
	if request.Done() && seen >= len(request.Status.Progress)+2 {
		following.Leave()
		w.WriteHeader(http.StatusNoContent)
		return
	}
	s.stream(w, r, seen, following.Leave, func(ctx context.Context, out *stream) {
		if !s.story(ctx, out, following, seen) && out.err == nil {
			out.last(streamEnd{"stream_end", "the gateway is shutting down; the heal goes on. Connect again to go on where you are"})
		}
	})
}

// visible tells heals of MCP servers that the caller of a context may use from others. Where nobody is asked who they are, all are.
func (s *Server) visible(ctx context.Context) (func(*v1alpha1.HealingRequest) bool, error) {
	if s.Guard == nil {
		return func(*v1alpha1.HealingRequest) bool { return true }, nil
	}
	servers, err := s.Servers(ctx)
	return func(request *v1alpha1.HealingRequest) bool {
		of := serviceOf(request)
		return slices.ContainsFunc(servers, func(server *mcp.Server) bool { return server.Key() == of })
	}, err
}

// story tells the events of a heal but for those that were seen: its start, each step, and how it ended. It reports whether it came
// to the end; else the reader is gone or the gateway ends.
func (s *Server) story(ctx context.Context, out *stream, following *healing.Following, seen int) bool {
	for {
		request, gone := following.View()
		service := request.Spec.TargetRef.Name
		if seen == 0 {
			out.tell(chat.HealingStart{Service: service, Issue: issueOf(request)})
			seen++
		}
		for progress := request.Status.Progress; seen <= len(progress); seen++ {
			out.tell(chat.HealingProgress{Service: service, Message: progress[seen-1].Message})
		}
		if request.Done() || gone {
			out.tell(endOf(request))
			out.flush()
			return out.err == nil
		}
		if !out.wait(ctx, following.Changed(), s.ending.Done()) {
			return false
		}
	}
}

// endOf is the event with which a heal ends that is over or was deleted.
func endOf(request *v1alpha1.HealingRequest) chat.Event {
	service := request.Spec.TargetRef.Name
	if !request.Done() {
		return chat.HealingFailed{Service: service, Message: fmt.Sprintf("the request %s was deleted before the heal ended", request.Name),
			Recommendation: "Ask again to start another heal."}
	}
	outcome := healing.OutcomeOf(request)
	if outcome.Success {
		return chat.HealingComplete{Service: service, Success: true, Message: recovery.Told(&outcome)}
	}
	return chat.HealingFailed{Service: service, Message: recovery.Told(&outcome), Recommendation: outcome.Recommendation}
}

// issueOf says why a heal began: the error of the call that failed, or who asked for it.
func issueOf(request *v1alpha1.HealingRequest) string {
	switch seen := request.Spec.Error; {
	case seen != nil && seen.Message != "":
		return foreign.Line(seen.Message, maxIssue)
	case request.Spec.RequestedBy != "":
		return foreign.Line(fmt.Sprintf("%s, asked for by %s", request.Spec.Trigger, request.Spec.RequestedBy), maxIssue)
	default:
		return string(request.Spec.Trigger)
	}
}
