// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package chat_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ry-ops/cortex/internal/chat"
	"github.com/ry-ops/cortex/internal/mcp/mcptest"
)

// planned is a planner that makes the same calls for every query, and then answers with what came of each.
type planned []chat.Call

func (p planned) Plan([]chat.Exchange, func(chat.Event)) chat.Plan { return p }

func (planned) Model() string { return "planned" }

func (p planned) Next(_ context.Context, c chat.Conversation) (chat.Turn, error) {
	if len(c.Results) == 0 {
		calls := slices.Clone(p)
		for i := range calls {
			calls[i].Server = c.Servers[0].Key
			for _, tool := range c.Servers[0].Tools {
				if tool.Name == calls[i].Tool.Name {
					calls[i].Tool, calls[i].Reads = tool, tool.Hints.ReadOnly
				}
			}
		}
		return chat.Turn{Calls: calls}, nil
	}
	answer := chat.Answer{Status: chat.StatusCompleted}
	for _, result := range c.Results {
		text, _, _ := strings.Cut(result.Text(), "\n")
		answer.Texts = append(answer.Texts, result.Call.ID+" "+text)
	}
	return chat.Turn{Answer: &answer}, nil
}

func call(id, tool, host string) chat.Call {
	c := chat.Call{ID: id, Arguments: map[string]any{}}
	c.Tool.Name = tool
	if host != "" {
		c.Arguments["host"] = host
	}
	return c
}

// Two calls that read are at the server at the same time; those that change something come one after the other, in order.
func TestCallsThatReadAreMadeSideBySide(t *testing.T) {
	backend := mcptest.Start(t, sandfly)
	var both sync.WaitGroup
	both.Add(2)
	var mu sync.Mutex
	var order []string
	running := 0
	gate := func(w http.ResponseWriter, r *http.Request, body string, serve http.HandlerFunc) bool {
		if !strings.Contains(body, `"method":"tools/call"`) {
			return false
		}
		if strings.Contains(body, "list_hosts") {
			both.Done()
			both.Wait() // each is answered only once the other has come
			return false
		}
		mu.Lock()
		_, rest, _ := strings.Cut(body, `"host":"`)
		host, _, _ := strings.Cut(rest, `"`)
		order = append(order, host)
		if running++; running > 1 {
			t.Error("two calls that change something run at once")
		}
		mu.Unlock()
		serve(mcptest.Answering(w, func() {
			mu.Lock()
			defer mu.Unlock()
			running--
		}), r)
		return true
	}
	got := setup{backends: []*mcptest.Backend{backend}, damage: func() { backend.Break(gate) }, planner: planned{
		call("1", "start_scan", "a"), call("2", "start_scan", "b"), call("3", "list_hosts", ""), call("4", "list_hosts", ""), call("5", "start_scan", "c"),
	}}.ask(t.Context(), t, "go")
	got.expect(t, chat.StatusCompleted, "1 scan of a started | 2 scan of b started | 3 2 hosts | 4 2 hosts | 5 scan of c started", "start", "complete")
	if diff := cmp.Diff([]string{"a", "b", "c"}, order); diff != "" {
		t.Error(diff)
	}
}

// What was planned for the success of a change is not done after its failure; reading does no harm.
func TestNoChangeIsMadeAfterOneThatFailed(t *testing.T) {
	backend := mcptest.Start(t, sandfly)
	got := setup{backends: []*mcptest.Backend{backend}, planner: planned{
		call("1", "start_scan", "unknown"), call("2", "list_hosts", ""), call("3", "start_scan", "b"), call("4", "set_label", ""),
	}}.ask(t.Context(), t, "go")
	got.expect(t, chat.StatusCompleted, "1 no such host: unknown | 2 2 hosts | 3 not called: a call before it failed", "start", "complete")
	if backend.Calls("start_scan") != 1 || backend.Calls("set_label") != 0 {
		t.Error("a change was made after one that failed")
	}
}

// The events of a call have its id, what it is called with, and what came of it; without secrets, and short.
func TestCallsAreTold(t *testing.T) {
	backend := mcptest.Start(t, sandfly)
	got := setup{backends: []*mcptest.Backend{backend}, planner: planned{call("", "start_scan", "web-1 password=hunter2hunter2")}}.ask(t.Context(), t, "go")
	if diff := cmp.Diff([]string{
		`{"type":"tool_start","id":"call-1","service":"sandfly-mcp-server","tool":"start_scan","arguments":"{\"host\":\"web-1 password=[redacted]\"}"}`,
		`{"type":"tool_result","id":"call-1","service":"sandfly-mcp-server","tool":"start_scan","success":true,"message":"scan of web-1 password=[redacted] started"}`,
	}, got.extras[1:]); diff != "" {
		t.Error(diff)
	}
}
