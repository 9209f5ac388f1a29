// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ry-ops/cortex/internal/mcp"
)

const (
	// maxWants bounds the levels and subscriptions, together, that are remembered of the clients of one server; and maxWantsEach those of one
	// caller, so that nobody takes the places of the others. Clients whose caller nobody knows share no bound but the first.
	maxWants     = 10000
	maxWantsEach = 1000
	// maxURI bounds the URI of a subscription, in bytes.
	maxURI = 2048
	// sweepEvery is the time between two looks at who wants something and does not listen. At the second such look in a row what a client
	// wants is forgotten, for its stream may only have been cut; and if it never had one, after an hour in which it asked for nothing.
	sweepEvery = time.Minute
	idleCut    = 2
	idleMute   = 60
)

// levels of log messages, the most verbose first (MCP, "Logging"; RFC 5424). What a client gets that named none is usual.
var levels = []string{"debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"}

const (
	usualLevel = 1
	noLevel    = -1
)

// Why a wish is not granted.
var (
	errWants     = errors.New("as much is asked of this server by others as may be: try again later")
	errWantsEach = fmt.Errorf("%d levels and subscriptions are in your name at this server, and there may be no more: unsubscribe from some, or end sessions with DELETE", maxWantsEach)
)

// wants are what clients asked of a session with a server that all of them share: how much it logs, and of which resources it tells. The
// server is asked for all that anybody wants, and each client gets what it wants itself.
type wants struct {
	mu sync.Mutex
	// clients by session, and the sessions that subscribed to each URI.
	clients map[string]*wanting
	uris    map[string]map[string]bool
	// named counts the clients that named a level; count all levels and subscriptions, and each those of one caller.
	named, count int
	each         map[string]int
}

// wanting is what one client wants.
type wanting struct {
	caller string
	// level is a place in levels, or noLevel.
	level int
	uris  map[string]bool
	// idle counts the sweeps in a row that found it not listening. listened: one found it listening.
	idle     int
	listened bool
}

// level is the most verbose one that a client wants; if none named any, the usual one, and false.
func (w *wants) level() (string, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	least := len(levels)
	for _, one := range w.clients {
		if one.level != noLevel {
			least = min(least, one.level)
		}
	}
	if least == len(levels) {
		return levels[usualLevel], false
	}
	return levels[least], true
}

// take must be called with the lock held. It takes a place for one more wish of a client.
func (w *wants) take(client, caller string) (*wanting, error) {
	one := w.clients[client]
	if one == nil {
		one = &wanting{caller: caller, level: noLevel, uris: map[string]bool{}}
	}
	switch {
	case w.count >= maxWants:
		return nil, errWants
	case one.caller != "" && w.each[one.caller] >= maxWantsEach:
		return nil, errWantsEach
	case w.clients == nil:
		w.clients, w.uris, w.each = map[string]*wanting{}, map[string]map[string]bool{}, map[string]int{}
	}
	w.clients[client] = one
	w.count++
	w.each[one.caller]++
	return one, nil
}

// give must be called with the lock held. It gives places of a client back.
func (w *wants) give(client string, places int) {
	one := w.clients[client]
	w.count -= places
	if w.each[one.caller] -= places; w.each[one.caller] == 0 {
		delete(w.each, one.caller)
	}
	if one.level == noLevel && len(one.uris) == 0 {
		delete(w.clients, client)
	}
}

func (w *wants) setLevel(client, caller string, level int) (err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	one := w.clients[client]
	if one == nil || one.level == noLevel {
		if one, err = w.take(client, caller); err != nil {
			return err
		}
		w.named++
	}
	one.level = level
	return nil
}

func (w *wants) subscribe(client, caller, uri string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.uris[uri][client] {
		return nil
	}
	one, err := w.take(client, caller)
	if err != nil {
		return err
	}
	if w.uris[uri] == nil {
		w.uris[uri] = map[string]bool{}
	}
	w.uris[uri][client], one.uris[uri] = true, true
	return nil
}

// unsubscribe reports whether nobody wants to hear of a resource any more.
func (w *wants) unsubscribe(client, uri string) (last bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.uris[uri][client] {
		w.leave(client, uri)
		w.give(client, 1)
	}
	return len(w.uris[uri]) == 0
}

// leave must be called with the lock held.
func (w *wants) leave(client, uri string) {
	delete(w.clients[client].uris, uri)
	if delete(w.uris[uri], client); len(w.uris[uri]) == 0 {
		delete(w.uris, uri)
	}
}

// drop must be called with the lock held. It forgets a client, and lists the resources that nobody wants to hear of any more.
func (w *wants) drop(client string) (over []string) {
	one := w.clients[client]
	places := len(one.uris)
	for uri := range one.uris {
		if w.leave(client, uri); w.uris[uri] == nil {
			over = append(over, uri)
		}
	}
	if one.level != noLevel {
		one.level = noLevel
		w.named--
		places++
	}
	w.give(client, places)
	return over
}

// forget is drop of a client that may want nothing.
func (w *wants) forget(client string) (over []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.clients[client] == nil {
		return nil
	}
	return w.drop(client)
}

// sweep drops the clients that are gone, of which listening tells who is not.
func (w *wants) sweep(listening map[string]bool) (over []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for client, one := range w.clients {
		if listening[client] {
			one.idle, one.listened = 0, true
			continue
		}
		one.idle++
		if one.idle >= idleMute || one.listened && one.idle >= idleCut {
			over = append(over, w.drop(client)...)
		}
	}
	return over
}

// seen is told that a client is there.
func (w *wants) seen(client string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if one := w.clients[client]; one != nil {
		one.idle = 0
	}
}

