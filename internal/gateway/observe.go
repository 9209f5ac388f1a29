// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/go-logr/logr"

	"github.com/ry-ops/cortex/internal/telemetry"
)

// How a request ended, in the access log and on its span.
const (
	endedWell    = "complete"
	endedDropped = "dropped"  // the reader of a stream left or did not read
	endedLeft    = "canceled" // the caller left before the answer was whole
	endedCut     = "aborted"  // the handler gave up, or panicked in the middle of the answer
)

// probes are the routes that are neither logged nor traced: whoever asks them asks every few seconds.
var probes = map[string]bool{"/healthz": true, "/readyz": true, "/metrics": true}

// exchange is what is kept of a request to tell of it when it is over, which a stream is after its handler has returned
// (docs/adr/0021). It holds nothing of the request itself. A nil one takes everything in silence.
type exchange struct {
	log     *logr.Logger
	span    telemetry.Span
	began   time.Time
	now     func() time.Time
	method  string
	route   string
	caller  string
	trace   string
	mu      sync.Mutex
	status  int
	bytes   int64
	outcome string
	// streaming: a stream goes on after the handler; over: it has been told.
	streaming, over bool
}

type exchangeKey struct{}

// exchangeOf is that of a request; nil if nobody wants to know.
func exchangeOf(ctx context.Context) *exchange {
	e, _ := ctx.Value(exchangeKey{}).(*exchange)
	return e
}

// observed tells of every request, in the access log and as a span. Where neither is wanted it is not there at all.
func (s *Server) observed(next http.Handler) http.Handler {
	if s.Tracer == nil && s.AccessLog == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if probes[r.URL.Path] {
			next.ServeHTTP(w, r)
			return
		}
		e := &exchange{log: s.AccessLog, method: methodOf(r.Method), now: s.Clock.Now, began: s.Clock.Now(), outcome: endedCut}
		ctx, span := s.Tracer.Start(s.Tracer.Received(r.Context(), r.Header), telemetry.Server, e.method, "")
		span.String(telemetry.HTTPMethod, e.method)
		e.span, e.trace = span, telemetry.TraceID(ctx)
		r = r.WithContext(context.WithValue(ctx, exchangeKey{}, e))
		defer e.returned() // after a panic as well
		next.ServeHTTP(&watched{w, e}, r)
		e.mu.Lock()
		defer e.mu.Unlock()
		e.outcome = endedWell
		if r.Context().Err() != nil {
			e.outcome = endedLeft
		}
	})
}

// methodOf keeps methods that somebody made up out of logs and spans.
func methodOf(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return method
	default:
		return "_OTHER"
	}
}

// calling takes note of who was let in.
func (s *Server) calling(next http.Handler) http.Handler {
	if s.Tracer == nil && s.AccessLog == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if e := exchangeOf(r.Context()); e != nil {
			e.caller = s.Caller(r)
		}
		next.ServeHTTP(w, r)
	})
}

// to takes note of the route: a pattern, and never the path that the caller wrote.
func (e *exchange) to(route string) {
	if e == nil {
		return
	}
	e.route = route
	e.span.Named(e.method, route)
	e.span.String(telemetry.HTTPRoute, route)
}

// returned is called when the handler has returned.
func (e *exchange) returned() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.streaming {
		e.end()
	}
}

// taken is called when the connection is taken over: the end of the stream is told, and not that of the handler.
func (e *exchange) taken() {
	if e == nil {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.streaming, e.status = true, http.StatusOK
}

// streamed is called at the end of a stream of events.
func (e *exchange) streamed(sent int64, err error) {
	if e == nil {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	outcome := endedWell
	switch {
	case errors.Is(err, errCut):
		outcome = endedCut
	case err != nil:
		outcome = endedDropped
	}
	e.span.String(telemetry.Stream, outcome)
	if e.streaming { // else the handler is still there, and counts itself
		e.outcome, e.bytes = outcome, sent
		e.end()
	}
}

// end must be called with the lock held. It tells of the request, once.
func (e *exchange) end() {
	if e.over {
		return
	}
	e.over = true
	if e.status == 0 && e.outcome != endedCut {
		e.status = http.StatusOK // net/http answers so for a handler that says nothing, and not at all for one that gives up
	}
	if e.status != 0 {
		e.span.Int(telemetry.HTTPStatus, e.status)
	}
	if e.outcome == endedCut {
		e.span.Fail(endedCut)
	}
	e.span.Int(telemetry.HTTPSize, int(e.bytes))
	if e.status >= http.StatusInternalServerError {
		e.span.Fail(strconv.Itoa(e.status))
	}
	e.span.End()
	if e.log != nil {
		e.log.Info("request", "method", e.method, "route", e.route, "status", e.status, "bytes", e.bytes,
			"seconds", e.now().Sub(e.began).Seconds(), "caller", e.caller, "trace", e.trace, "ended", e.outcome)
	}
}

// watched is a response of which is known what was answered. http.ResponseController finds all else by Unwrap.
type watched struct {
	http.ResponseWriter
	exchange *exchange
}

// Unwrap is for http.ResponseController.
func (w *watched) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// WriteHeader implements http.ResponseWriter.
func (w *watched) WriteHeader(status int) {
	w.exchange.answered(status, 0)
	w.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (w *watched) Write(p []byte) (int, error) {
	n, err := w.ResponseWriter.Write(p)
	w.exchange.answered(http.StatusOK, n)
	return n, err
}

func (e *exchange) answered(status, bytes int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.status == 0 && status >= http.StatusOK { // what comes before is not the answer
		e.status = status
	}
	e.bytes += int64(bytes)
}
