// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package chat

import (
	"context"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ry-ops/cortex/internal/mcp"
)

// Planner decides what to do next about a query: call tools, list servers, or answer. It is asked again with the
// results until it answers. It does no calls itself.
type Planner interface {
	// Model names who plans: "rules", or a model.
	Model() string
	// Next returns the next turn. An error ends the query.
	Next(ctx context.Context, conversation Conversation) (Turn, error)
}

// Conversation is what a planner knows.
type Conversation struct {
	Query string
	// Servers that there are now, by name.
	Servers []Server
	// Results of the calls so far, in the order of the calls.
	Results []Result
}

// Server is an MCP server as a planner sees it.
type Server struct {
	Key   types.NamespacedName
	Tools []mcp.Tool
	// Listed is false while the tools have never been known.
	Listed bool
	// Failed is why the tools could not be listed for this query, after a heal was tried; nil if they were not asked for.
	Failed error
}

// Call of a tool.
type Call struct {
	Server    types.NamespacedName
	Tool      mcp.Tool
	Arguments map[string]any
}

// Result of a call: what the tool answered, or why there is no answer. The error's text is for people.
type Result struct {
	Call   Call
	Output *sdk.CallToolResult
	Err    error
}

// Turn is what to do next: exactly one of its fields is set.
type Turn struct {
	// Calls to make.
	Calls []Call
	// List names servers whose tools are needed and not known.
	List []types.NamespacedName
	// Answer ends the query.
	Answer *Answer
}

// Answer to a query.
type Answer struct {
	Texts  []string
	Status Status
}
