// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package mcpserver

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/ry-ops/cortex/internal/panics"
)

// maxMessageBytes bounds one JSON-RPC message, be it a server-sent event or a body.
const maxMessageBytes = 8 << 20

// ConnectOptions say how to connect to an MCP server. The zero value connects with a pool of its own and listens to
// nothing.
type ConnectOptions struct {
	// Name and Version that the client gives to the server. Default: cortex, 0.
	Name, Version string
	// Pool of connections, shared with other sessions. Default: a new one.
	Pool http.RoundTripper
	// Around, if it is set, is put around all requests: to authorize them, say.
	Around func(http.RoundTripper) http.RoundTripper
	// Listen opens the standalone stream for the server's own messages, for servers that keep sessions.
	Listen bool
	// Client sets handlers for the server's messages. Its MultiRoundTrip is ignored: multi-round-trips repeat tool
	// calls, and only the replay rule may do that.
	Client mcp.ClientOptions
	// Panics are caught while the session is opened. Nil counts none.
	Panics *panics.Catcher
}

// Connect opens a session: server/discover where the server knows it (MCP 2026-07-28), else initialize. The session
// retries nothing, and each error of it is a *RequestError for Classify and Sent. Connect returns by the context's
// deadline; the context does not bound the session.
func Connect(ctx context.Context, endpoint Endpoint, options ConnectOptions) (*mcp.ClientSession, error) {
	client, transport := newClient(endpoint, options)
	type outcome struct {
		session *mcp.ClientSession
		err     error
	}
	done := make(chan outcome, 1)
	go func() {
		var o outcome
		defer func() { done <- o }()
		defer options.Panics.Catch(panics.Background, &o.err, "service", endpoint.Service)
		o.session, o.err = open(ctx, client, transport)
	}()
	select {
	case o := <-done:
		if o.err != nil {
			return nil, fmt.Errorf("connecting to %s: %w", endpoint.Service, o.err)
		}
		return o.session, nil
	case <-ctx.Done():
		// A server that hangs holds the SDK for some seconds more: it closes the session that it failed to open, and
		// that waits for a notice of cancellation to be delivered (5 s at most).
		go func() {
			if o := <-done; o.err == nil {
				_ = o.session.Close()
			}
		}()
		return nil, fmt.Errorf("connecting to %s: %w", endpoint.Service, ctx.Err())
	}
}

// opening is the first failure while a session is opened. The SDK falls back from server/discover to initialize after
// any failure. After an answer that is no MCP at all its connection is broken, and initialize fails with no more than
// "connection closed". After a failed dial it would dial again, which costs a second and more: where kube-proxy rejects
// a connection with ICMP, the kernel sends one such answer a second (net.ipv4.icmp_ratelimit).
type opening struct{ first *RequestError }

type openingKey struct{}

func open(ctx context.Context, client *mcp.Client, transport mcp.Transport) (*mcp.ClientSession, error) {
	var o opening
	session, err := client.Connect(context.WithValue(ctx, openingKey{}, &o), transport, nil)
	if errors.Is(err, mcp.ErrConnectionClosed) && o.first != nil {
		return nil, o.first
	}
	return session, err
}

func newClient(endpoint Endpoint, options ConnectOptions) (*mcp.Client, mcp.Transport) {
	if options.Name == "" {
		options.Name, options.Version = "cortex", "0"
	}
	if options.Pool == nil {
		options.Pool = NewTransport()
	}
	settings := options.Client
	settings.MultiRoundTrip = &mcp.MultiRoundTripOptions{Disabled: true}
	if settings.Capabilities == nil {
		// The SDK's default claims roots, which Cortex has none of.
		settings.Capabilities = &mcp.ClientCapabilities{}
	}
	over := NewHTTPClient(endpoint, options.Pool)
	if options.Around != nil {
		over.Transport = options.Around(over.Transport)
	}
	client := mcp.NewClient(&mcp.Implementation{Name: options.Name, Version: options.Version}, &settings)
	client.AddSendingMiddleware(withFacts)
	return client, &mcp.StreamableClientTransport{
		Endpoint:             endpoint.URL,
		HTTPClient:           over,
		MaxRetries:           -1, // none
		DisableStandaloneSSE: !options.Listen,
		MaxEventSize:         maxMessageBytes,
	}
}
