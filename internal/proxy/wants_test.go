// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/ry-ops/cortex/internal/mcp/mcptest"
)

// wished is a server that logs and has resources to subscribe to: what it was asked for, and a stream to tell of them.
type wished struct {
	mu    sync.Mutex
	asked []string
	tell  chan string
}

func (s *wished) fault(w http.ResponseWriter, r *http.Request, body string, _ http.HandlerFunc) bool {
	if r.Method == http.MethodGet {
		w.Header().Set("Content-Type", "text/event-stream")
		_ = http.NewResponseController(w).Flush()
		for {
			select {
			case <-r.Context().Done():
				return true
			case told := <-s.tell:
				_, _ = fmt.Fprintf(w, "data: %s\n\n", told)
				_ = http.NewResponseController(w).Flush()
			}
		}
	}
	var message struct {
		ID     json.RawMessage
		Method string
		Params noted
	}
	if json.Unmarshal([]byte(body), &message) != nil || !strings.HasPrefix(message.Method, "resources/") && message.Method != "logging/setLevel" {
		return false
	}
	s.mu.Lock()
	s.asked = append(s.asked, strings.TrimSpace(message.Method+" "+message.Params.Level+message.Params.URI))
	s.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	_, _ = fmt.Fprintf(w, `{"jsonrpc":"2.0","id":%s,"result":{}}`, message.ID)
	return true
}

// was waits until the server was last asked for something, and begins anew.
func (s *wished) was(t *testing.T, want ...string) {
	t.Helper()
	mcptest.Eventually(t, fmt.Sprint(want), func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, one := range want {
			if !slices.Contains(s.asked, one) {
				return false
			}
		}
		return true
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(want) == 0 && len(s.asked) > 0 {
		t.Errorf("asked for %q", s.asked)
	}
	s.asked = nil
}

// TestWhatClientsShare: each client is told what it asked for, and the server is asked for all that anybody wants, on a new session too.
func TestWhatClientsShare(t *testing.T) {
	sandfly := server(t, "sandfly", sdk.StreamableHTTPOptions{}, nil)
	s := &wished{tell: make(chan string, 10)}
	sandfly.Break(s.fault)
	w := newWorld(t, []*mcptest.Backend{sandfly})
	b, err := w.proxy.backends.find("sandfly")
	if err != nil {
		t.Fatal(err)
	}
	type client struct {
		id   string
		ears *listener
	}
	anna, bob := client{id: newSession(versions[0], 0).id}, client{id: newSession(versions[0], sampling).id}
	for _, one := range []*client{&anna, &bob} {
		one.ears, _ = w.proxy.listeners.join(b, one.id, 10)
	}
	ask := func(c client, method, params string) {
		t.Helper()
		if status, got := w.raw("/mcp/sandfly", c.id, `{"jsonrpc":"2.0","id":7,"method":"`+method+`","params":`+params+`}`); status != 200 || !strings.Contains(got, `"result":{}`) {
			t.Fatalf("%s: %d %s", method, status, got)
		}
	}
	hears := func(notification string, want ...client) {
		t.Helper()
		s.tell <- notification
		s.tell <- `{"jsonrpc":"2.0","method":"notifications/prompts/list_changed"}` // which all hear
		for _, one := range []client{anna, bob} {
			heard := false
			for data := range one.ears.out {
				if strings.Contains(string(data), "prompts/list_changed") {
					break
				}
				heard = heard || string(data) == notification
			}
			if heard != slices.Contains(want, one) {
				t.Errorf("%s is heard: %t", notification, heard)
			}
		}
	}
	log := func(level string) string {
		return `{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"` + level + `","data":"x"}}`
	}
	changed := func(uri string) string {
		return `{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"` + uri + `"}}`
	}

	ask(anna, "logging/setLevel", `{"level":"debug"}`)
	s.was(t, "logging/setLevel debug")
	ask(bob, "logging/setLevel", `{"level":"error"}`)
	hears(log("info"), anna)
	hears(log("critical"), anna, bob)

	ask(anna, "resources/subscribe", `{"uri":"a"}`)
	ask(bob, "resources/subscribe", `{"uri":"a"}`)
	ask(bob, "resources/subscribe", `{"uri":"b"}`)
	s.was(t, "resources/subscribe a", "resources/subscribe b")
	hears(changed("a"), anna, bob)
	hears(changed("b"), bob)
	hears(changed("b/part"), bob)
	hears(changed("bear"))

	// The server is another one: it is asked again, though nobody calls.
	sandfly.Down()
	sandfly.Up()
	b.mu.Lock()
	old := b.sessions[0]
	b.mu.Unlock()
	if old != nil {
		b.drop(old)
	}
	s.was(t, "resources/subscribe a", "resources/subscribe b", "logging/setLevel debug")
	hears(changed("b"), bob)

	ask(anna, "resources/unsubscribe", `{"uri":"a"}`)
	s.was(t)
	hears(changed("a"), bob)
	ask(anna, "logging/setLevel", `{"level":"warning"}`)
	s.was(t, "logging/setLevel warning")
	if !b.wants.has(bob.id) {
		t.Error("what bob asked for is not known to be there")
	}
	b.forget(bob.id)
	s.was(t, "resources/unsubscribe a", "resources/unsubscribe b")
	if b.wants.has(bob.id) || !b.wants.has(anna.id) {
		t.Error("bob is not forgotten, or anna is")
	}
	hears(changed("b"))
	if len(b.wants.uris) != 0 || b.wants.count != 0 || len(b.wants.levels) != 1 {
		t.Errorf("kept: %+v", &b.wants)
	}
	b.forget(anna.id)
	s.was(t, "logging/setLevel info")
}

// TestWantsAreBounded: what one client asks for is not another's to pay.
func TestWantsAreBounded(t *testing.T) {
	var w wants
	for n := range maxWants {
		if !w.subscribe("a", fmt.Sprint(n)) || !w.setLevel(fmt.Sprint(n), 0) {
			t.Fatal(n)
		}
	}
	if w.subscribe("b", "one more") || w.setLevel("one more", 0) || w.subscribe("c", strings.Repeat("x", maxURI+1)) {
		t.Error("there is no bound")
	}
	if !w.subscribe("a", "0") || !w.setLevel("0", 3) {
		t.Error("what is there already counts again")
	}
	if !w.unsubscribe("a", "0") || !w.subscribe("b", "one more") {
		t.Error("a place that is free is not given")
	}
}

// TestPartsOfResources: who subscribed to a whole is told of its parts, and nobody to nothing.
func TestPartsOfResources(t *testing.T) {
	var w wants
	for _, uri := range []string{"", "file:///a", "file:///a/b/"} {
		w.subscribe("x", uri)
	}
	for uri, want := range map[string][]string{
		"file:///a":     {"file:///a"},
		"file:///a/b/c": {"file:///a", "file:///a/b/"},
		"file:///a#end": {"file:///a"},
		"file:///ab":    nil,
		"file:///":      nil,
	} {
		got := w.around(uri)
		slices.Sort(got)
		if !slices.Equal(got, want) || w.subscribed("x", got) != (want != nil) || w.subscribed("y", got) {
			t.Errorf("%s is a part of %q", uri, got)
		}
	}
}
