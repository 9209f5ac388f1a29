// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

// Package proxy is an MCP server whose tools are those of the cluster's MCP servers. A call that goes well is passed through as it
// is, byte by byte but for its id and the name of its tool; one that fails by fault of the infrastructure waits until its server is
// healed, and is made again where the replay rule allows.
//
// /mcp has the tools of all servers, as server__tool. /mcp/SERVER is one server alone, with all that it offers.
package proxy

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"

	"github.com/ry-ops/cortex/internal/mcp"
	"github.com/ry-ops/cortex/internal/panics"
	"github.com/ry-ops/cortex/internal/quota"
	"github.com/ry-ops/cortex/internal/recovery"
	"github.com/ry-ops/cortex/internal/telemetry"
)

// Servers are the MCP servers of the cluster. See mcp.Registry.
type Servers interface {
	Servers() []*mcp.Server
	OnChange(func())
}

// Options of a Proxy.
type Options struct {
	Servers   Servers
	Recoverer *recovery.Recoverer
	Registry  prometheus.Registerer
	// MayUse is nil if the one who makes a request may use a server, and else says why not. Nil lets everybody use all.
	MayUse func(context.Context, types.NamespacedName) error
	// Refused is told each error of MayUse that a caller was told. Nil is told none.
	Refused func(error)
	// Panics of work in the background are caught here. Nil counts none.
	Panics *panics.Catcher
	// Caller names who makes a request, for the record. Nil names nobody.
	Caller  func(*http.Request) string
	Version string
	// Tracer of messages, and of what is passed to servers. Nil makes no spans.
	Tracer *telemetry.Tracer
	// Heartbeat is the time between two signs of life on a stream that has nothing to tell. Zero means DefaultHeartbeat.
	Heartbeat time.Duration
	// WriteTimeout is how long a message may take to leave for the client. Zero means DefaultWriteTimeout.
	WriteTimeout time.Duration
	Limits       Limits
	Clock        clock.WithTicker
	Log          logr.Logger
}

const (
	// DefaultHeartbeat is shorter than the idle timeouts of common proxies.
	DefaultHeartbeat = 15 * time.Second
	// DefaultWriteTimeout is what only a reader needs that does not read.
	DefaultWriteTimeout = 10 * time.Second
)

// Proxy serves /mcp and /mcp/{server}. It is safe for concurrent use. Close it when the servers are.
type Proxy struct {
	Options
	metrics *metrics
	ctx     context.Context
	cancel  context.CancelFunc
	work    sync.WaitGroup
	held    held
	buffers bytesInUse

	backends  backends
	flights   flights
	questions questions
	listeners listeners
}

// New makes a Proxy, which follows the servers until Close.
func New(o Options) *Proxy {
	if o.Heartbeat == 0 {
		o.Heartbeat = DefaultHeartbeat
	}
	if o.WriteTimeout == 0 {
		o.WriteTimeout = DefaultWriteTimeout
	}
	if o.Caller == nil {
		o.Caller = func(*http.Request) string { return "" }
	}
	if o.MayUse == nil {
		o.MayUse = func(context.Context, types.NamespacedName) error { return nil }
	}
	if o.Refused == nil {
		o.Refused = func(error) {}
	}
	o.Limits.setDefaults()
	calls, places := quota.New(o.Limits.Held, o.Limits.HeldEach), quota.New(o.Limits.Listeners, o.Limits.ListenersEach)
	p := &Proxy{Options: o, metrics: newMetrics(o.Registry, calls, places), held: held{calls: calls}, listeners: listeners{places: places}}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	p.backends.changed = make(chan struct{}, 1)
	o.Servers.OnChange(p.backends.wake)
	p.sync()
	p.background(p.follow)
	p.background(p.sweep)
	return p
}

// Close ends what runs in the background, and all upstream sessions.
func (p *Proxy) Close() {
	p.cancel()
	p.work.Wait()
	p.backends.keep(nil)
}

// background runs work that nobody waits for, until Close. A panic ends that work alone.
func (p *Proxy) background(work func(context.Context)) {
	p.work.Add(1)
	go func() {
		defer p.work.Done()
		defer p.Panics.Catch(panics.Background, nil)
		work(p.ctx)
	}()
}

// ServeHTTP implements http.Handler.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Method == http.MethodPost:
		p.post(w, r)
	case r.Header.Get(versionHeader) == stateless:
		w.Header().Set("Allow", "POST")
		refuse(w, http.StatusMethodNotAllowed, nil, codeInvalidRequest, "use POST: there are no sessions in "+stateless)
	case r.Method == http.MethodGet:
		p.listen(w, r)
	case r.Method == http.MethodDelete:
		p.delete(w, r)
	default:
		w.Header().Set("Allow", "GET, POST, DELETE")
		refuse(w, http.StatusMethodNotAllowed, nil, codeInvalidRequest, "use POST for messages, GET to listen, DELETE to end a session")
	}
}

// delete ends a session, of which nothing is kept but in its own id.
func (p *Proxy) delete(w http.ResponseWriter, r *http.Request) {
	client, refused := p.client(r)
	var server *backend
	if refused == nil {
		server, refused = p.target(r)
	}
	if refused != nil {
		refused.write(w, nil)
		return
	}
	if server != nil && client.id != "" {
		server.forget(client.id)
	}
	w.WriteHeader(http.StatusNoContent)
}
