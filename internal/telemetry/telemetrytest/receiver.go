// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

// Package telemetrytest is a collector for tests.
package telemetrytest

import (
	"encoding/hex"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// Span is a span as a collector gets it.
type Span struct {
	*tracepb.Span
	// Program is the service.name of its resource.
	Program string
}

// Trace is the id of its trace, in hexadecimal digits.
func (s Span) Trace() string { return hex.EncodeToString(s.TraceId) }

// ID is its own.
func (s Span) ID() string { return hex.EncodeToString(s.SpanId) }

// Parent is that of the span above it; empty if there is none.
func (s Span) Parent() string { return hex.EncodeToString(s.ParentSpanId) }

// Text is the value of an attribute as text; empty if there is none.
func (s Span) Text(key string) string {
	for _, one := range s.Attributes {
		if one.Key == key {
			return one.Value.GetStringValue()
		}
	}
	return ""
}

// Receiver takes OTLP over HTTP and keeps the spans.
type Receiver struct {
	URL string

	mu     sync.Mutex
	spans  []Span
	header http.Header
}

// New starts a Receiver on loopback, until the test ends.
func New(t testing.TB) *Receiver { return At(t, "127.0.0.1") }

// At starts a Receiver at an address of this machine, until the test ends.
func At(t testing.TB, host string) *Receiver {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		t.Fatal(err)
	}
	r := &Receiver{}
	server := &httptest.Server{Listener: listener, Config: &http.Server{Handler: r}} //nolint:gosec // it is for tests
	server.Start()
	t.Cleanup(server.Close)
	r.URL = server.URL
	return r
}

// ServeHTTP implements http.Handler.
func (r *Receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	var data tracepb.TracesData
	if err != nil || req.URL.Path != "/v1/traces" || req.Method != http.MethodPost || proto.Unmarshal(body, &data) != nil {
		http.Error(w, "no OTLP", http.StatusBadRequest)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.header = req.Header
	for _, of := range data.ResourceSpans {
		program := ""
		for _, one := range of.Resource.Attributes {
			if one.Key == "service.name" {
				program = one.Value.GetStringValue()
			}
		}
		for _, scope := range of.ScopeSpans {
			for _, span := range scope.Spans {
				r.spans = append(r.spans, Span{span, program})
			}
		}
	}
	w.Header().Set("Content-Type", "application/x-protobuf")
}

// Spans are those that came so far.
func (r *Receiver) Spans() []Span {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]Span(nil), r.spans...)
}

// Named are those of a name.
func (r *Receiver) Named(name string) []Span {
	var named []Span
	for _, span := range r.Spans() {
		if span.Name == name {
			named = append(named, span)
		}
	}
	return named
}

// Header is that of the last request.
func (r *Receiver) Header() http.Header {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.header
}
