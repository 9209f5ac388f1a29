// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/ry-ops/cortex/internal/chat"
)

// stream answers a query with server-sent events. Each has an id and its data on one line; the type is in the data, as
// in the spec, and not in an "event:" field, so that a browser's onmessage gets all of them.
func (s *Server) stream(ctx context.Context, cancel context.CancelCauseFunc, w http.ResponseWriter, query chat.Query) {
	s.metrics.streams.Inc()
	defer s.metrics.streams.Dec()

	header := w.Header()
	header.Set("Content-Type", "text/event-stream")
	header.Set("Cache-Control", "no-cache")
	header.Set("Connection", "keep-alive")
	header.Set("X-Accel-Buffering", "no")
	header.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(http.StatusOK)

	out := &events{w: w, control: http.NewResponseController(w), timeout: s.WriteTimeout, lost: func(err error) {
		s.metrics.dropped.Inc()
		s.Log.Info("a reader is gone or does not read; its stream is dropped", "id", query.ID, "reason", err.Error())
		cancel(fmt.Errorf("writing to the client: %w", err))
	}}
	stop := s.heartbeats(out)
	defer stop()
	outcome := s.Loop.Run(ctx, query, out.send)
	s.metrics.ended(outcome.Status)
}

// heartbeats keeps proxies from taking a silent stream for a dead one. stop returns when the last one is written.
func (s *Server) heartbeats(out *events) (stop func()) {
	ticker := s.Clock.NewTicker(s.Heartbeat)
	done := make(chan struct{})
	var beating sync.WaitGroup
	beating.Go(func() {
		defer ticker.Stop()
		for {
			select {
			case <-done:
				return
			case <-ticker.C():
				out.write([]byte(": heartbeat\n\n"))
			}
		}
	})
	return func() {
		close(done)
		beating.Wait()
	}
}

// events writes one stream. A write that takes longer than timeout ends it: lost is called once, and all later events
// go nowhere, so that a reader that does not read holds up nobody.
type events struct {
	control *http.ResponseController
	timeout time.Duration
	lost    func(error)

	mu   sync.Mutex
	w    http.ResponseWriter
	next int
	dead bool
}

// send writes an event.
func (e *events) send(event chat.Event) {
	data, err := json.Marshal(event)
	if err != nil {
		data = []byte(`{"type":"processing_delay","message":"an event could not be written"}`)
	}
	e.mu.Lock()
	e.next++
	id := e.next
	e.mu.Unlock()
	e.write(fmt.Appendf(nil, "id: %d\ndata: %s\n\n", id, data))
}

func (e *events) write(chunk []byte) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.dead {
		return
	}
	// A deadline that cannot be set is no reason not to write: only tests have such writers.
	_ = e.control.SetWriteDeadline(time.Now().Add(e.timeout))
	_, err := e.w.Write(chunk)
	if err == nil {
		err = e.control.Flush()
	}
	if err != nil {
		e.dead = true
		e.lost(err)
	}
}
