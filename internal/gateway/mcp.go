// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"context"
	"net/http"
)

// MCP is the gateway as an MCP server. See proxy.Proxy.
type MCP interface {
	http.Handler
	// Drain ends the streams of clients that only listen.
	Drain()
}

// mcp serves MCP clients. What still waits for a heal when the gateway must end is told why.
func (s *Server) mcp(w http.ResponseWriter, r *http.Request) {
	if !s.Ready() {
		w.Header().Set("Retry-After", "1")
		refuse(w, http.StatusServiceUnavailable, "the gateway does not know the MCP servers yet: try again in a second")
		return
	}
	ctx, cancel := context.WithCancelCause(r.Context())
	defer cancel(nil)
	defer context.AfterFunc(s.ending, func() { cancel(errEnding) })() //nolint:contextcheck // ended by the gateway as well as by the caller
	s.MCP.ServeHTTP(w, r.WithContext(ctx))
}
