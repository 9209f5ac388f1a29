// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"k8s.io/utils/clock"
)

// profile adds the tools of one product.
type profile func(*mcp.Server, clock.PassiveClock)

var profiles = map[string]profile{"sandfly": addSandfly, "proxmox": addProxmox}

// newHandler serves MCP at /mcp, health at /health, and faults below /fault.
func newHandler(log *slog.Logger, o options, faults *faults, clock clock.PassiveClock) http.Handler {
	counts := &counts{log: log, runs: map[string]int{}}
	server := mcp.NewServer(&mcp.Implementation{Name: o.profile + "-mcp-server", Version: "1.0.0"}, nil)
	server.AddReceivingMiddleware(counts.count, faults.slowTool, faults.dependencyDown)
	profiles[o.profile](server, clock)
	handler := mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server }, &mcp.StreamableHTTPOptions{
		Stateless: o.stateless,
		// The protection is for servers on a user's desk. In a test, a Service's name is asked for at loopback.
		DisableLocalhostProtection: true,
	})
	mux := http.NewServeMux()
	mux.Handle("/mcp", faults.broken(handler))
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, map[string]string{"status": "ok"})
	})
	mux.HandleFunc("GET /fault", faults.show)
	mux.HandleFunc("POST /fault", faults.set)
	mux.HandleFunc("GET /fault/counts", counts.show)
	return mux
}

// counts tells how often each tool ran in this process.
type counts struct {
	log  *slog.Logger
	mu   sync.Mutex
	runs map[string]int
}

// count is the outermost middleware: a call counts from its beginning, whatever becomes of it.
func (c *counts) count(next mcp.MethodHandler) mcp.MethodHandler {
	return func(ctx context.Context, method string, request mcp.Request) (mcp.Result, error) {
		if call, ok := request.(*mcp.CallToolRequest); ok {
			c.mu.Lock()
			c.runs[call.Params.Name]++
			c.mu.Unlock()
			c.log.Info("tool called", "tool", call.Params.Name)
		}
		return next(ctx, method, request)
	}
}

func (c *counts) show(w http.ResponseWriter, _ *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	writeJSON(w, http.StatusOK, c.runs)
}

func writeJSON(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value)
}

// text is a tool's answer for people, beside its structured one.
func text(format string, args ...any) *mcp.CallToolResult {
	return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: fmt.Sprintf(format, args...)}}}
}

// hints of a tool: what a caller may do with it again.
func hints(title string, readOnly, idempotent bool) *mcp.ToolAnnotations {
	closed, harmless := false, false
	return &mcp.ToolAnnotations{Title: title, ReadOnlyHint: readOnly, IdempotentHint: idempotent, DestructiveHint: &harmless, OpenWorldHint: &closed}
}

// ago gives the moment so long before now, to the second.
func ago(clock clock.PassiveClock, d time.Duration) time.Time {
	return clock.Now().Add(-d).UTC().Truncate(time.Second)
}
