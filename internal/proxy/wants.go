// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	// maxWants bounds the levels, and the subscriptions, that are remembered of the clients of one server.
	maxWants = 10000
	// maxURI bounds the URI of a subscription, in bytes.
	maxURI = 2048
	// wantsKept is how long what a client asked for is kept when it does not listen any more: its stream may have been cut.
	wantsKept = time.Minute
)

// levels of log messages, the most verbose first (MCP, "Logging"; RFC 5424). What a client gets that named none is usual.
var levels = []string{"debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"}

const usualLevel = 1

// wants are what clients asked of a session with a server that all of them share: how much it logs, and of which resources it tells. The
// server is asked for all that anybody wants, and each client gets what it wants itself.
type wants struct {
	mu sync.Mutex
	// levels by client, as places in levels.
	levels map[string]int
	// uris has the clients that subscribed to each one, and count all subscriptions.
	uris  map[string]map[string]bool
	count int
}

// level is the most verbose one that a client wants; false if none named any.
func (w *wants) level() (string, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	least := len(levels)
	for _, level := range w.levels {
		least = min(least, level)
	}
	if least == len(levels) {
		return "", false
	}
	return levels[least], true
}

func (w *wants) setLevel(client string, level int) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, known := w.levels[client]; !known && len(w.levels) >= maxWants {
		return false
	}
	if w.levels == nil {
		w.levels = map[string]int{}
	}
	w.levels[client] = level
	return true
}

func (w *wants) subscribe(client, uri string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.uris[uri][client]:
		return true
	case w.count >= maxWants || len(uri) > maxURI:
		return false
	case w.uris == nil:
		w.uris = map[string]map[string]bool{}
	}
	if w.uris[uri] == nil {
		w.uris[uri] = map[string]bool{}
	}
	w.uris[uri][client] = true
	w.count++
	return true
}

// unsubscribe reports whether nobody wants to hear of a resource any more.
func (w *wants) unsubscribe(client, uri string) (last bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.uris[uri][client] {
		delete(w.uris[uri], client)
		w.count--
	}
	if len(w.uris[uri]) > 0 {
		return false
	}
	delete(w.uris, uri)
	return true
}

// of lists the subscriptions of a client; of the empty one, those of all.
func (w *wants) of(client string) (uris []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for uri, clients := range w.uris {
		if client == "" || clients[client] {
			uris = append(uris, uri)
		}
	}
	return uris
}

// has reports whether anything is remembered of a client.
func (w *wants) has(client string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, named := w.levels[client]; named {
		return true
	}
	for _, clients := range w.uris {
		if clients[client] {
			return true
		}
	}
	return false
}

// around lists the resources that somebody subscribed to and that a resource is, or is a part of: a server that has a whole watched tells
// of the part that changed (MCP, "ResourceUpdatedNotification").
func (w *wants) around(uri string) (uris []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for whole := range w.uris {
		if part, within := strings.CutPrefix(uri, whole); within && whole != "" && (part == "" || strings.ContainsAny(whole[len(whole)-1:]+part[:1], "/?#")) {
			uris = append(uris, whole)
		}
	}
	return uris
}

// subscribed reports whether a client subscribed to any of some resources.
func (w *wants) subscribed(client string, uris []string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.ContainsFunc(uris, func(uri string) bool { return w.uris[uri][client] })
}

// logs reports whether a client wants log messages of a level. One that is no level is for all.
func (w *wants) logs(client, level string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	at := slices.Index(levels, level)
	if at < 0 || len(w.levels) == 0 {
		return true
	}
	least, named := w.levels[client]
	if !named {
		least = usualLevel
	}
	return at >= least
}

// noted is what of the params of a notification says whom it concerns.
type noted struct {
	Level string `json:"level"`
	URI   string `json:"uri"`
}

// concerns is a function that tells which clients a notification is for; nil means all.
func (b *backend) concerns(m message) func(client string) bool {
	var about noted
	logs, updated := m.Is(m.data, "notifications/message"), m.Is(m.data, "notifications/resources/updated")
	switch {
	case !logs && !updated, json.Unmarshal(m.Params.Of(m.data), &about) != nil:
		return nil
	case logs:
		return func(client string) bool { return b.wants.logs(client, about.Level) }
	case about.URI == "":
		return nil
	}
	uris := b.wants.around(about.URI)
	return func(client string) bool { return b.wants.subscribed(client, uris) }
}

