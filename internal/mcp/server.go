// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package mcp

import (
	"context"
	"fmt"
	"sync"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ry-ops/cortex/internal/foreign"
	"github.com/ry-ops/cortex/internal/mcpserver"
)

// maxReason bounds the text of an error in a log, in characters.
const maxReason = 1024

// Server is one MCP server: where it answers, the tools that it is known to have, and the session with it. It is safe
// for concurrent use.
type Server struct {
	key        types.NamespacedName
	options    Options
	background func(func(context.Context))
	endpoints  *endpoints

	mu       sync.Mutex
	endpoint mcpserver.Endpoint
	// moved counts the changes of the Service.
	moved   uint64
	session *session
	tools   []Tool
	listed  bool
	// renewed is the heal after which the session was last opened anew.
	renewed types.UID
}

// Key names the server's Service.
func (s *Server) Key() types.NamespacedName { return s.key }

// Tools are the tools that the server is known to have, by its own order. A server that is down keeps them. The second
// result is false if it has never been listed.
func (s *Server) Tools() ([]Tool, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tools, s.listed
}

// ToolNames are the names of the tools that the server is known to have; none if it has never been listed.
func (s *Server) ToolNames() []string {
	tools, _ := s.Tools()
	names := make([]string, 0, len(tools))
	for _, tool := range tools {
		names = append(names, tool.Name)
	}
	return names
}

// Endpoint is where the server answers.
func (s *Server) Endpoint() mcpserver.Endpoint {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.endpoint
}

// Ready counts the endpoints that are ready. The second result is false if no EndpointSlice of the Service was ever seen.
func (s *Server) Ready() (int, bool) { return s.endpoints.known() }

// List asks the server for its tools. An error is a *CallError.
func (s *Server) List(ctx context.Context) error {
	return s.using(ctx, "", s.options.ConnectTimeout, Hints{ReadOnly: true}, func(ctx context.Context, client *sdk.ClientSession) error {
		var tools []Tool
		for tool, err := range client.Tools(ctx, nil) {
			if err != nil {
				return fmt.Errorf("listing tools: %w", err)
			}
			if len(tools) == maxTools {
				s.options.Log.Info("a server has more tools than are used", "service", s.key, "used", maxTools)
				break
			}
			tools = append(tools, toolOf(tool))
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.tools, s.listed = tools, true
		return nil
	})
}

// Renew makes the next call open a new session, once for all callers who waited for the same heal. It tells the first of
// them, whose part it is to Relist.
func (s *Server) Renew(heal types.UID) (first bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if first = s.renewed != heal; first {
		s.renewed = heal
		// Together, or one who is not the first would open a session that is dropped at once.
		s.reset()
	}
	return first
}

// Relist lists the tools again in the background: what was healed may be another version. It comes after the calls that
// waited, since it would meet them on their new session.
func (s *Server) Relist() {
	s.background(func(ctx context.Context) {
		if err := s.List(ctx); err != nil && ctx.Err() == nil {
			s.options.Log.Info("tools could not be listed after the heal", "service", s.key, "reason", foreign.Line(err.Error(), maxReason))
		}
	})
}

// Reset makes the next call open a new session with new connections. Calls under way keep theirs.
func (s *Server) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reset()
}

// reset must be called with the lock held.
func (s *Server) reset() {
	old := s.session
	s.session = nil
	s.retire(old)
}

// moveTo takes note of the server's endpoint. The Service has changed in some way, so the session is opened anew: what
// is behind it may be another server by now.
func (s *Server) moveTo(endpoint mcpserver.Endpoint) {
	s.mu.Lock()
	s.endpoint = endpoint
	s.moved++
	s.mu.Unlock()
	s.Reset()
}

// Changes grows whenever the Service, or the number of its ready endpoints, changes: what was known of the server may be so no
// more.
func (s *Server) Changes() uint64 {
	s.mu.Lock()
	moved := s.moved
	s.mu.Unlock()
	return moved + s.endpoints.changed()
}

// Open opens the session with the server if there is none, for all who call then. An error is a *CallError.
func (s *Server) Open(ctx context.Context) error {
	current, _, err := s.acquire(ctx)
	if err != nil {
		return s.failed(ctx, err, false, "")
	}
	s.release(current)
	return nil
}
