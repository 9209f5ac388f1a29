// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package mcpserver

import (
	"context"
	"slices"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/ry-ops/cortex/internal/foreign"
)

const (
	// MaxTools bounds the names of tools that are kept of one server, and maxToolName each of them, in characters (api/v1alpha1,
	// spec.expectedTools and status.verification.tools).
	MaxTools    = 128
	maxToolName = 128
	// maxToolPages bounds the pages that a handshake reads, of at most maxMessageBytes each: a cursor is the server's word, and
	// may lead on for ever. maxToolsRead bounds the tools: four times what the gateway uses, so that none of those is missed.
	maxToolPages = 16
	maxToolsRead = 1024
)

// ToolNames makes the names of tools fit to store and to compare: clean, in order, each once, the first MaxTools of them.
// Names that were made so at different times are equal if and only if the server's were, up to their bound.
func ToolNames(names []string) []string {
	clean := make([]string, 0, min(len(names), maxToolsRead))
	for _, name := range names {
		if name = foreign.Line(name, maxToolName); name != "" {
			clean = append(clean, name)
		}
	}
	slices.Sort(clean)
	clean = slices.Compact(clean)
	return clean[:min(len(clean), MaxTools)]
}

// listingError is a failure of tools/list: the server had answered until then.
type listingError struct{ error }

func (e listingError) Unwrap() error { return e.error }

// listTools asks for the names of all tools. A server that does not claim to have any is not asked (MCP, "Tools",
// "Capabilities": servers that support tools MUST declare it).
func listTools(ctx context.Context, session *mcp.ClientSession) ([]string, error) {
	if server := session.InitializeResult(); server.Capabilities == nil || server.Capabilities.Tools == nil {
		return nil, nil
	}
	var names []string
	params := &mcp.ListToolsParams{}
	for range maxToolPages {
		page, err := session.ListTools(ctx, params)
		if err != nil {
			return nil, listingError{err}
		}
		for _, tool := range page.Tools {
			names = append(names, foreign.Line(tool.Name, maxToolName))
		}
		if page.NextCursor == "" || len(names) >= maxToolsRead {
			break
		}
		params = &mcp.ListToolsParams{Cursor: page.NextCursor}
	}
	return ToolNames(names), nil
}
