// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/ry-ops/cortex/internal/mcp/mcptest"
)

// variants of servers.
var variants = map[string]sdk.StreamableHTTPOptions{
	"sessions, streams":    {},
	"sessions, JSON":       {JSONResponse: true},
	"no sessions, streams": {Stateless: true},
	"no sessions, JSON":    {Stateless: true, JSONResponse: true},
}

func server(t testing.TB, name string, serving sdk.StreamableHTTPOptions, extend func(*sdk.Server)) *mcptest.Backend {
	t.Helper()
	b := mcptest.Stopped(t, name)
	b.Serving, b.Extend = serving, extend
	b.Up()
	return b
}

func toolNames(t testing.TB, session *sdk.ClientSession) []string {
	t.Helper()
	var names []string
	for tool, err := range session.Tools(t.Context(), nil) {
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, tool.Name)
	}
	return names
}

func TestToolsOfAllServers(t *testing.T) { inBoth(t, toolsOfAllServers) }

func toolsOfAllServers(t *testing.T, version string) {
	for name, serving := range variants {
		t.Run(name, func(t *testing.T) {
			sandfly, proxmox := server(t, "sandfly", serving, nil), server(t, "proxmox", serving, nil)
			w := newWorld(t, []*mcptest.Backend{sandfly, proxmox})
			session := w.connectIn(version, version, "/mcp", nil)
			want := []string{"proxmox__list_hosts", "proxmox__set_label", "proxmox__start_scan", "sandfly__list_hosts", "sandfly__set_label", "sandfly__start_scan"}
			if got := toolNames(t, session); !slices.Equal(got, want) {
				t.Fatalf("got %v", got)
			}
			if text, err := callTool(t, session, "sandfly__start_scan", map[string]any{"host": "web-1"}); err != nil || text != "scan of web-1 started" {
				t.Errorf("got %q, %v", text, err)
			}
			if sandfly.Calls("start_scan") != 1 || proxmox.Calls("start_scan") != 0 {
				t.Error("the call went to another server")
			}
			for range 20 {
				if text, err := callTool(t, session, "proxmox__list_hosts", nil); err != nil || text != "2 hosts" {
					t.Fatalf("got %q, %v", text, err)
				}
			}
			if n := w.sessions("proxmox"); n != 1 {
				t.Errorf("%d sessions were opened", n)
			}
		})
	}
}

func TestOneServer(t *testing.T) { inBoth(t, oneServer) }

func oneServer(t *testing.T, version string) {
	for name, serving := range variants {
		t.Run(name, func(t *testing.T) {
			sandfly := server(t, "sandfly", serving, func(s *sdk.Server) {
				s.AddPrompt(&sdk.Prompt{Name: "greet"}, func(context.Context, *sdk.GetPromptRequest) (*sdk.GetPromptResult, error) {
					return &sdk.GetPromptResult{Description: "hello"}, nil
				})
			})
			w := newWorld(t, []*mcptest.Backend{sandfly})
			for _, path := range []string{"/mcp/sandfly", "/mcp/sandfly.cortex-system"} {
				session := w.connectIn(version, version, path, nil)
				if got := session.InitializeResult(); got.ServerInfo.Name != "sandfly" {
					t.Errorf("initialize is answered by %+v", got.ServerInfo)
				}
				if got := toolNames(t, session); !slices.Equal(got, []string{"list_hosts", "set_label", "start_scan"}) {
					t.Fatalf("got %v", got)
				}
				if text, err := callTool(t, session, "list_hosts", nil); err != nil || text != "2 hosts" {
					t.Errorf("got %q, %v", text, err)
				}
				if prompt, err := session.GetPrompt(t.Context(), &sdk.GetPromptParams{Name: "greet"}); err != nil || prompt.Description != "hello" {
					t.Errorf("got %+v, %v", prompt, err)
				}
			}
		})
	}
}

// echo is a tool that says what it was told.
func echo(s *sdk.Server) {
	type in struct {
		Text string `json:"text"`
	}
	sdk.AddTool(s, &sdk.Tool{Name: "echo", Annotations: &sdk.ToolAnnotations{ReadOnlyHint: true}},
		func(_ context.Context, _ *sdk.CallToolRequest, in in) (*sdk.CallToolResult, any, error) {
			return &sdk.CallToolResult{Content: []sdk.Content{&sdk.TextContent{Text: in.Text}}}, nil, nil
		})
}

// TestManyClients: the clients' ids collide, and each gets its own answers, over one session with the server.
func TestManyClients(t *testing.T) { inBoth(t, manyClients) }

func manyClients(t *testing.T, version string) {
	for name, serving := range variants {
		t.Run(name, func(t *testing.T) {
			sandfly := server(t, "sandfly", serving, echo)
			w := newWorld(t, []*mcptest.Backend{sandfly})
			var clients sync.WaitGroup
			for client := range 16 {
				session := w.connectIn(version, version, []string{"/mcp", "/mcp/sandfly"}[client%2], nil)
				tool := []string{"sandfly__echo", "echo"}[client%2]
				clients.Go(func() {
					for i := range 20 {
						want := fmt.Sprintf("client %d call %d", client, i)
						if text, err := callTool(t, session, tool, map[string]any{"text": want}); err != nil || text != want {
							t.Errorf("want %q, got %q, %v", want, text, err)
							return
						}
					}
				})
			}
			clients.Wait()
			if n := w.sessions("sandfly"); n != 1 {
				t.Errorf("%d sessions were opened", n)
			}
		})
	}
}
