// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/ry-ops/cortex/internal/chat"
	"github.com/ry-ops/cortex/internal/healing"
	"github.com/ry-ops/cortex/internal/task"
)

const (
	// maxBody bounds the body of a request.
	maxBody = 64 << 10
	// maxQuery bounds a query, in characters.
	maxQuery = 4000
	// maxConversationID bounds what is looked up.
	maxConversationID = 64

	expected = `a JSON object such as {"query": "list sandfly hosts", "streaming": true}`
)

// question is the body of POST /api/tasks. Fields that it does not know are ignored.
type question struct {
	Query     string `json:"query"`
	Streaming bool   `json:"streaming"`
	// ConversationID is that of an earlier answer, to go on from there.
	ConversationID string `json:"conversation_id"`
}

// answer is the reply to a task without streaming.
type answer struct {
	ID      string           `json:"id"`
	Status  chat.Status      `json:"status"`
	Result  chat.Message     `json:"result"`
	Healing []healing.Result `json:"healing"`
	// ConversationID is left out where there is nothing to go on from.
	ConversationID string `json:"conversation_id,omitempty"`
}

// refusal is a request that cannot be a task, with the HTTP status that says why.
type refusal struct {
	status  int
	message string
}

// tasks answers a query: as a stream of events, or with one JSON object. The HTTP status speaks of the request, and the
// field "status" of the task. So a task that failed is 200 as well: its answer, with the diagnosis, is whole, and a 502
// would invite proxies to replace it or to send the query again.
func (s *Server) tasks(w http.ResponseWriter, r *http.Request) {
	if !s.Ready() {
		refuseUnready(w)
		return
	}
	t, refused := readTask(w, r)
	if refused != nil {
		s.refuse(w, refused.status, refused.message)
		return
	}
	caller := s.Caller(r)
	if t.ConversationID != "" {
		if err := s.Known(t.ConversationID, caller); err != nil {
			s.refuse(w, http.StatusNotFound, err.Error())
			return
		}
	}
	// Room for the stream comes first: a question whose answer nobody can be told must not run.
	give := func() {}
	if t.Streaming {
		var err error
		if give, err = s.streams.Take(caller); err != nil {
			s.refuseBusy(w, err)
			return
		}
	}
	id := task.NewID(s.Clock.Now())
	running, err := s.running.Start(r.Context(), caller, chat.Query{ID: id, Text: t.Query, RequestedBy: caller, Conversation: t.ConversationID})
	if err != nil {
		give()
		s.refuseBusy(w, err)
		return
	}
	s.Log.Info("task", "id", id, "streaming", t.Streaming)
	w.Header().Set("Location", "/api/tasks/"+id)
	if t.Streaming {
		s.read(w, r, 0, running, give)
		return
	}
	outcome := running.End(r.Context())
	if outcome == nil {
		// Nobody has heard of its id, so nobody can come back for it.
		running.Cancel(context.Cause(r.Context()))
		return
	}
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(s.WriteTimeout))
	reply(w, http.StatusOK, answer{ID: id, Status: outcome.Status, Result: outcome.Result, Healing: results(outcome), ConversationID: outcome.Conversation})
}

func refuseUnready(w http.ResponseWriter) {
	w.Header().Set("Retry-After", "1")
	refuse(w, http.StatusServiceUnavailable, "the gateway has just started and does not know the MCP servers yet: try again in a moment")
}

// results are never null, so that clients can count on a list.
func results(outcome *chat.Outcome) []healing.Result {
	return append([]healing.Result{}, outcome.Healing...)
}

func readTask(w http.ResponseWriter, r *http.Request) (question, *refusal) {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return question{}, &refusal{http.StatusUnsupportedMediaType, "set the header Content-Type: application/json and send " + expected}
	}
	body, refused := readBody(w, r)
	if refused != nil {
		return question{}, refused
	}
	var t question
	if err := json.Unmarshal(body, &t); err != nil {
		return question{}, &refusal{http.StatusBadRequest, "the body must be " + expected + ": " + reason(err)}
	}
	switch count := utf8.RuneCountInString(t.Query); {
	case strings.TrimSpace(t.Query) == "":
		return question{}, &refusal{http.StatusBadRequest, `"query" is empty: send ` + expected}
	case len(t.ConversationID) > maxConversationID:
		return question{}, &refusal{http.StatusBadRequest, `"conversation_id" is too long for one: send that of an earlier answer, or leave it out`}
	case count > maxQuery:
		return question{}, &refusal{http.StatusBadRequest, fmt.Sprintf(`"query" has %d characters, and at most %d are read: shorten it`, count, maxQuery)}
	}
	return t, nil
}

func readBody(w http.ResponseWriter, r *http.Request) ([]byte, *refusal) {
	tooLarge := &refusal{http.StatusRequestEntityTooLarge, fmt.Sprintf("the body is larger than %d bytes: shorten the query", maxBody)}
	if r.ContentLength > maxBody {
		return nil, tooLarge
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var limit *http.MaxBytesError
	switch {
	case errors.As(err, &limit):
		return nil, tooLarge
	case err != nil:
		return nil, &refusal{http.StatusBadRequest, "the body could not be read to its end"}
	}
	return body, nil
}

// reason says where the JSON is wrong, without repeating any of it.
func reason(err error) string {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &kind) && kind.Field != "":
		return fmt.Sprintf("%q must be a %s, not a %s", kind.Field, kind.Type, kind.Value)
	case errors.As(err, &syntax):
		return fmt.Sprintf("the JSON is broken at byte %d", syntax.Offset)
	default:
		return "it is no JSON object"
	}
}
