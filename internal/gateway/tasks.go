// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/ry-ops/cortex/internal/auth"
	"github.com/ry-ops/cortex/internal/chat"
	"github.com/ry-ops/cortex/internal/healing"
)

const (
	// maxBody bounds the body of a request.
	maxBody = 64 << 10
	// maxQuery bounds a query, in characters.
	maxQuery = 4000

	expected = `a JSON object such as {"query": "list sandfly hosts", "streaming": true}`
)

// requestedBy is recorded on HealingRequests: who calls, or the gateway itself where nobody was asked.
func requestedBy(ctx context.Context) string {
	if caller := auth.Recorded(ctx); caller != "" {
		return caller
	}
	return "cortex-gateway"
}

// task is the body of POST /api/tasks. Fields that it does not know are ignored.
type task struct {
	Query     string `json:"query"`
	Streaming bool   `json:"streaming"`
}

// answer is the reply to a task without streaming.
type answer struct {
	ID      string           `json:"id"`
	Status  chat.Status      `json:"status"`
	Result  chat.Message     `json:"result"`
	Healing []healing.Result `json:"healing"`
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
		w.Header().Set("Retry-After", "1")
		refuse(w, http.StatusServiceUnavailable, "the gateway has just started and does not know the MCP servers yet: try again in a moment")
		return
	}
	t, refused := readTask(w, r)
	if refused != nil {
		s.metrics.refused(refused.status)
		refuse(w, refused.status, refused.message)
		return
	}
	id := "task-" + strings.ToLower(rand.Text())
	ctx, cancel := context.WithCancelCause(r.Context())
	defer cancel(nil)
	go s.endWithGateway(ctx, cancel)
	s.Log.Info("task", "id", id, "streaming", t.Streaming)

	query := chat.Query{ID: id, Text: t.Query, RequestedBy: requestedBy(ctx)}
	if t.Streaming {
		s.stream(ctx, cancel, w, query)
		return
	}
	outcome := s.Loop.Run(ctx, query, func(chat.Event) {})
	s.metrics.ended(outcome.Status)
	if outcome.Healing == nil {
		outcome.Healing = []healing.Result{}
	}
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(s.WriteTimeout))
	reply(w, http.StatusOK, answer{ID: id, Status: outcome.Status, Result: outcome.Result, Healing: outcome.Healing})
}

// endWithGateway ends a task if the gateway's grace is over before it.
func (s *Server) endWithGateway(ctx context.Context, cancel context.CancelCauseFunc) {
	select {
	case <-s.ending.Done():
		cancel(errEnding)
	case <-ctx.Done():
	}
}

func readTask(w http.ResponseWriter, r *http.Request) (task, *refusal) {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return task{}, &refusal{http.StatusUnsupportedMediaType, "set the header Content-Type: application/json and send " + expected}
	}
	body, refused := readBody(w, r)
	if refused != nil {
		return task{}, refused
	}
	var t task
	if err := json.Unmarshal(body, &t); err != nil {
		return task{}, &refusal{http.StatusBadRequest, "the body must be " + expected + ": " + reason(err)}
	}
	switch count := utf8.RuneCountInString(t.Query); {
	case strings.TrimSpace(t.Query) == "":
		return task{}, &refusal{http.StatusBadRequest, `"query" is empty: send ` + expected}
	case count > maxQuery:
		return task{}, &refusal{http.StatusBadRequest, fmt.Sprintf(`"query" has %d characters, and at most %d are read: shorten it`, count, maxQuery)}
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
