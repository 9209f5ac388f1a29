// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/ry-ops/cortex/internal/proxy/envelope"
)

// Values of headers, without an allocation for each answer.
var (
	typeJSON   = []string{"application/json"}
	typeEvents = []string{"text/event-stream"}
	nosniff    = []string{"nosniff"}
	noCache    = []string{"no-cache"}
	noBuffer   = []string{"no"}
)

// errGone is a client that does not read any more.
var errGone = errors.New("the client is gone")

// reply is what a client gets for a request: one JSON message if that is all, else a stream of events, which begins with the first
// message that is not the answer. It may be written from several goroutines.
type reply struct {
	w       http.ResponseWriter
	control *http.ResponseController
	timeout time.Duration
	// id is the client's.
	id []byte
	// needs are what the results of a stateless client must have; nil for the others. status is that of its answer, if it is not 200.
	needs  []needed
	status int

	mu     sync.Mutex
	stream bool
	ended  bool
	err    error
}

func (p *Proxy) reply(w http.ResponseWriter, id []byte) *reply {
	return &reply{w: w, control: http.NewResponseController(w), timeout: p.WriteTimeout, id: id}
}

// answer ends the reply with a message, whose id is put in.
func (r *reply) answer(m message) error {
	if r.needs != nil {
		return r.last(r.carried(m)...)
	}
	return r.last(m.data[:m.ID.From], r.id, m.data[m.ID.To:])
}

// result ends the reply with a result of our own.
func (r *reply) result(result []byte) error {
	if r.needs != nil {
		return r.parsed("result", result)
	}
	return r.last([]byte(`{"jsonrpc":"2.0","id":`), r.id, []byte(`,"result":`), result, []byte("}"))
}

// rejected ends the reply with an error that a server gave.
func (r *reply) rejected(failure []byte) error { return r.parsed("error", failure) }

// parsed is answer of a message that is made of a result or an error.
func (r *reply) parsed(member string, value []byte) error {
	data := slices.Concat([]byte(`{"jsonrpc":"2.0","id":0,"`+member+`":`), value, []byte("}"))
	return r.answer(message{data, envelope.Head(data)})
}

// fail ends the reply with an error.
func (r *reply) fail(code int, text string, data json.RawMessage) error {
	if r.needs != nil {
		r.status = statusOf(code)
	}
	return r.last(errorMessage(r.id, code, text, data))
}

// refuse ends the reply with a refusal.
func (r *reply) refuse(f *refusal) {
	r.status = f.status
	_ = r.last(errorMessage(r.id, f.code, f.message, f.data)) // a client that is gone ends its request
}

func (r *reply) last(parts ...[]byte) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended || r.err != nil {
		return r.err
	}
	r.ended = true
	if r.stream {
		return r.event(parts...)
	}
	length := 0
	for _, part := range parts {
		length += len(part)
	}
	header := r.w.Header()
	header["Content-Type"] = typeJSON
	header["X-Content-Type-Options"] = nosniff
	header["Content-Length"] = []string{strconv.Itoa(length)}
	if r.status != 0 {
		r.w.WriteHeader(r.status)
	}
	return r.write(false, parts...)
}

// message sends what is not the answer.
func (r *reply) message(data []byte) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended || r.err != nil {
		return r.err
	}
	return r.event(data)
}

// comment shows that the stream is alive.
func (r *reply) comment(text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended || r.err != nil {
		return
	}
	r.begin()
	_ = r.write(true, []byte(": "), []byte(text), []byte("\n\n")) // the error is kept
}

// lost reports whether the client has gone.
func (r *reply) lost() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err != nil
}

// nothing ends the reply without an answer, as a cancelled request has none.
func (r *reply) nothing() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.ended {
		r.begin()
		r.ended = true
	}
}

// begin and event must be called with the lock held.
func (r *reply) begin() {
	if r.stream {
		return
	}
	r.stream = true
	header := r.w.Header()
	header["Content-Type"] = typeEvents
	header["X-Content-Type-Options"] = nosniff
	header["Cache-Control"] = noCache
	header["X-Accel-Buffering"] = noBuffer
}

func (r *reply) event(parts ...[]byte) error {
	r.begin()
	out := make([][]byte, 0, len(parts)+2)
	out = append(out, []byte("event: message\ndata: "))
	for _, part := range parts {
		out = append(out, oneLine(part))
	}
	return r.write(true, append(out, []byte("\n\n"))...)
}

// oneLine makes a message of several lines one of one: line breaks in JSON are white space.
func oneLine(data []byte) []byte {
	if bytes.IndexByte(data, '\n') < 0 && bytes.IndexByte(data, '\r') < 0 {
		return data
	}
	data = bytes.Clone(data)
	for i, c := range data {
		if c == '\n' || c == '\r' {
			data[i] = ' '
		}
	}
	return data
}

func (r *reply) write(flush bool, parts ...[]byte) error {
	// A deadline that cannot be set is no reason not to write: only tests have such writers.
	_ = r.control.SetWriteDeadline(time.Now().Add(r.timeout))
	for _, part := range parts {
		if _, err := r.w.Write(part); err != nil {
			r.err = fmt.Errorf("%w: %w", errGone, err)
			return r.err
		}
	}
	if flush {
		if err := r.control.Flush(); err != nil {
			r.err = fmt.Errorf("%w: %w", errGone, err)
		}
	}
	return r.err
}

// close is called when the request is over: nobody may write any more.
func (r *reply) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ended = true
}
