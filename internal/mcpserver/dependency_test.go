// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package mcpserver_test

import (
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/ry-ops/cortex/internal/mcpserver"
)

func TestDependencyText(t *testing.T) {
	for text, want := range map[string]bool{
		"connect ECONNREFUSED 10.96.0.12:5432":                                                 true,
		"getaddrinfo ENOTFOUND sandfly-api.cortex-system.svc":                                  true,
		"getaddrinfo EAI_AGAIN sandfly-api":                                                    true,
		"dial tcp 10.96.0.12:5432: connect: connection refused":                                true,
		"dial tcp: lookup sandfly-api on 10.96.0.10:53: no such host":                          true,
		"dial tcp 10.96.0.12:443: i/o timeout":                                                 true,
		"[Errno 111] Connection refused":                                                       true,
		"HTTPConnectionPool(host='api', port=80): Failed to establish a new connection":        true,
		"java.net.UnknownHostException: sandfly-api":                                           true,
		"could not connect to server: No route to host":                                        true,
		"ServerSelectionError: server selection timed out after 30000 ms":                      true,
		"curl: (6) Could not resolve host: sandfly-api":                                        true,
		"no such host: web-9":                                                                  false,
		"the scan of web-1 timed out":                                                          false,
		"licence expired":                                                                      false,
		"service unavailable: quota exceeded":                                                  false,
		"host web-1 is not enrolled":                                                           false,
		"permission denied":                                                                    false,
		strings.Repeat("x", 4<<10) + " ECONNREFUSED: beyond what is looked at, and cheap then": false,
	} {
		if got := mcpserver.DependencyText(text); got != want {
			t.Errorf("%q: %v", text[:min(len(text), 60)], got)
		}
	}
}

// A result that is no error is data: a scan that finds closed ports is one that works.
func TestOnlyAnErrorSpeaksOfADependency(t *testing.T) {
	content := []mcp.Content{&mcp.TextContent{Text: "web-1:22 connection refused"}}
	if _, down := mcpserver.DependencyDownIn(&mcp.CallToolResult{Content: content}); down {
		t.Error("data was taken for a complaint")
	}
	if _, down := mcpserver.DependencyDownIn(&mcp.CallToolResult{Content: content, IsError: true}); !down {
		t.Error("a complaint was taken for data")
	}
}
