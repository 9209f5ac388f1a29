// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

// Package claudetest has a server for tests that speaks the wire format of the Messages API, streaming included, checks requests
// as the API does, and fails in the ways that the API and the way to it fail.
package claudetest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/ry-ops/cortex/test/steady"
)

// Key is the API key that the server takes.
const Key = "sk-ant-test-key"

// Model is what the server answers as.
const Model = "claude-test-1"

// Reply answers one request.
type Reply func(s *Stream, r Request)

// Server answers each request with the next reply of its script; the last one is used for all that follow.
type Server struct {
	URL string

	mu       sync.Mutex
	script   []Reply
	requests []Request
}

// Start makes a server, which ends with the test.
func Start(t testing.TB, script ...Reply) *Server {
	t.Helper()
	s := &Server{script: script}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/messages", s.messages)
	server := httptest.NewServer(mux)
	s.URL = server.URL
	t.Cleanup(func() { steady.Stop(server) })
	return s
}

// Requests are all that were taken, in order.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Request(nil), s.requests...)
}

// Last is the last request.
func (s *Server) Last() Request {
	all := s.Requests()
	return all[len(all)-1]
}

func (s *Server) messages(w http.ResponseWriter, r *http.Request) {
	stream := &Stream{w: w, r: r}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	request := Request{Raw: string(body), Key: r.Header.Get("X-Api-Key")}
	if request.Key != Key {
		stream.Fail(http.StatusUnauthorized, "authentication_error", "invalid x-api-key")
		return
	}
	if r.Header.Get("Anthropic-Version") == "" {
		stream.Fail(http.StatusBadRequest, "invalid_request_error", "anthropic-version: header is required")
		return
	}
	if err := json.Unmarshal(body, &request); err != nil {
		stream.Fail(http.StatusBadRequest, "invalid_request_error", err.Error())
		return
	}
	s.mu.Lock()
	s.requests = append(s.requests, request)
	reply := s.script[0]
	if len(s.script) > 1 {
		s.script = s.script[1:]
	}
	s.mu.Unlock()
	if problem := request.problem(); problem != "" {
		stream.Fail(http.StatusBadRequest, "invalid_request_error", problem)
		return
	}
	reply(stream, request)
}

// Stream writes an answer.
type Stream struct {
	w      http.ResponseWriter
	r      *http.Request
	begun  bool
	blocks int
	tokens int
}

// Fail answers with an error of the API. Headers are pairs of name and value.
func (s *Stream) Fail(status int, kind, message string, headers ...string) {
	s.w.Header().Set("Content-Type", "application/json")
	s.w.Header().Set("Request-Id", "req_test")
	for i := 0; i+1 < len(headers); i += 2 {
		s.w.Header().Set(headers[i], headers[i+1])
	}
	s.w.WriteHeader(status)
	_, _ = s.w.Write(errorBody(kind, message))
}

func errorBody(kind, message string) []byte {
	return encoded(map[string]any{"type": "error", "error": map[string]any{"type": kind, "message": message}, "request_id": "req_test"})
}

// Event writes one server-sent event as it is.
func (s *Stream) Event(name, data string) {
	if !s.begun {
		s.begun = true
		s.w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
		s.w.Header().Set("Request-Id", "req_test")
		s.w.WriteHeader(http.StatusOK)
	}
	_, _ = fmt.Fprintf(s.w, "event: %s\ndata: %s\n\n", name, data)
	_ = http.NewResponseController(s.w).Flush()
}

func (s *Stream) event(name string, fields map[string]any) {
	fields["type"] = name
	s.Event(name, string(encoded(fields)))
}

// Begin writes message_start and a ping.
func (s *Stream) Begin() {
	s.event("message_start", map[string]any{"message": map[string]any{
		"id": "msg_test", "type": "message", "role": "assistant", "model": Model, "content": []any{}, "stop_reason": nil, "stop_sequence": nil,
		"usage": map[string]any{"input_tokens": 100, "cache_creation_input_tokens": 10, "cache_read_input_tokens": 5, "output_tokens": 1},
	}})
	s.event("ping", map[string]any{})
}

// Text writes a text block in as many deltas as there are pieces.
func (s *Stream) Text(pieces ...string) {
	s.Start(map[string]any{"type": "text", "text": ""})
	for _, piece := range pieces {
		s.Delta(map[string]any{"type": "text_delta", "text": piece})
	}
	s.Stop()
}

// Use writes a tool_use block, its input in two deltas as the API cuts it.
func (s *Stream) Use(id, name, input string) {
	s.Start(map[string]any{"type": "tool_use", "id": id, "name": name, "input": map[string]any{}})
	s.Delta(map[string]any{"type": "input_json_delta", "partial_json": ""})
	for _, part := range []string{input[:len(input)/2], input[len(input)/2:]} {
		s.Delta(map[string]any{"type": "input_json_delta", "partial_json": part})
	}
	s.Stop()
}

// Start begins a block.
func (s *Stream) Start(block map[string]any) {
	s.event("content_block_start", map[string]any{"index": s.blocks, "content_block": block})
}

// Delta adds to the block that has begun.
func (s *Stream) Delta(delta map[string]any) {
	s.tokens += 5
	s.event("content_block_delta", map[string]any{"index": s.blocks, "delta": delta})
}

// Stop ends a block.
func (s *Stream) Stop() {
	s.event("content_block_stop", map[string]any{"index": s.blocks})
	s.blocks++
}

// End ends the answer with a stop reason.
func (s *Stream) End(reason string) {
	s.EndWith(map[string]any{"stop_reason": reason, "stop_sequence": nil})
}

// EndWith ends the answer with all that its last delta says.
func (s *Stream) EndWith(delta map[string]any) {
	s.event("message_delta", map[string]any{"delta": delta, "usage": map[string]any{"output_tokens": s.tokens}})
	s.event("message_stop", map[string]any{})
}

// Gone is closed when the client has left.
func (s *Stream) Gone() <-chan struct{} { return s.r.Context().Done() }

func encoded(value any) []byte {
	raw, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return raw
}
