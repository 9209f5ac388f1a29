// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"k8s.io/utils/clock"

	"github.com/ry-ops/cortex/internal/task"
)

// opening comes before all events. Browsers wait seconds before they connect again unless they are told otherwise.
const opening = "retry: 1000\n\n"

// errDropped is why a stream ended whose reader left or did not read.
var errDropped = errors.New("the reader is gone or does not read")

// stream is one response of server-sent events. Each event has an id and its data on one line; the type is in the data, as in the
// spec, and not in an "event:" field, so that a browser's onmessage gets all of them. It is for one goroutine, and each write has
// a deadline: a reader that does not read ends its own stream and holds up nobody.
type stream struct {
	w       http.ResponseWriter
	control *http.ResponseController
	timeout time.Duration
	beat    clock.Ticker
	// id of the last event.
	id int
	// err is the first error; nothing is written after it.
	err error
}

// open begins a stream for a caller after the event with an id. Without a stream, the refusal is written. close must be called.
func (s *Server) open(w http.ResponseWriter, caller string, after int) (out *stream, done func()) {
	give, err := s.streams.Take(caller)
	if err != nil {
		s.refuseBusy(w, err)
		return nil, nil
	}
	s.metrics.streams.Inc()
	header := w.Header()
	header.Set("Content-Type", "text/event-stream")
	header.Set("Cache-Control", "no-cache")
	header.Set("Connection", "keep-alive")
	header.Set("X-Accel-Buffering", "no")
	header.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(http.StatusOK)
	out = &stream{w: w, control: http.NewResponseController(w), timeout: s.WriteTimeout, beat: s.Clock.NewTicker(s.Heartbeat), id: after}
	out.write(opening)
	return out, func() {
		out.beat.Stop()
		s.metrics.streams.Dec()
		give()
		if out.err != nil {
			s.metrics.dropped.Inc()
			s.Log.V(1).Info("a stream is dropped", "reason", out.err.Error())
		}
	}
}

// tell writes an event with the next id.
func (o *stream) tell(event any) {
	data, err := json.Marshal(event)
	if err != nil {
		o.err = err
		return
	}
	o.event(o.id+1, data)
}

// last writes an event without an id, and sends it off.
func (o *stream) last(event any) {
	if data, err := json.Marshal(event); err == nil {
		o.write("data: " + string(data) + "\n\n")
	}
	o.flush()
}

// event writes an event without sending it off.
func (o *stream) event(id int, data []byte) {
	o.id = id
	var head [32]byte
	line := strconv.AppendInt(append(head[:0], "id: "...), int64(id), 10)
	o.write(string(append(line, "\ndata: "...)))
	if o.err == nil {
		_, o.err = o.w.Write(data)
	}
	o.write("\n\n")
}

// write must be followed by flush. The deadline is set first, since a long text is sent off while it is written.
func (o *stream) write(text string) {
	if o.err != nil {
		return
	}
	// A deadline that cannot be set is no reason not to write: only tests have such writers.
	_ = o.control.SetWriteDeadline(time.Now().Add(o.timeout))
	_, o.err = io.WriteString(o.w, text)
}

// flush sends off what was written.
func (o *stream) flush() {
	if o.err == nil {
		o.err = o.control.Flush()
	}
}

// wait sends off what was written and waits for more. It writes heartbeats, so that proxies do not take a silent stream for a
// dead one. It reports whether there is more: otherwise the reader is gone, or ended is closed.
func (o *stream) wait(ctx context.Context, more, ended <-chan struct{}) bool {
	for o.flush(); o.err == nil; o.flush() {
		select {
		case <-more:
			return true
		case <-ended:
			return false
		case <-o.beat.C():
			o.write(": heartbeat\n\n")
		case <-ctx.Done():
			o.err = errDropped
		}
	}
	return false
}

// lost tells a reader that events which it has not seen are not kept any more.
type lost struct {
	Type    string `json:"type"`
	From    int    `json:"from"`
	To      int    `json:"to"`
	Message string `json:"message"`
}

// serve writes what a reader reads, to the end of the task or of the reader.
func (o *stream) serve(ctx context.Context, reader *task.Reader) {
	for {
		batch := reader.Next(nil)
		if batch.Lost > 0 {
			from := o.id + 1
			o.id += batch.Lost - 1
			o.tell(lost{Type: "events_lost", From: from, To: from + batch.Lost - 1,
				Message: fmt.Sprintf("%d events are not kept any more; the task goes on with the next one", batch.Lost)})
		}
		for _, event := range batch.Events {
			o.event(event.ID, event.Data)
		}
		switch {
		case batch.Over:
			o.flush()
			return
		case batch.More != nil && !o.wait(ctx, batch.More, nil), o.err != nil:
			return
		}
	}
}

// refuseBusy answers a caller for whom there is no room.
func (s *Server) refuseBusy(w http.ResponseWriter, err error) {
	status, message := http.StatusServiceUnavailable, err.Error()
	switch {
	case errors.Is(err, task.ErrTooManyOfCaller):
		status, message = http.StatusTooManyRequests, "you have as many tasks or streams open as one caller may have: close some, or wait until they end"
	case errors.Is(err, task.ErrTooMany):
		message = "the gateway has as many tasks or streams open as it takes: try again in a moment"
	}
	w.Header().Set("Retry-After", "5")
	s.refuse(w, status, message)
}
