// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package mcp

import (
	"context"
	"net/http"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/ry-ops/cortex/internal/mcpserver"
	"github.com/ry-ops/cortex/internal/panics"
)

// maxIdle bounds the connections to one server that are kept for the next calls, for a few seconds: as many calls at once cost no
// new ones.
const maxIdle = 128

// session is one MCP session with a connection pool of its own, so that nothing of a dead session can be met again. It
// is shared by all calls; the last user of one that was dropped closes it, so that dropping it cuts nobody off.
type session struct {
	ready  chan struct{}
	client *sdk.ClientSession
	err    error
	pool   *http.Transport

	// Held under the server's lock.
	users   int
	dropped bool
}

// acquire returns the server's session, opening it if there is none. Everybody who comes meanwhile waits for the same
// attempt, each as long as its own ctx allows. kept says that the session was open before.
func (s *Server) acquire(ctx context.Context) (current *session, kept bool, err error) {
	s.mu.Lock()
	current = s.session
	if current == nil {
		current = &session{ready: make(chan struct{}), pool: s.newPool()}
		s.session = current
		s.open(current, s.endpoint)
	}
	current.users++
	s.mu.Unlock()

	select {
	case <-current.ready:
		kept = true
	default:
	}
	select {
	case <-current.ready:
	case <-ctx.Done():
		s.release(current)
		return nil, false, ctx.Err()
	}
	if current.err != nil {
		s.release(current)
		return nil, false, current.err
	}
	return current, kept, nil
}

func (s *Server) connectOptions(pool *http.Transport) mcpserver.ConnectOptions {
	return mcpserver.ConnectOptions{Name: "cortex-gateway", Version: s.options.Version, Pool: pool, Panics: s.options.Panics, Around: s.Authorized}
}

// Authorized sends requests to this server with its credentials, and with none of a caller. next must lead to it.
func (s *Server) Authorized(next http.RoundTripper) http.RoundTripper {
	return s.options.Credentials.RoundTripper(s.key, next)
}

// Credentials are the headers that this server wants; none if it has no credentials. They may change at any time. An error is a
// *CredentialError.
func (s *Server) Credentials() (http.Header, error) {
	header, err := s.options.Credentials.of(s.key)
	if err != nil {
		return nil, &CredentialError{err}
	}
	return header, nil
}

func (s *Server) newPool() *http.Transport {
	pool := mcpserver.NewTransport()
	pool.MaxIdleConnsPerHost = maxIdle
	pool.DialContext = s.endpoints.dial(pool.DialContext)
	return pool
}

// open connects in the background: the attempt belongs to all who wait for it, and not to the one who came first.
func (s *Server) open(current *session, endpoint mcpserver.Endpoint) {
	s.background(func(ctx context.Context) {
		// Whatever happens, those who wait are told.
		defer close(current.ready)
		current.client, current.err = s.connect(ctx, endpoint, current.pool)
		if current.err != nil {
			s.drop(current)
		}
	})
}

func (s *Server) connect(ctx context.Context, endpoint mcpserver.Endpoint, pool *http.Transport) (client *sdk.ClientSession, err error) {
	defer s.options.Panics.Catch(panics.Background, &err, "service", s.key)
	ctx, cancel := context.WithTimeout(ctx, s.options.ConnectTimeout)
	defer cancel()
	return mcpserver.Connect(ctx, endpoint, s.connectOptions(pool))
}

// drop makes the next call open a new session. It does nothing if that has already happened.
func (s *Server) drop(old *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.session == old {
		s.session = nil
	}
	s.retire(old)
}

func (s *Server) release(current *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	current.users--
	if current.dropped && current.users == 0 {
		s.end(current)
	}
}

// retire must be called with the server's lock held.
func (s *Server) retire(old *session) {
	if old == nil || old.dropped {
		return
	}
	old.dropped = true
	if old.users == 0 {
		s.end(old)
	}
}

// end says goodbye in the background, since a server that hangs would hold the caller.
func (s *Server) end(old *session) {
	s.background(func(context.Context) {
		<-old.ready
		if old.client != nil {
			_ = old.client.Close() // a courtesy: the session is over either way
		}
		old.pool.CloseIdleConnections()
	})
}
