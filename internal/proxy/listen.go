// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ry-ops/cortex/internal/proxy/envelope"
	"github.com/ry-ops/cortex/internal/proxy/wire"
	"github.com/ry-ops/cortex/internal/quota"
)

// maxBehind bounds the notifications that a listener may be behind. One that is further behind is ended, and may come again.
const maxBehind = 64

// listener is a client with an open GET.
type listener struct {
	// server that it listens to, nil for all.
	server *backend
	client string
	out    chan []byte
	give   func()
}

// listeners are told of what happens outside of calls.
type listeners struct {
	places *quota.Quota

	mu sync.Mutex
	// all by server and session: a client may listen more than once.
	all    map[*backend]map[string]map[*listener]struct{}
	closed bool
}

// join takes a place.
func (l *listeners) join(server *backend, client, caller string) (*listener, *refusal) {
	l.mu.Lock()
	defer l.mu.Unlock()
	give, err := l.places.Take(caller)
	switch {
	case errors.Is(err, quota.ErrTooManyOfCaller):
		return nil, &refusal{http.StatusTooManyRequests, codeBusy, "you have as many streams open that listen as one caller may have: close some", nil}
	case err == nil && l.closed:
		give()
		fallthrough
	case err != nil:
		return nil, &refusal{http.StatusServiceUnavailable, codeBusy, "as many clients listen as may listen: try again later", nil}
	case l.all == nil:
		l.all = map[*backend]map[string]map[*listener]struct{}{}
	}
	if l.all[server] == nil {
		l.all[server] = map[string]map[*listener]struct{}{}
	}
	if l.all[server][client] == nil {
		l.all[server][client] = map[*listener]struct{}{}
	}
	one := &listener{server: server, client: client, out: make(chan []byte, maxBehind), give: give}
	l.all[server][client][one] = struct{}{}
	return one, nil
}

// leave ends a listener. It is not told anything any more.
func (l *listeners) leave(one *listener) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.remove(one)
}

// remove must be called with the lock held.
func (l *listeners) remove(one *listener) {
	clients := l.all[one.server]
	if _, ok := clients[one.client][one]; !ok {
		return
	}
	if delete(clients[one.client], one); len(clients[one.client]) == 0 {
		delete(clients, one.client)
	}
	if len(clients) == 0 {
		delete(l.all, one.server)
	}
	one.give()
	close(one.out)
}

// tell sends a notification to those who listen to a server; nil means to those who listen to all.
func (l *listeners) tell(server *backend, data []byte) { l.tellThose(server, data, nil) }

// tellThose is tell of what concerns some clients only.
func (l *listeners) tellThose(server *backend, data []byte, concerns func(client string) bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for client, ones := range l.all[server] {
		if concerns != nil && !concerns(client) {
			continue
		}
		for one := range ones {
			select {
			case one.out <- data:
			default:
				l.remove(one)
			}
		}
	}
}

// who are the clients that listen to a server.
func (l *listeners) who(server *backend) map[string]bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	who := make(map[string]bool, len(l.all[server]))
	for client := range l.all[server] {
		who[client] = true
	}
	return who
}

// end ends those who listen to a server.
func (l *listeners) end(server *backend) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, ones := range l.all[server] {
		for one := range ones {
			l.remove(one)
		}
	}
}

var toolsChanged = []byte(`{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}`)

// close ends all listeners, and takes no more.
func (l *listeners) close() {
	l.mu.Lock()
	l.closed = true
	servers := slices.Collect(maps.Keys(l.all))
	l.mu.Unlock()
	for _, server := range servers {
		l.end(server)
	}
}

// Drain ends the streams of clients that only listen, for they would hold up the end of the gateway.
func (p *Proxy) Drain() { p.listeners.close() }

