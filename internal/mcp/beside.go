// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package mcp

import (
	"context"
	"net"
	"net/url"
	"time"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/mcpserver"
)

// What follows is for calls that are made beside the server's own session: the gateway's /mcp passes the bytes of its clients on.

// Dialer opens connections to an endpoint of the server, as its session does: not while nobody is there.
func (s *Server) Dialer(endpoint mcpserver.Endpoint) func(context.Context) (net.Conn, error) {
	dial := s.newPool().DialContext
	return func(ctx context.Context) (net.Conn, error) {
		at, err := url.Parse(endpoint.URL)
		if err != nil {
			return nil, err
		}
		return dial(ctx, "tcp", at.Host)
	}
}

// Failure is an error of a call that was made beside the session.
func (s *Server) Failure(ctx context.Context, err error, tool string) *CallError {
	return s.failed(ctx, err, mcpserver.Sent(err), tool)
}

// NotSent is an error that came before a call could be made.
func (s *Server) NotSent(ctx context.Context, err error, tool string) *CallError {
	failure := s.failed(ctx, err, false, tool)
	if failure.Reason == mcpserver.FirstByteTimeout || failure.Reason == mcpserver.AnswerTimeout {
		failure.Reason = mcpserver.SessionTimeout // what had no answer in time was the opening of a session
	}
	return failure
}

// Stale reports whether a failure may be that of a session rather than of its server, so that another session is worth a try. kept says
// that the session was open before the call, and tried counts the tries.
func Stale(class v1alpha1.ErrorClass, kept bool, tried int) bool { return stale(class, kept, tried) }

// CallTimeout bounds a tool call, and ConnectTimeout the opening of a session.
func (s *Server) CallTimeout() time.Duration { return s.options.CallTimeout }

// ConnectTimeout bounds the opening of a session.
func (s *Server) ConnectTimeout() time.Duration { return s.options.ConnectTimeout }

// OnChange has f called after every change of a server: one that is new, or gone, or moved. It must return at once.
func (r *Registry) OnChange(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.changed = append(r.changed, f)
}

func (r *Registry) tellChange() {
	r.mu.RLock()
	changed := r.changed
	r.mu.RUnlock()
	for _, f := range changed {
		f()
	}
}
