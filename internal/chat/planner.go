// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package chat

import (
	"context"
	"fmt"
	"strings"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ry-ops/cortex/internal/mcp"
)

// Planner makes a plan for each query. It is safe for concurrent use.
type Planner interface {
	// Plan begins the planning of one query. past is what was said before in its conversation, the oldest first. tell takes
	// what the planner itself has to say meanwhile: text as it comes, and delays.
	Plan(past []Exchange, tell func(Event)) Plan
}

// Plan decides what to do next about one query: call tools, list servers, or answer. It is asked again with the results
// until it answers. It does no calls itself.
type Plan interface {
	// Model names who plans: "rules", or a model.
	Model() string
	// Next returns the next turn. An error ends the query.
	Next(ctx context.Context, conversation Conversation) (Turn, error)
}

// Conversation is what a plan knows of its query.
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
	// ID tells the calls of a query apart. The loop gives one where the planner has none.
	ID        string
	Server    types.NamespacedName
	Tool      mcp.Tool
	Arguments map[string]any
	// Reads: the call changes nothing, so it may be made beside others.
	Reads bool
}

// Result of a call: what the tool answered, or why there is no answer. The error's text is for people.
type Result struct {
	Call   Call
	Output *sdk.CallToolResult
	Err    error
}

// Failed reports whether the call did not do what was asked.
func (r Result) Failed() bool { return r.Err != nil || r.Output == nil || r.Output.IsError }

// Text is all that came of the call, as text: bounded and visible, and not redacted.
func (r Result) Text() string {
	if r.Err != nil || r.Output == nil {
		return shown(fmt.Sprint(r.Err))
	}
	return strings.Join(textsOf(r.Output), "\n")
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
	// StopReason and Usage are a model's. An answer that is not in a model's own words has no StopReason.
	StopReason string
	Usage      Usage
}