// listen answers a GET: a stream of notifications that belong to no call.
func (p *Proxy) listen(w http.ResponseWriter, r *http.Request) {
	client, refused := p.client(r)
	var server *backend
	if refused == nil {
		server, refused = p.target(r)
	}
	switch {
	case refused != nil:
	case client.id == "":
		refused = &refusal{http.StatusBadRequest, codeInvalidRequest, "begin a session with initialize, and send its " + sessionHeader, nil}
	case !accepts(strings.Join(r.Header["Accept"], ","), "text/event-stream", "text/*"):
		refused = &refusal{http.StatusNotAcceptable, codeInvalidRequest, "set the header Accept: text/event-stream", nil}
	}
	if refused != nil {
		refused.write(w, nil)
		return
	}
	one, full := p.listeners.join(server, client.id, p.Caller(r))
	if full != nil {
		w.Header().Set("Retry-After", "5")
		full.write(w, nil)
		return
	}
	defer p.listeners.leave(one)
	if server != nil {
		// Its notifications come on the session of those who can do nothing.
		p.background(func(context.Context) { _, _, _ = server.session(server.ctx, 0) }) //nolint:contextcheck // the server's own, which outlives the request
	}
	out := p.reply(w, nil)
	defer out.close()
	out.comment("listening")
	p.tellOn(r.Context(), out, one, out.message)
}

// tellOn tells a listener what it is to be told, until one of the two ends it.
func (p *Proxy) tellOn(ctx context.Context, out *reply, one *listener, tell func([]byte) error) {
	ticker := p.Clock.NewTicker(p.Heartbeat)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case data, ok := <-one.out:
			if !ok || tell(data) != nil {
				return
			}
		case <-ticker.C():
			if out.comment("heartbeat"); out.lost() {
				return
			}
		}
	}
}

// Pauses between two attempts at a server's own stream.
const (
	listenFirst = time.Second
	listenMost  = 30 * time.Second
)

// listen hears what a server says outside of calls, while the session lives. That is the changes of its lists and resources; a question
// that belongs to no call belongs to no client.
func (s *session) listen(ctx context.Context) {
	for wait := listenFirst; ; wait = min(2*wait, listenMost) {
		response, err := s.send(ctx, s.get, true)
		if err == nil {
			switch {
			case response.Status == http.StatusOK && response.ContentType == wire.Events:
				if s.hear(response) {
					wait = listenFirst
				}
			case response.Status == http.StatusNotFound && s.id != "":
				response.Discard()
				s.backend.drop(s)
				return
			case response.Status < 500:
				response.Discard() // it has no such stream
				return
			}
			response.Discard()
		}
		if !s.backend.proxy.pause(ctx, wait) {
			return
		}
	}
}

// broadcast are the notifications that concern all clients.
var broadcast = []string{
	"notifications/tools/list_changed", "notifications/prompts/list_changed", "notifications/resources/list_changed", "notifications/resources/updated",
	"notifications/message",
}

// hear reads a server's stream to its end, and reports whether anything was on it.
func (s *session) hear(response *wire.Response) (heard bool) {
	in := s.backend.proxy.reader(response)
	defer in.close()
	for {
		data, err := in.event()
		if err != nil {
			return heard
		}
		heard = true
		m := message{data, envelope.Head(data)}
		switch m.Kind {
		case envelope.Notification:
			method := string(m.Method.Of(data)[1 : m.Method.To-m.Method.From-1])
			if slices.Contains(broadcast, method) {
				s.backend.proxy.listeners.tellThose(s.backend, bytes.Clone(data), s.backend.concerns(m))
			}
			if method == broadcast[0] {
				s.backend.relist()
			}
		case envelope.Request:
			answer := append([]byte(`{"jsonrpc":"2.0","id":`), m.ID.Of(data)...)
			if m.Is(data, "ping") {
				answer = append(answer, `,"result":{}}`...)
			} else {
				answer = append(answer, `,"error":{"code":-32601,"message":"ask during a call: a question outside of one belongs to no client"}}`...)
			}
			s.tellLater(answer)
		}
	}
}
