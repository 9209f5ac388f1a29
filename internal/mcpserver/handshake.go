// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package mcpserver

import (
	"context"
	"net/http/httptrace"
	"sync/atomic"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

// probeTimeout bounds a handshake whose context has no nearer deadline. A healthy server takes milliseconds.
const probeTimeout = 5 * time.Second

// Result is how a handshake went.
type Result struct {
	// Verdict is Passed if the server answered as an MCP server, Unknown if the caller gave up, else Failed.
	Verdict v1alpha1.Verdict
	// Class of the failure; empty if it passed.
	Class v1alpha1.ErrorClass
	// Accepted reports whether a TCP connection was accepted: a server that accepts and does not answer hangs.
	Accepted bool
	// NoRoute reports that the network itself turned the connection away (EHOSTUNREACH, ENETUNREACH).
	NoRoute bool
	// Tools are the names of the tools that the server has, as ToolNames makes them. Empty unless the handshake passed.
	Tools []string
	// Message says in one sentence what was seen, for people. At most 256 characters, without control characters.
	Message string
	// Took is how long the handshake lasted.
	Took time.Duration
}

// Prober makes a handshake, or a connection where the endpoint is plain. It returns by the context's deadline, and never panics or returns an error: a handshake
// that could not be made is a Result as well.
type Prober interface {
	Probe(ctx context.Context, endpoint Endpoint) Result
}

// MCPProber makes handshakes with the official SDK. The zero value is ready to use.
type MCPProber struct {
	// Timeout of a handshake. Default: 5 s.
	Timeout time.Duration
}

// Probe implements Prober. It keeps no connection and no session.
func (p MCPProber) Probe(ctx context.Context, endpoint Endpoint) Result {
	timeout := p.Timeout
	if timeout <= 0 {
		timeout = probeTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if endpoint.Plain {
		return connectOnly(ctx, endpoint)
	}

	var accepted atomic.Bool
	traced := httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { accepted.Store(true) },
	})
	start := time.Now()
	server, tools, err := shakeHands(traced, endpoint)
	result := Result{Class: Classify(err), Accepted: accepted.Load(), NoRoute: noRoute(err), Tools: tools, Took: time.Since(start)}
	result.Verdict, result.Message = describe(result, server, err)
	return result
}

// shakeHands opens a session, pings it where the protocol has a ping, lists its tools, and closes it.
func shakeHands(ctx context.Context, endpoint Endpoint) (server *mcp.InitializeResult, tools []string, err error) {
	pool := NewTransport()
	// One connection, so that every request of the handshake reaches the same pod: behind a Service, another pod
	// would not know the session.
	pool.MaxConnsPerHost = 1
	session, err := Connect(ctx, endpoint, ConnectOptions{Name: "cortex-probe", Version: "0", Pool: pool})
	if err != nil {
		pool.CloseIdleConnections()
		return nil, nil, err
	}
	server = session.InitializeResult()
	if hasPing(server) {
		err = session.Ping(ctx, nil)
	}
	if err == nil {
		tools, err = listTools(ctx, session)
	}
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		_ = session.Close() // a courtesy to the server: it tells nothing about its health
		pool.CloseIdleConnections()
	}()
	select {
	case <-closed:
	case <-ctx.Done():
	}
	return server, tools, err
}
