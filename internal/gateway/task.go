// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/ry-ops/cortex/internal/chat"
	"github.com/ry-ops/cortex/internal/healing"
)

// running is the status of a task that is not over.
const running chat.Status = "running"

const badEventID = "Last-Event-ID must be the id of an event that you have seen, a number; leave it out to begin with the first"

// taskState is the reply to GET /api/tasks/{id}.
type taskState struct {
	ID      string      `json:"id"`
	Status  chat.Status `json:"status"`
	Started string      `json:"started"`
	// Ended, Result and Healing are there once the task is over.
	Ended   string           `json:"ended,omitempty"`
	Events  eventsState      `json:"events"`
	Result  *chat.Message    `json:"result,omitempty"`
	Healing []healing.Result `json:"healing,omitempty"`
}

// eventsState sums up the events of a task: the ids of the oldest that can still be read and of the newest, and the newest itself.
type eventsState struct {
	First  int             `json:"first"`
	Last   int             `json:"last"`
	Latest json.RawMessage `json:"latest,omitempty"`
}

// taskState tells how far a task is.
func (s *Server) taskState(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	t := s.running.Find(id, s.Caller(r))
	if t == nil {
		s.lostState(w, r, id)
		return
	}
	state := t.State()
	body := taskState{
		ID: id, Status: running, Started: healing.Timestamp(t.Started),
		Events: eventsState{First: state.First, Last: state.Last, Latest: state.Latest},
	}
	if outcome := state.Outcome; outcome != nil {
		body.Status, body.Ended = outcome.Status, healing.Timestamp(state.Ended)
		body.Result, body.Healing = &outcome.Result, results(outcome)
	}
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(s.WriteTimeout))
	w.Header().Set("Cache-Control", "no-store")
	reply(w, http.StatusOK, body)
}

// taskEvents tells the events of a task, from its first or from the one after Last-Event-ID, and then those that come.
func (s *Server) taskEvents(w http.ResponseWriter, r *http.Request) {
	after, ok := lastEventID(r)
	if !ok {
		s.refuse(w, http.StatusBadRequest, badEventID)
		return
	}
	id := r.PathValue("id")
	t := s.running.Find(id, s.Caller(r))
	if t == nil {
		s.lostEvents(w, r, id, after)
		return
	}
	switch state := t.State(); {
	case after > state.Last:
		s.refuse(w, http.StatusBadRequest, "the task has told events up to id "+strconv.Itoa(state.Last)+" and none with the Last-Event-ID that you sent; leave it out to begin with the first")
		return
	case after == state.Last && state.Outcome != nil:
		// That is what ends the attempts of a browser's EventSource, which connects again after every end.
		w.WriteHeader(http.StatusNoContent)
		return
	}
	give, err := s.streams.Take(s.Caller(r))
	if err != nil {
		s.refuseBusy(w, err)
		return
	}
	s.read(w, r, after, t, give)
}

// lastEventID is where a reader was. The header is the browser's own word and newer than the address, which stays the same
// when it connects again.
func lastEventID(r *http.Request) (id int, ok bool) {
	text := r.Header.Get("Last-Event-ID")
	if text == "" {
		text = r.URL.Query().Get("last_event_id")
	}
	if text == "" {
		return 0, true
	}
	id, err := strconv.Atoi(text)
	return id, err == nil && id >= 0
}
