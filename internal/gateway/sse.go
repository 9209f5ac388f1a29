// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"k8s.io/utils/clock"

	"github.com/ry-ops/cortex/internal/quota"
	"github.com/ry-ops/cortex/internal/task"
)

// opening comes before all events. Browsers wait seconds before they connect again unless they are told otherwise.
const opening = "retry: 1000\n\n"

// errDropped is why a stream ended whose reader left or did not read.
var errDropped = errors.New("the reader is gone or does not read")

// errCut is why a stream ended that panicked.
var errCut = errors.New("an internal error cut the stream")

// stream is one response of server-sent events. Each event has an id and its data on one line; the type is in the data, as in the
// spec, and not in an "event:" field, so that a browser's onmessage gets all of them. One goroutine uses it at a time. A reader that
// does not read ends its own stream and holds up nobody: each write has a deadline.
type stream struct {
	server *Server
	seen   *exchange
	wire   wire
	// beat is nil where heartbeats come otherwise.
	beat clock.Ticker
	// buffer has what is not sent off yet, after the room that the wire needs; nil if there is nothing.
	buffer *[]byte
	// id of the last event.
	id int
	// sent counts the bytes that were sent off.
	sent int64
	// err is the first error; nothing is written after it.
	err error
	// left and give are called when it is over.
	left, give func()
}

// begin begins a stream with the events after the one with an id, for which there is room. It must be closed.
func (s *Server) begin(w http.ResponseWriter, r *http.Request, after int, give func()) stream {
	s.metrics.streams.Inc()
	header := w.Header()
	header.Set("Content-Type", "text/event-stream")
	header.Set("Cache-Control", "no-cache")
	header.Set("X-Accel-Buffering", "no")
	header.Set("X-Content-Type-Options", "nosniff")
	return stream{server: s, seen: exchangeOf(r.Context()), id: after, give: give}
}

// close is called once, when nothing more is written.
func (o *stream) close() {
	o.left()
	o.server.metrics.streams.Dec()
	o.give()
	if o.err != nil && !errors.Is(o.err, errCut) {
		o.server.metrics.dropped.Inc()
		o.server.Log.V(1).Info("a stream is dropped", "reason", o.err.Error())
	}
	o.seen.streamed(o.sent, o.err)
}

// stream answers with events after the one with an id, which tell writes. It may return before tell does. left is called when the
// stream is over; if there is no room for one, at once.
func (s *Server) stream(w http.ResponseWriter, r *http.Request, after int, left func(), tell func(context.Context, *stream)) {
	give, err := s.streams.Take(s.Caller(r))
	if err != nil {
		left()
		s.refuseBusy(w, err)
		return
	}
	out := s.begin(w, r, after, give)
	out.left = left
	if conn := s.takeOver(w, r); conn != nil {
		out.wire = taken{conn, s.WriteTimeout}
		s.detached(r.Context(), conn, &out, tell)
		return
	}
	s.answer(w, r, &out, tell)
}

// answer runs a stream in the handler of its request.
func (s *Server) answer(w http.ResponseWriter, r *http.Request, out *stream, tell func(context.Context, *stream)) {
	w.Header().Set("Connection", "keep-alive")
	w.WriteHeader(http.StatusOK)
	out.wire = answering{w, s.WriteTimeout}
	out.run(r.Context(), tell)
}

// run has a stream told, from its opening to its end.
func (o *stream) run(ctx context.Context, tell func(context.Context, *stream)) {
	o.beat = o.server.Clock.NewTicker(o.server.Heartbeat)
	told := false
	defer func() {
		if !told {
			o.err = errCut
		}
		o.beat.Stop()
		o.close()
	}()
	o.write(opening)
	tell(ctx, o)
	told = true
	if o.flush(); o.err == nil {
		o.wire.end()
	}
}

// tell writes an event with the next id. What is long is sent off at once, so that the deadline is for a part that any line can take.
func (o *stream) tell(event any) {
	data, err := json.Marshal(event)
	if err != nil {
		o.err = err
		return
	}
	o.event(o.id+1, data)
	if len(*o.buffer) > maxPooled {
		o.flush()
	}
}

// last writes an event without an id.
func (o *stream) last(event any) {
	if data, err := json.Marshal(event); err == nil {
		o.write("data: " + string(data) + "\n\n")
	}
}

// event writes an event.
func (o *stream) event(id int, data []byte) {
	o.id = id
	b := o.fill()
	*b = strconv.AppendInt(append(*b, "id: "...), int64(id), 10)
	*b = append(append(append(*b, "\ndata: "...), data...), "\n\n"...)
}

// write must be followed by flush.
func (o *stream) write(text string) {
	b := o.fill()
	*b = append(*b, text...)
}

// fill gives the buffer.
func (o *stream) fill() *[]byte {
	if o.buffer == nil {
		o.buffer = buffers.Get().(*[]byte)
		*o.buffer = append((*o.buffer)[:0], make([]byte, chunkHead)...)
	}
	return o.buffer
}

// flush sends off what was written.
func (o *stream) flush() {
	if o.buffer == nil {
		return
	}
	if o.err == nil {
		o.err = o.wire.send(*o.buffer)
	}
	o.sentOff()
}

// sentOff gives the buffer back, of which all was written unless there was an error.
func (o *stream) sentOff() {
	if o.buffer == nil {
		return
	}
	if o.err == nil {
		o.sent += int64(len(*o.buffer) - chunkHead)
	}
	if cap(*o.buffer) <= maxPooled {
		buffers.Put(o.buffer)
	}
	o.buffer = nil
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

// batch writes events of a task. They are too short to be sent off in parts.
func (o *stream) batch(batch task.Batch) {
	if batch.Lost > 0 {
		from := o.id + 1
		o.id += batch.Lost - 1
		o.tell(lost{Type: "events_lost", From: from, To: from + batch.Lost - 1,
			Message: fmt.Sprintf("%d events are not kept any more; the task goes on with the next one", batch.Lost)})
	}
	for _, event := range batch.Events {
		o.event(event.ID, event.Data)
	}
}

// serve writes what a reader reads, to the end of the task or of the reader.
func (o *stream) serve(ctx context.Context, reader *task.Reader, more <-chan struct{}) {
	for {
		batch := reader.Next(nil, maxPooled)
		o.batch(batch)
		switch {
		case batch.Over:
			return
		case batch.Rest:
			o.flush()
		case !o.wait(ctx, more, nil):
			return
		}
		if o.err != nil {
			return
		}
	}
}

// refuseBusy answers a caller for whom there is no room.
func (s *Server) refuseBusy(w http.ResponseWriter, err error) {
	status, message := http.StatusServiceUnavailable, err.Error()
	switch {
	case errors.Is(err, quota.ErrTooManyOfCaller):
		status, message = http.StatusTooManyRequests, "you have as many tasks or streams open as one caller may have: close some, or wait until they end"
	case errors.Is(err, quota.ErrTooMany):
		message = "the gateway has as many tasks or streams open as it takes: try again in a moment"
	}
	w.Header().Set("Retry-After", "5")
	s.refuse(w, status, message)
}
