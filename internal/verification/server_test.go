// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package verification_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/ry-ops/cortex/internal/mcpserver"
	"github.com/ry-ops/cortex/internal/verification"
)

// serving is a real MCP server with these tools.
func serving(tools ...string) http.Handler {
	server := mcp.NewServer(&mcp.Implementation{Name: name, Version: "1"}, nil)
	for _, tool := range tools {
		mcp.AddTool(server, &mcp.Tool{Name: tool}, func(context.Context, *mcp.CallToolRequest, struct{}) (*mcp.CallToolResult, any, error) {
			return nil, nil, nil
		})
	}
	// The Host is a Service's, as in a cluster.
	return mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server }, &mcp.StreamableHTTPOptions{DisableLocalhostProtection: true})
}

// TestRealServers: the handshake is a real one, through the Service's own address.
func TestRealServers(t *testing.T) {
	mcpserver.AllowLoopback()
	page := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte("<h1>It works!</h1>"))
	})
	api := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"status":"ok","tools":["list","run"]}`))
	})
	down := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	for name, test := range map[string]struct {
		handler http.Handler
		test
	}{
		"with its tools":   {serving("run", "list"), test{verdict: passes, check: verification.CheckStability}},
		"with fewer tools": {serving("list"), test{verdict: unknown, check: verification.CheckTools, message: "1 tool, missing: run"}},
		"with no tools":    {serving(), test{verdict: unknown, check: verification.CheckTools, message: "0 tools, missing: list, run"}},
		"503":              {down, test{verdict: unknown, check: verification.CheckHandshake, message: "answered HTTP 503 Service Unavailable"}},
		"a bearer token":   {http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }), test{verdict: unknown, check: verification.CheckHandshake, message: "the operator has none. The gateway's own retry decides"}},
		"a web page":       {page, test{verdict: unknown, check: verification.CheckHandshake, message: "not as an MCP server"}},
		"another API":      {api, test{verdict: unknown, check: verification.CheckHandshake, message: "not as an MCP server"}},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(test.handler)
			t.Cleanup(server.Close)
			w := newWorld()
			at, err := url.Parse(server.URL)
			if err != nil {
				t.Fatal(err)
			}
			host, port, _ := net.SplitHostPort(at.Host)
			number, err := strconv.ParseInt(port, 10, 32)
			if err != nil {
				t.Fatal(err)
			}
			w.service.Spec.ClusterIP, w.service.Spec.Ports[0].Port = host, int32(number)
			w.target.ExpectedTools = []string{"list", "run"}
			got := w.verify(t, mcpserver.MCPProber{})
			if got.Verdict != test.verdict || got.Last().Name != test.check || !strings.Contains(got.Last().Message, test.message) {
				t.Errorf("%+v\nwant %s at %s: %s", got, test.verdict, test.check, test.message)
			}
			if asks := name == "a bearer token"; got.PathClosed != asks || asks && got.RecheckAfter != 0 {
				t.Errorf("%+v", got)
			}
		})
	}
}