// all lists what anybody subscribed to.
func (w *wants) all() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Collect(maps.Keys(w.uris))
}

// some reports whether anybody wants to hear of a resource.
func (w *wants) some(uri string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.uris[uri] != nil
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
	if at < 0 || w.named == 0 {
		return true
	}
	least := usualLevel
	if one := w.clients[client]; one != nil && one.level != noLevel {
		least = one.level
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

// share takes a request that changes what is shared, and answers it: with what the server says to it where the server has to hear of it. It
// reports whether it was one.
func (p *Proxy) share(ctx context.Context, q *request, method string) bool {
	var params noted
	b := q.server
	if q.client.id == "" || json.Unmarshal(q.Params.Of(q.data), &params) != nil {
		return false
	}
	pass := func() { p.call(ctx, q, &call{backend: b, hints: mcp.Hints{Given: true, Idempotent: true}}) }
	var err error
	switch method {
	case `"logging/setLevel"`:
		at := slices.Index(levels, params.Level)
		if at < 0 {
			return false
		}
		before, some := b.wants.level()
		if err = b.wants.setLevel(q.client.id, q.caller(), at); err != nil {
			break
		}
		most, _ := b.wants.level()
		if !some || most != before { // else the server has heard it: who says the same again and again makes no work
			b.background((*session).wishLevel)
		}
		if most == params.Level {
			pass()
			if most, _ = b.wants.level(); most != params.Level {
				b.background((*session).wishLevel)
			}
			return true
		}
	case `"resources/subscribe"`:
		if len(params.URI) > maxURI {
			_ = q.reply.fail(codeInvalidParams, fmt.Sprintf("the URI is longer than %d bytes", maxURI), nil)
			return true
		}
		if err = b.wants.subscribe(q.client.id, q.caller(), params.URI); err == nil {
			q.client.caps = 0 // on the session that is listened to
			pass()
			b.said(params.URI, true)
			return true
		}
	case `"resources/unsubscribe"`:
		if b.wants.unsubscribe(q.client.id, params.URI) {
			q.client.caps = 0
			pass()
			b.said(params.URI, false)
			return true
		}
	default:
		return false
	}
	if err != nil {
		_ = q.reply.fail(codeBusy, err.Error(), nil)
		return true
	}
	_ = q.reply.result([]byte("{}"))
	return true
}

// said is called when a server has heard whether somebody wants to hear of a resource. Somebody may have changed their mind meanwhile, and
// what they said may have been there first: then it is said again.
func (b *backend) said(uri string, wanted bool) {
	if b.wants.some(uri) != wanted {
		b.wish(uri)
	}
}

// wish has the server told whether anybody wants to hear of some resources.
func (b *backend) wish(uris ...string) {
	if len(uris) == 0 {
		return
	}
	b.background(func(s *session, ctx context.Context) { s.wishFor(ctx, uris) })
}

// background does something on each session that is open.
func (b *backend) background(do func(*session, context.Context)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, s := range b.sessions {
		if s == nil {
			continue
		}
		select {
		case <-s.ready:
			b.proxy.background(func(ctx context.Context) { do(s, ctx) })
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

// wishLevel asks for the level that is wanted now, until it is the one that was asked for last: of two who ask at the same time, nobody knows
// who is heard first.
func (s *session) wishLevel(ctx context.Context) {
	for said := ""; ctx.Err() == nil; {
		level, _ := s.backend.wants.level()
		if level == said {
			return
		}
		s.wish(ctx, "logging/setLevel", "level", level)
		said = level
	}
}

// wishFor is wishLevel of some resources. Only the session that is listened to hears of them.
func (s *session) wishFor(ctx context.Context, uris []string) {
	if s.caps != 0 {
		return
	}
	for _, uri := range uris {
		for again := true; again && ctx.Err() == nil; {
			wanted, method := s.backend.wants.some(uri), "resources/unsubscribe"
			if wanted {
				method = "resources/subscribe"
			}
			s.wish(ctx, method, "uri", uri)
			again = s.backend.wants.some(uri) != wanted
		}
	}
}

// wishAgain asks a session that is new for what the clients asked of the one before.
func (s *session) wishAgain(ctx context.Context) {
	if _, some := s.backend.wants.level(); some {
		s.wishLevel(ctx)
	}
	s.wishFor(ctx, s.backend.wants.all())
}

// comeBack must be called with the backend's lock held. It opens the session that is listened to again while clients wait for news of
// resources: they may make no call that would.
func (b *backend) comeBack() {
	if b.comingBack || len(b.wants.all()) == 0 {
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
		for wait := listenFirst; b.proxy.pause(b.ctx, wait) && len(b.wants.all()) > 0; wait = min(2*wait, listenMost) { //nolint:contextcheck // the server's own
			if _, _, err := b.session(b.ctx, 0); err == nil { //nolint:contextcheck // the server's own
				return
			}
		}
	})
}

// forget drops what a client wanted that is gone.
func (b *backend) forget(client string) {
	b.without(func() []string { return b.wants.forget(client) })
}

// without tells the server what nobody wants any more when clients are dropped, which lists the resources.
func (b *backend) without(drop func() (over []string)) {
	before, had := b.wants.level()
	b.wish(drop()...)
	// For those who named none it is the usual level; what it was before, nobody can ask.
	if now, _ := b.wants.level(); had && now != before {
		b.background((*session).wishLevel)
	}
}

// sweep forgets the clients that are gone, of all servers, until ctx ends.
func (p *Proxy) sweep(ctx context.Context) {
	for p.pause(ctx, sweepEvery) {
		for _, b := range p.backends.list() {
			b.without(func() []string { return b.wants.sweep(p.listeners.who(b.backend)) })
		}
	}
}