// share takes a request that changes what is shared. It reports whether it has answered; if not, the request is passed on.
func (p *Proxy) share(q *request, method string) bool {
	var params noted
	b := q.server
	if q.client.id == "" || json.Unmarshal(q.Params.Of(q.data), &params) != nil {
		return false
	}
	ok := true
	switch method {
	case `"logging/setLevel"`:
		at := slices.Index(levels, params.Level)
		if at < 0 {
			return false
		}
		before, some := b.wants.level()
		if ok = b.wants.setLevel(q.client.id, at); ok {
			most, _ := b.wants.level()
			if !some || most != before { // else the server has heard it: who says the same again and again makes no work
				b.background(func(ctx context.Context, s *session) { s.wish(ctx, "logging/setLevel", "level", most) })
			}
			if most == params.Level {
				return false
			}
		}
	case `"resources/subscribe"`:
		if ok = b.wants.subscribe(q.client.id, params.URI); ok {
			q.client.caps = 0 // on the session that is listened to
			return false
		}
	case `"resources/unsubscribe"`:
		if b.wants.unsubscribe(q.client.id, params.URI) {
			q.client.caps = 0
			return false
		}
	default:
		return false
	}
	if !ok {
		_ = q.reply.fail(codeBusy, "as much is asked of this server by others as may be", nil)
		return true
	}
	_ = q.reply.result([]byte("{}"))
	return true
}

// background does something on each session that is open.
func (b *backend) background(do func(context.Context, *session)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, s := range b.sessions {
		if s == nil {
			continue
		}
		select {
		case <-s.ready:
			b.proxy.background(func(ctx context.Context) { do(ctx, s) })
		default: // it will be told when it is open
		}
	}
}

// wish asks a server for something that it may not know; then nothing is lost.
func (s *session) wish(ctx context.Context, method, name, value string) {
	ctx, cancel := context.WithTimeout(ctx, courtesy)
	defer cancel()
	if _, _, err := s.ask(ctx, method, fmt.Appendf(nil, `{"%s":%s}`, name, quoted(value))); err != nil {
		s.backend.proxy.Log.V(1).Info("a server does not do what its clients asked for", "server", s.backend.server.Key(), "method", method, "reason", err.Error())
	}
}

// wishAgain asks a session that is new for what the clients asked of the one before.
func (s *session) wishAgain(ctx context.Context) {
	if level, some := s.backend.wants.level(); some {
		s.wish(ctx, "logging/setLevel", "level", level)
	}
	if s.caps != 0 {
		return
	}
	for _, uri := range s.backend.wants.of("") {
		if ctx.Err() != nil {
			return
		}
		s.wish(ctx, "resources/subscribe", "uri", uri)
	}
}

// comeBack must be called with the backend's lock held. It opens the session that is listened to again while clients wait for news of
// resources: they may make no call that would.
func (b *backend) comeBack() {
	if b.comingBack || len(b.wants.of("")) == 0 {
		return
	}
	b.comingBack = true
	b.proxy.background(func(context.Context) {
		defer func() {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.comingBack = false
			if b.sessions[0] == nil && b.ctx.Err() == nil {
				b.comeBack() // it was lost again before this was said
			}
		}()
		for wait := listenFirst; b.proxy.pause(b.ctx, wait) && len(b.wants.of("")) > 0; wait = min(2*wait, listenMost) { //nolint:contextcheck // the server's own
			if _, _, err := b.session(b.ctx, 0); err == nil { //nolint:contextcheck // the server's own
				return
			}
		}
	})
}

// forget drops what a client wanted that is gone.
func (b *backend) forget(client string) {
	var over []string
	for _, uri := range b.wants.of(client) {
		if b.wants.unsubscribe(client, uri) {
			over = append(over, uri)
		}
	}
	before, had := b.wants.level()
	b.wants.mu.Lock()
	delete(b.wants.levels, client)
	b.wants.mu.Unlock()
	now, some := b.wants.level()
	if !some {
		now = levels[usualLevel] // for those who named none; what it was before nobody can ask
	}
	b.background(func(ctx context.Context, s *session) {
		if had && now != before {
			s.wish(ctx, "logging/setLevel", "level", now)
		}
		for _, uri := range over {
			if s.caps == 0 {
				s.wish(ctx, "resources/unsubscribe", "uri", uri)
			}
		}
	})
}
