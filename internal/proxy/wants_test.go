// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
	testclock "k8s.io/utils/clock/testing"

	"github.com/ry-ops/cortex/internal/mcp/mcptest"
	"github.com/ry-ops/cortex/internal/quota"
)

// wished is a server that logs and has resources to subscribe to: what it was asked for, and a stream to tell of them.
type wished struct {
	mu    sync.Mutex
	asked []string
	tell  chan string
	// streams counts those that are open, by session.
	streams map[string]int
}

func (s *wished) fault(w http.ResponseWriter, r *http.Request, body string, _ http.HandlerFunc) bool {
	if r.Method == http.MethodGet {
		w.Header().Set("Content-Type", "text/event-stream")
		_ = http.NewResponseController(w).Flush()
		session := r.Header.Get(sessionHeader)
		s.streamed(session, 1)
		defer s.streamed(session, -1)
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

func (s *wished) streamed(session string, change int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.streams == nil {
		s.streams = map[string]int{}
	}
	if s.streams[session] += change; s.streams[session] == 0 {
		delete(s.streams, session)
	}
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
		one.ears, _ = w.proxy.listeners.join(b, one.id, "")
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
	b.drop(old)
	s.was(t, "resources/subscribe a", "resources/subscribe b", "logging/setLevel debug")
	mcptest.Eventually(t, "the new session alone to listen: what the old one was told would be lost", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return len(s.streams) == 1 && s.streams[old.id] == 0
	})
	hears(changed("b"), bob)

	ask(anna, "resources/unsubscribe", `{"uri":"a"}`)
	s.was(t)
	hears(changed("a"), bob)
	ask(anna, "logging/setLevel", `{"level":"warning"}`)
	s.was(t, "logging/setLevel warning")
	b.forget(bob.id)
	s.was(t, "resources/unsubscribe a", "resources/unsubscribe b")
	hears(changed("b"))
	if b.wants.clients[anna.id] == nil || len(b.wants.clients) != 1 || len(b.wants.uris) != 0 || b.wants.count != 1 || b.wants.named != 1 {
		t.Errorf("kept: %+v", &b.wants)
	}
	b.forget(anna.id)
	s.was(t, "logging/setLevel info")
}

// TestTheLastWishIsHeardLast: who takes a wish back, and who has it at the same time, may be heard in any order. In the end the server has
// been told what is wanted.
func TestTheLastWishIsHeardLast(t *testing.T) {
	sandfly := server(t, "sandfly", sdk.StreamableHTTPOptions{}, nil)
	s := &wished{tell: make(chan string)}
	held, release := make(chan struct{}, 2), make(chan struct{})
	sandfly.Break(func(w http.ResponseWriter, r *http.Request, body string, next http.HandlerFunc) bool {
		if strings.Contains(body, "resources/unsubscribe") || strings.Contains(body, `"debug"`) {
			held <- struct{}{}
			<-release
		}
		return s.fault(w, r, body, next)
	})
	w := newWorld(t, []*mcptest.Backend{sandfly})
	anna, bob := newSession(versions[0], 0).id, newSession(versions[0], 0).id
	ask := func(client, method, params string) {
		if status, got := w.raw("/mcp/sandfly", client, `{"jsonrpc":"2.0","id":7,"method":"`+method+`","params":`+params+`}`); status != 200 || !strings.Contains(got, `"result":{}`) {
			t.Errorf("%s: %d %s", method, status, got)
		}
	}
	var asked sync.WaitGroup
	slow := func(method, params string) {
		asked.Go(func() { ask(anna, method, params) })
		<-held
	}
	ask(anna, "resources/subscribe", `{"uri":"a"}`)
	slow("resources/unsubscribe", `{"uri":"a"}`)
	ask(bob, "resources/subscribe", `{"uri":"a"}`)
	slow("logging/setLevel", `{"level":"debug"}`)
	<-held // it is told to the session that there is, and passed on
	ask(anna, "logging/setLevel", `{"level":"error"}`)
	close(release)
	asked.Wait()
	last := func(method string) string {
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, one := range slices.Backward(s.asked) {
			if strings.HasPrefix(one, method) {
				return one
			}
		}
		return ""
	}
	mcptest.Eventually(t, "the server knows what is wanted", func() bool {
		return last("resources/") == "resources/subscribe a" && last("logging/") == "logging/setLevel error"
	})
}

// TestWantsAreBounded: what one client asks for is not another's to pay, and what one caller asks for, with however many sessions, not
// another's.
func TestWantsAreBounded(t *testing.T) {
	var w wants
	for n := range maxWantsEach / 2 {
		if w.subscribe("a", "anna", fmt.Sprint(n)) != nil || w.setLevel(fmt.Sprint(n), "anna", 0) != nil {
			t.Fatal(n)
		}
	}
	if !errors.Is(w.subscribe("a", "anna", "one more"), errWantsEach) || !errors.Is(w.setLevel("one more", "anna", 0), errWantsEach) {
		t.Error("there is no bound for a caller")
	}
	if w.subscribe("a", "anna", "0") != nil || w.setLevel("0", "anna", 3) != nil {
		t.Error("what is there already counts again")
	}
	if w.subscribe("b", "bob", "one more") != nil {
		t.Error("anna takes what is bob's")
	}
	for n := range maxWants - maxWantsEach - 1 {
		if w.subscribe("?", "", fmt.Sprint(n)) != nil {
			t.Fatal(n)
		}
	}
	if !errors.Is(w.subscribe("b", "bob", "two more"), errWants) || !errors.Is(w.setLevel("b", "bob", 0), errWants) {
		t.Error("there is no bound for all")
	}
	if w.unsubscribe("a", "0"); w.subscribe("a", "anna", "one more") != nil {
		t.Error("a place that is free is not given")
	}
	for client := range w.clients {
		w.forget(client)
	}
	if w.count != 0 || w.named != 0 || len(w.each) != 0 || len(w.uris) != 0 {
		t.Errorf("kept: %+v", &w)
	}
}

// TestABoundIsTold: in words that say whose it is, and with a URI that is too long nothing is kept.
func TestABoundIsTold(t *testing.T) {
	sandfly := server(t, "sandfly", sdk.StreamableHTTPOptions{}, nil)
	w := newWorld(t, []*mcptest.Backend{sandfly}, func(o *Options) { o.Caller = func(*http.Request) string { return "anna" } })
	b, err := w.proxy.backends.find("sandfly")
	if err != nil {
		t.Fatal(err)
	}
	for n := range maxWantsEach {
		if err := b.wants.subscribe("a", "anna", fmt.Sprint(n)); err != nil {
			t.Fatal(err)
		}
	}
	for uri, want := range map[string]string{"x": fmt.Sprint(codeBusy), strings.Repeat("x", maxURI+1): fmt.Sprint(codeInvalidParams)} {
		_, got := w.raw("/mcp/sandfly", newSession(versions[0], 0).id, `{"jsonrpc":"2.0","id":7,"method":"resources/subscribe","params":{"uri":"`+uri+`"}}`)
		if !strings.Contains(got, `"code":`+want) || b.wants.count != maxWantsEach {
			t.Errorf("%.300s", got)
		}
	}
}

// TestWhoIsGoneIsForgotten: soon after its stream, and after an hour where it never had one; and not while it listens or asks.
func TestWhoIsGoneIsForgotten(t *testing.T) {
	var w wants
	for _, client := range []string{"listens", "listened", "asks", "mute"} {
		if err := w.subscribe(client, "", client); err != nil {
			t.Fatal(err)
		}
	}
	w.sweep(map[string]bool{"listens": true, "listened": true})
	gone := map[string]int{}
	for sweep := range 2 * idleMute {
		w.seen("asks")
		for _, uri := range w.sweep(map[string]bool{"listens": true}) {
			gone[uri] = sweep + 1
		}
	}
	if want := map[string]int{"listened": idleCut, "mute": idleMute - 1}; !maps.Equal(gone, want) {
		t.Errorf("gone after %v sweeps, want %v", gone, want)
	}
}

// TestSweeps: they happen, and the server is told.
func TestSweeps(t *testing.T) {
	sandfly := server(t, "sandfly", sdk.StreamableHTTPOptions{}, nil)
	s, now := &wished{tell: make(chan string)}, testclock.NewFakeClock(time.Now())
	sandfly.Break(s.fault)
	w := newWorld(t, []*mcptest.Backend{sandfly}, func(o *Options) { o.Clock = now })
	w.raw("/mcp/sandfly", newSession(versions[0], 0).id, `{"jsonrpc":"2.0","id":7,"method":"resources/subscribe","params":{"uri":"a"}}`)
	s.was(t, "resources/subscribe a")
	mcptest.Eventually(t, "the server is told", func() bool {
		now.Step(sweepEvery)
		s.mu.Lock()
		defer s.mu.Unlock()
		return slices.Contains(s.asked, "resources/unsubscribe a")
	})
}

// TestListeners: those of a server that is gone are ended, and those of others are not; and one caller does not take all places.
func TestListeners(t *testing.T) {
	l := listeners{places: quota.New(4, 3)}
	gone, other := &backend{opened: 1}, &backend{opened: 2}
	of := func(server *backend, client string) *listener {
		one, full := l.join(server, client, "anna")
		if full != nil {
			t.Fatal(full.message)
		}
		return one
	}
	first, second, third := of(gone, "a"), of(gone, "a"), of(other, "a")
	if _, full := l.join(other, "b", "anna"); full == nil || full.status != http.StatusTooManyRequests {
		t.Errorf("one caller may have any number: %+v", full)
	}
	if bobs, full := l.join(other, "b", "bob"); full != nil {
		t.Errorf("anna takes what is bob's: %+v", full)
	} else if _, full = l.join(other, "c", "carl"); full == nil || full.status != http.StatusServiceUnavailable {
		t.Errorf("there is no bound for all: %+v", full)
	} else {
		l.leave(bobs)
	}
	if who := l.who(gone); len(who) != 1 || !who["a"] || len(l.who(nil)) != 0 {
		t.Error(who)
	}
	if l.leave(second); !l.who(gone)["a"] {
		t.Error("one of two streams is all that is known of a client")
	}
	l.end(gone)
	if _, open := <-first.out; open || l.places.Taken() != 1 || len(l.all) != 1 {
		t.Errorf("kept: %+v", &l)
	}
	l.tell(other, []byte("x"))
	if string(<-third.out) != "x" {
		t.Error("another is not told")
	}
	l.leave(first)
	if l.leave(third); l.places.Taken() != 0 || len(l.all) != 0 {
		t.Errorf("kept: %+v", &l)
	}
}

// TestPartsOfResources: who subscribed to a whole is told of its parts, and nobody to nothing.
func TestPartsOfResources(t *testing.T) {
	var w wants
	for _, uri := range []string{"", "file:///a", "file:///a/b/"} {
		_ = w.subscribe("x", "", uri)
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
