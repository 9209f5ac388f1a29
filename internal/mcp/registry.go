// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

// Package mcp is the gateway's side of the MCP servers: which ones there are, what tools they have, one session with
// each, and what may be done with a call that failed.
package mcp

import (
	"context"
	"sort"
	"sync"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	toolscache "k8s.io/client-go/tools/cache"

	"github.com/ry-ops/cortex/internal/foreign"
	"github.com/ry-ops/cortex/internal/mcpserver"
	"github.com/ry-ops/cortex/internal/panics"
)

const (
	// DefaultCallTimeout bounds a tool call (spec, "Timeouts": MCP tool call, 60 s).
	DefaultCallTimeout = 60 * time.Second
	// DefaultConnectTimeout bounds the opening of a session, and a listing of tools. A healthy server needs
	// milliseconds; one that is silent for so long hangs.
	DefaultConnectTimeout = 10 * time.Second
)

// Options of a Registry.
type Options struct {
	// CallTimeout bounds one tool call, the opening of a session included. Zero means DefaultCallTimeout.
	CallTimeout time.Duration
	// ConnectTimeout bounds the opening of a session and a tools/list. Zero means DefaultConnectTimeout.
	ConnectTimeout time.Duration
	// Credentials of the servers. Nil means none.
	Credentials *Credentials
	// Version of the gateway, told to the servers.
	Version string
	// Panics are caught in what runs in the background and in the handlers of the watches. Nil counts none.
	Panics *panics.Catcher
	Log    logr.Logger
}

// Registry knows the MCP servers of the cluster. It is the event handler of a watch on labelled Services, and safe for
// concurrent use. Close it when the watch is over.
type Registry struct {
	options Options
	ctx     context.Context
	cancel  context.CancelFunc
	work    sync.WaitGroup

	mu      sync.RWMutex
	servers map[types.NamespacedName]*Server
	// endpoints of Services, those of which only slices were seen as well: the two watches know no order.
	endpoints map[types.NamespacedName]*endpoints
	// changed is told of every change of a server.
	changed []func()
}

// NewRegistry makes an empty Registry.
func NewRegistry(o Options) *Registry {
	if o.CallTimeout == 0 {
		o.CallTimeout = DefaultCallTimeout
	}
	if o.ConnectTimeout == 0 {
		o.ConnectTimeout = DefaultConnectTimeout
	}
	ctx, cancel := context.WithCancel(context.Background())
	return &Registry{options: o, ctx: ctx, cancel: cancel, servers: map[types.NamespacedName]*Server{}, endpoints: map[types.NamespacedName]*endpoints{}}
}

// Servers lists the servers by name and then namespace.
func (r *Registry) Servers() []*Server {
	r.mu.RLock()
	defer r.mu.RUnlock()
	servers := make([]*Server, 0, len(r.servers))
	for _, server := range r.servers {
		servers = append(servers, server)
	}
	sort.Slice(servers, func(i, j int) bool {
		a, b := servers[i].key, servers[j].key
		if a.Name != b.Name {
			return a.Name < b.Name
		}
		return a.Namespace < b.Namespace
	})
	return servers
}

// Slices is the event handler of a watch on the EndpointSlices of labelled Services, which carry the Service's labels.
// It is optional: without it, that nobody is there is found out by dialling.
func (r *Registry) Slices() toolscache.ResourceEventHandler { return slices{r} }

// OnAdd is called for Services that are new to the watch.
func (r *Registry) OnAdd(obj any, _ bool) {
	defer r.options.Panics.Catch(panics.Watch, nil, "kind", "Service")
	if service, ok := obj.(*corev1.Service); ok {
		r.observe(service)
	}
}

// OnUpdate is called for Services that changed, and for all of them when the watch is established again.
func (r *Registry) OnUpdate(before, now any) {
	defer r.options.Panics.Catch(panics.Watch, nil, "kind", "Service")
	was, _ := before.(*corev1.Service)
	service, ok := now.(*corev1.Service)
	if ok && (was == nil || was.ResourceVersion != service.ResourceVersion) {
		r.observe(service)
	}
}

// OnDelete is called for Services that are gone or lost the label.
func (r *Registry) OnDelete(obj any) {
	defer r.options.Panics.Catch(panics.Watch, nil, "kind", "Service")
	if tombstone, ok := obj.(toolscache.DeletedFinalStateUnknown); ok {
		obj = tombstone.Obj
	}
	if service, ok := obj.(*corev1.Service); ok {
		r.forget(types.NamespacedName{Namespace: service.Namespace, Name: service.Name})
	}
}

// Close ends all sessions and waits for what runs in the background.
func (r *Registry) Close() {
	r.cancel()
	for _, server := range r.Servers() {
		r.forget(server.key)
	}
	r.work.Wait()
}

func (r *Registry) observe(service *corev1.Service) {
	key := types.NamespacedName{Namespace: service.Namespace, Name: service.Name}
	endpoint, err := mcpserver.EndpointOf(service)
	if err != nil {
		r.options.Log.Error(err, "an MCP server cannot be used", "service", key)
		r.forget(key)
		return
	}
	server := r.serverAt(key, endpoint)
	r.tellChange()
	r.background(func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, r.options.ConnectTimeout)
		defer cancel()
		// A server that is down now is listed when it is first needed.
		if err := server.List(ctx); err != nil && ctx.Err() == nil {
			r.options.Log.Info("tools are not known yet", "service", key, "reason", foreign.Line(err.Error(), maxReason))
		}
	})
}

func (r *Registry) serverAt(key types.NamespacedName, endpoint mcpserver.Endpoint) *Server {
	r.mu.Lock()
	defer r.mu.Unlock()
	server, ok := r.servers[key]
	if !ok {
		server = &Server{key: key, options: r.options, background: r.background, endpoints: r.known(key)}
		r.servers[key] = server
	}
	server.moveTo(endpoint)
	return server
}

func (r *Registry) endpointsOf(key types.NamespacedName) *endpoints {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.known(key)
}

// known must be called with the registry's lock held.
func (r *Registry) known(key types.NamespacedName) *endpoints {
	if r.endpoints[key] == nil {
		r.endpoints[key] = newEndpoints()
	}
	return r.endpoints[key]
}

func (r *Registry) forget(key types.NamespacedName) {
	r.mu.Lock()
	server := r.servers[key]
	delete(r.servers, key)
	delete(r.endpoints, key)
	r.mu.Unlock()
	if server != nil {
		server.Reset()
		r.tellChange()
	}
}

// background runs work that nobody waits for, until Close.
func (r *Registry) background(work func(context.Context)) {
	r.work.Add(1)
	go func() {
		defer r.work.Done()
		defer r.options.Panics.Catch(panics.Background, nil)
		work(r.ctx)
	}()
}
