// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package mcp

import (
	"context"
	"fmt"
	"net"
	"sync"
	"syscall"

	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/types"
	toolscache "k8s.io/client-go/tools/cache"

	"github.com/ry-ops/cortex/internal/panics"
)

// errNoEndpoint is what a dial would find out by itself, if it were answered: a Service without endpoints rejects
// connections with ICMP messages, of which the kernel sends one a second (net.ipv4.icmp_ratelimit). Of 200 callers one
// is told, and the others wait for seconds.
var errNoEndpoint = &net.OpError{Op: "dial", Net: "tcp", Err: fmt.Errorf("no endpoint of the Service is ready: %w", syscall.ECONNREFUSED)}

// endpoints tells whether anybody stands behind a Service, as its EndpointSlices say. A Service of which no slice was
// ever seen is dialled and found out. It is safe for concurrent use.
type endpoints struct {
	mu    sync.Mutex
	ready map[string]int
	// total of ready endpoints, and how often it has changed.
	total   int
	changes uint64
	// some ends when the last ready endpoint goes.
	some   context.Context
	noMore context.CancelFunc
}

func newEndpoints() *endpoints {
	e := &endpoints{ready: map[string]int{}}
	e.some, e.noMore = context.WithCancel(context.Background())
	return e
}

// observe takes note of a slice.
func (e *endpoints) observe(slice *discoveryv1.EndpointSlice) {
	ready := 0
	for _, endpoint := range slice.Endpoints {
		// nil means ready (EndpointSlice API, EndpointConditions.Ready).
		if endpoint.Conditions.Ready == nil || *endpoint.Conditions.Ready {
			ready++
		}
	}
	e.update(func() { e.ready[slice.Name] = ready })
}

// forget takes note that a slice is gone.
func (e *endpoints) forget(slice *discoveryv1.EndpointSlice) {
	e.update(func() { delete(e.ready, slice.Name) })
}

func (e *endpoints) update(change func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	change()
	total := e.count()
	if total != e.total {
		e.total = total
		e.changes++
	}
	switch {
	case total == 0 && len(e.ready) > 0:
		e.noMore()
	case e.some.Err() != nil:
		e.some, e.noMore = context.WithCancel(context.Background())
	}
}

func (e *endpoints) changed() uint64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.changes
}

// count must be called with the lock held.
func (e *endpoints) count() int {
	total := 0
	for _, ready := range e.ready {
		total += ready
	}
	return total
}

// known gives the endpoints that are ready, and whether any slice was seen.
func (e *endpoints) known() (ready int, seen bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.count(), len(e.ready) > 0
}

type dialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// dial dials only while there is an endpoint: an attempt that is under way when the last one goes ends with it. A
// connection that is there already is left alone, since it may well work: a pod that is not ready is not dead.
func (e *endpoints) dial(next dialFunc) dialFunc {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		e.mu.Lock()
		some := e.some
		e.mu.Unlock()
		if some.Err() != nil {
			return nil, errNoEndpoint
		}
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		defer context.AfterFunc(some, cancel)() //nolint:contextcheck // ended by the watch as well as by the caller
		conn, err := next(ctx, network, address)
		if err != nil && some.Err() != nil {
			return nil, errNoEndpoint
		}
		return conn, err
	}
}

// slices is the Registry as the event handler of a watch on labelled EndpointSlices.
type slices struct{ registry *Registry }

// OnAdd is called for slices that are new to the watch.
func (s slices) OnAdd(obj any, _ bool) { s.each(obj, (*endpoints).observe) }

// OnUpdate is called for slices that changed.
func (s slices) OnUpdate(_, obj any) { s.each(obj, (*endpoints).observe) }

// OnDelete is called for slices that are gone.
func (s slices) OnDelete(obj any) {
	if tombstone, ok := obj.(toolscache.DeletedFinalStateUnknown); ok {
		obj = tombstone.Obj
	}
	s.each(obj, (*endpoints).forget)
}

func (s slices) each(obj any, do func(*endpoints, *discoveryv1.EndpointSlice)) {
	defer s.registry.options.Panics.Catch(panics.Watch, nil, "kind", "EndpointSlice")
	slice, ok := obj.(*discoveryv1.EndpointSlice)
	if !ok || slice.Labels[discoveryv1.LabelServiceName] == "" {
		return
	}
	key := types.NamespacedName{Namespace: slice.Namespace, Name: slice.Labels[discoveryv1.LabelServiceName]}
	do(s.registry.endpointsOf(key), slice)
}
