// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package mcpserver_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/mcpserver"
	"github.com/ry-ops/cortex/test/steady"
)

// TestProbeListsTools: all pages, in order, whatever version of the protocol is spoken.
func TestProbeListsTools(t *testing.T) {
	for name, options := range map[string]*mcp.StreamableHTTPOptions{"sessions": &sessions, "stateless": &stateless, "plain JSON": &plainJSON} {
		for _, tools := range [][]string{{"work"}, {"list_vms", "start_vm", "work"}, numberedTools(100), numberedTools(300)} {
			t.Run(fmt.Sprintf("%s, %d tools", name, len(tools)), func(t *testing.T) {
				server := serverOf(t, options, tools)
				got := mcpserver.MCPProber{}.Probe(t.Context(), mcpserver.Endpoint{URL: server.URL})
				expect(t, got, mcpserver.Result{Verdict: v1alpha1.VerdictPassed, Accepted: true}, `^answered`)
				if want := tools[:min(len(tools), mcpserver.MaxTools)]; !slices.Equal(got.Tools, want) {
					t.Errorf("tools %q, want %q", got.Tools, want)
				}
			})
		}
	}
}

// TestProbeAsksForNoTools: a server that claims none is not asked.
func TestProbeAsksForNoTools(t *testing.T) {
	server := mcp.NewServer(&mcp.Implementation{Name: "bare", Version: "1"}, &mcp.ServerOptions{Capabilities: &mcp.ServerCapabilities{}})
	handler := mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server }, nil)
	s := newServer(t, sessions, "tools/list", answer(500, "", ""))
	bare := http.Handler(handler)
	s.handler.Store(&bare)
	got := mcpserver.MCPProber{}.Probe(t.Context(), mcpserver.Endpoint{URL: s.URL})
	expect(t, got, mcpserver.Result{Verdict: v1alpha1.VerdictPassed, Accepted: true}, `^answered`)
	if len(got.Tools) != 0 || s.requests.Load() != 0 {
		t.Errorf("tools %q after %d requests", got.Tools, s.requests.Load())
	}
}

// TestProbeWithoutTools: a server that opens a session and cannot list its tools is not well.
func TestProbeWithoutTools(t *testing.T) {
	cases := map[string]struct {
		fault http.HandlerFunc
		class v1alpha1.ErrorClass
		says  string
	}{
		"hangs":            {hang, v1alpha1.ErrorTimeout, `^tools/list: connection accepted, no answer in \S+s$`},
		"503":              {answer(503, "", ""), v1alpha1.ErrorUnavailable, `^tools/list: answered HTTP 503 Service Unavailable$`},
		"reset":            {cut, v1alpha1.ErrorUnavailable, `^tools/list: connection accepted and closed again`},
		"session lost":     {answer(404, "", ""), v1alpha1.ErrorSessionLost, `^tools/list: opened a session`},
		"a web page":       {answer(200, "text/html", "<h1>hello</h1>"), v1alpha1.ErrorProtocol, `^tools/list: answered, but not as an MCP server`},
		"method not found": {inReply(`"error":{"code":-32601,"message":"no such method"}`), v1alpha1.ErrorProtocol, `^tools/list: answered, but not as an MCP server: .*no such method`},
		"its own error":    {inReply(`"error":{"code":7,"message":"licence expired"}`), v1alpha1.ErrorToolError, `^tools/list: answered with an error: .*licence expired`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, sessions, "tools/list", c.fault)
			ctx, late := steady.Overdue(t.Context())
			if c.class == v1alpha1.ErrorTimeout {
				s.late = late
			}
			got := mcpserver.MCPProber{Timeout: patience}.Probe(ctx, s.endpoint())
			expect(t, got, mcpserver.Result{Verdict: v1alpha1.VerdictFailed, Class: c.class, Accepted: true}, c.says)
			if len(got.Tools) != 0 {
				t.Errorf("tools %q of a server that listed none", got.Tools)
			}
		})
	}
}

// TestProbeEndsAnEndlessList: a cursor that leads on for ever, and an entry that is no tool.
func TestProbeEndsAnEndlessList(t *testing.T) {
	s := newServer(t, sessions, "tools/list", inReply(`"result":{"tools":[null,{"name":"again","inputSchema":{"type":"object"}}],"nextCursor":"more"}`))
	got := mcpserver.MCPProber{}.Probe(t.Context(), s.endpoint())
	expect(t, got, mcpserver.Result{Verdict: v1alpha1.VerdictPassed, Accepted: true}, `^answered`)
	if n := s.requests.Load(); n != 16 || !slices.Equal(got.Tools, []string{"again"}) {
		t.Errorf("%d pages, tools %q", n, got.Tools)
	}
}

// TestProbeReadsSoManyTools: a page is the server's size.
func TestProbeReadsSoManyTools(t *testing.T) {
	page := `{"name":"again","inputSchema":{"type":"object"}}`
	s := newServer(t, sessions, "tools/list", inReply(`"result":{"tools":[`+strings.Repeat(page+",", 599)+page+`],"nextCursor":"more"}`))
	got := mcpserver.MCPProber{}.Probe(t.Context(), s.endpoint())
	expect(t, got, mcpserver.Result{Verdict: v1alpha1.VerdictPassed, Accepted: true}, `^answered`)
	if n := s.requests.Load(); n != 2 {
		t.Errorf("%d pages of 600 tools, want 2", n)
	}
}

func TestToolNames(t *testing.T) {
	long := strings.Repeat("x", 4096)
	cases := map[string]struct{ names, want []string }{
		"none":               {nil, nil},
		"in order":           {[]string{"b", "a"}, []string{"a", "b"}},
		"each once":          {[]string{"a", "b", "a"}, []string{"a", "b"}},
		"cleaned":            {[]string{"evil\x1b[2J\nname", "\u202e", ""}, []string{"evil name"}},
		"alike when cleaned": {[]string{"a\u200bb", "ab"}, []string{"ab"}},
		"at most so many":    {numberedTools(200), numberedTools(128)},
	}
	for name, c := range cases {
		if got := mcpserver.ToolNames(c.names); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	got := mcpserver.ToolNames([]string{long})
	if utf8.RuneCountInString(got[0]) != 128 || !slices.Equal(mcpserver.ToolNames(got), got) {
		t.Errorf("a long name became %q", got)
	}
}

func numberedTools(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("tool-%03d", i)
	}
	return names
}

// serverOf has tools of these names, and gives 30 a page.
func serverOf(t *testing.T, options *mcp.StreamableHTTPOptions, tools []string) *httptest.Server {
	t.Helper()
	server := mcp.NewServer(&mcp.Implementation{Name: "many", Version: "1"}, &mcp.ServerOptions{PageSize: 30})
	for _, name := range tools {
		mcp.AddTool(server, &mcp.Tool{Name: name}, func(context.Context, *mcp.CallToolRequest, struct{}) (*mcp.CallToolResult, any, error) {
			return nil, nil, nil
		})
	}
	s := httptest.NewServer(mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server }, options))
	t.Cleanup(s.Close)
	return s
}

// inReply answers a JSON-RPC request with its own ID and the rest as it is given.
func inReply(rest string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var request struct {
			ID json.RawMessage `json:"id"`
		}
		if err := json.NewDecoder(r.Body).Decode(&request); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"jsonrpc":"2.0","id":%s,%s}`, request.ID, rest)
	}
}
