// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package mcpserver

import (
	"regexp"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// maxComplaint bounds how much of a tool's error is looked at, in bytes.
const maxComplaint = 4 << 10

// dependencyDown are the ways in which programs say that somebody whom they asked was not there. They are the fixed words of
// systems and runtimes, and a bare "timeout" or "unavailable" is none: a tool says that of many things.
var dependencyDown = regexp.MustCompile(`(?i)\b(?:` +
	// libc, Node.js, Go, Java, Rust and Python, of a connection.
	`ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|ECONNRESET` +
	`|connection refused|connect(?:ion)? timed out|connection timeout|ConnectTimeout(?:Error)?|no route to host|network is unreachable` +
	`|failed to establish a new connection|all connection attempts failed|cannot connect to host` +
	// of a name.
	`|ENOTFOUND|EAI_AGAIN|lookup [^ ]+(?: on [^ ]+)?: no such host|name or service not known|temporary failure in name resolution|name resolution error|could not resolve host|UnknownHostException|nodename nor servname` +
	// Go's dial, and a deadline that is told with one.
	`|dial tcp [^ ]+: i/o timeout` +
	// PostgreSQL, MySQL, MongoDB and Redis clients.
	`|could not connect to server|can't connect to (?:local )?mysql server|server selection timed out|no servers? available for` +
	`)\b`)

// DependencyText reports whether the text of a tool's error says that what the tool itself depends on cannot be reached. The
// text is foreign: it may start a look at the Service that was called, which is all that anybody learns from it. What is
// changed, and where, follows from the objects of the cluster alone.
func DependencyText(text string) bool {
	return dependencyDown.MatchString(text[:min(len(text), maxComplaint)])
}

// DependencyDownIn reports whether a tool's result is an error that DependencyText recognises. A result that is no error is data,
// whatever words are in it.
func DependencyDownIn(result *mcp.CallToolResult) (text string, down bool) {
	if result == nil || !result.IsError {
		return "", false
	}
	for _, content := range result.Content {
		if said, ok := content.(*mcp.TextContent); ok && DependencyText(said.Text) {
			return said.Text[:min(len(said.Text), maxComplaint)], true
		}
	}
	return "", false
}
