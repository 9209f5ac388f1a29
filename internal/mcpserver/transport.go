// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package mcpserver

import (
	"context"
	"fmt"
	"mime"
	"net/http"
	"time"
)

const (
	// maxHeaderBytes bounds the headers of an answer. MCP servers send a few hundred bytes; net/http's default is 10 MiB.
	maxHeaderBytes = 64 << 10
	// idleTimeout is shorter than the 5 s after which Node and uvicorn, on which most MCP servers run, close an idle
	// connection by default: so the client closes first, and no call meets a connection that is just being closed.
	idleTimeout = 4 * time.Second
)

// sessionHeader carries the MCP session ID (MCP, Streamable HTTP transport, "Session Management").
const sessionHeader = "Mcp-Session-Id"

// NewTransport returns a connection pool for MCP servers. It takes no proxy from the environment: an MCP server is in
// the same cluster. One pool serves any number of servers.
func NewTransport() *http.Transport {
	return &http.Transport{
		DialContext:            insistent(dialer().DialContext),
		MaxResponseHeaderBytes: maxHeaderBytes,
		MaxIdleConnsPerHost:    8,
		IdleConnTimeout:        idleTimeout,
		DisableCompression:     true,
	}
}

// NewHTTPClient returns a client whose requests carry the endpoint's Host and whose errors are a *RequestError. It
// follows no redirect: an MCP server that redirects would send Cortex wherever it likes.
func NewHTTPClient(endpoint Endpoint, pool http.RoundTripper) *http.Client {
	single := pool
	if transport, ok := pool.(*http.Transport); ok {
		clone := transport.Clone()
		clone.DisableKeepAlives = true
		single = clone
	}
	return &http.Client{
		Transport:     &roundTripper{host: endpoint.Host, next: pool, single: single},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// roundTripper sets the Host and notes what became of the request.
type roundTripper struct {
	host string
	next http.RoundTripper
	// single has a new connection for each request, and keeps none.
	single http.RoundTripper
}

type newConnectionKey struct{}

// OnNewConnection makes the requests of a context use a new connection each. What is lost on a kept connection, which the
// server may just be closing, may have run; on a new one, a server that is gone refuses, and a call that must not run
// twice can be made again.
func OnNewConnection(ctx context.Context) context.Context {
	return context.WithValue(ctx, newConnectionKey{}, true)
}

// RoundTrip implements http.RoundTripper.
func (t *roundTripper) RoundTrip(request *http.Request) (*http.Response, error) {
	notes, ctx := notesOf(request)
	request = request.Clone(ctx)
	if repeatable(request) {
		request.GetBody = nil
	}
	if t.host != "" {
		request.Host = t.host
	}
	next := t.next
	if ctx.Value(newConnectionKey{}) != nil {
		next = t.single
	}
	response, err := next.RoundTrip(request)
	if err != nil {
		if cause := request.Context().Err(); cause != nil {
			// With a cancel cause, net/http returns the cause in place of the context's own error.
			err = fmt.Errorf("%w: %w", cause, err)
		}
		exchange := notes.read()
		if exchange.Cut = exchange.Answered && Broke(err); exchange.Cut {
			notes.write(func(x *Exchange) { x.Cut = true }) // in the head of the answer already
		}
		return nil, &RequestError{Exchange: exchange, Err: err}
	}
	wantsTLS := turnsDownPlain(response)
	notes.write(func(x *Exchange) {
		x.Status, x.RetryAfter, x.WantsTLS = response.StatusCode, RetryAfter(response.Header.Get("Retry-After")), wantsTLS
	})
	kind, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type"))
	stream := kind == "text/event-stream"
	if !stream {
		// The SDK bounds the events of a stream, and reads any other body whole.
		response.Body = http.MaxBytesReader(nil, response.Body, maxMessageBytes)
	}
	response.Body = &answer{ReadCloser: response.Body, ctx: ctx, notes: notes, stream: stream}
	return response, nil
}
