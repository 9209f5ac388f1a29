// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/utils/clock"
)

// waitingMCP waits for the end of its request, as a call does that is held.
type waitingMCP struct {
	began chan string
	ended chan error
}

func (m waitingMCP) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	m.began <- r.PathValue("server")
	<-r.Context().Done()
	m.ended <- context.Cause(r.Context())
}

func (waitingMCP) Drain() {}

// TestMCP: it is served once the servers are known, and what waits is told why it must end with the gateway.
func TestMCP(t *testing.T) {
	ready := false
	m := waitingMCP{make(chan string, 1), make(chan error, 1)}
	s := New(Options{MCP: m, Ready: func() bool { return ready }, Registry: prometheus.NewRegistry(), Clock: clock.RealClock{}, Log: logr.Discard()})
	handler := s.Handler()
	answer := httptest.NewRecorder()
	handler.ServeHTTP(answer, httptest.NewRequest(http.MethodPost, "/mcp", nil))
	if answer.Code != http.StatusServiceUnavailable || answer.Header().Get("Retry-After") == "" {
		t.Errorf("before the servers are known: %d", answer.Code)
	}
	ready = true
	go handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/mcp/sandfly", nil))
	if server := <-m.began; server != "sandfly" {
		t.Errorf("the server is %q", server)
	}
	s.cut()
	if err := <-m.ended; !errors.Is(err, errEnding) {
		t.Errorf("it ends with %v", err)
	}
}
