// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package mcp

import (
	"context"
	"errors"
	"net"
	"syscall"
	"testing"
	"testing/synctest"

	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	toolscache "k8s.io/client-go/tools/cache"
	"k8s.io/utils/ptr"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/mcpserver"
)

func slice(name string, ready ...*bool) *discoveryv1.EndpointSlice {
	s := &discoveryv1.EndpointSlice{ObjectMeta: metav1.ObjectMeta{
		Namespace: "ns", Name: name, Labels: map[string]string{discoveryv1.LabelServiceName: "sandfly"},
	}}
	for _, r := range ready {
		s.Endpoints = append(s.Endpoints, discoveryv1.Endpoint{Conditions: discoveryv1.EndpointConditions{Ready: r}})
	}
	return s
}

func TestDialWhatEndpointSlicesSay(t *testing.T) {
	yes, no := ptr.To(true), ptr.To(false)
	tests := map[string]struct {
		seen  func(toolscache.ResourceEventHandler)
		dials bool
	}{
		"nothing is known":       {func(toolscache.ResourceEventHandler) {}, true},
		"one is ready":           {func(h toolscache.ResourceEventHandler) { h.OnAdd(slice("a", yes), true) }, true},
		"ready unless it says":   {func(h toolscache.ResourceEventHandler) { h.OnAdd(slice("a", nil), true) }, true},
		"none there":             {func(h toolscache.ResourceEventHandler) { h.OnAdd(slice("a"), true) }, false},
		"none ready":             {func(h toolscache.ResourceEventHandler) { h.OnAdd(slice("a", no, no), true) }, false},
		"ready in another slice": {func(h toolscache.ResourceEventHandler) { h.OnAdd(slice("a"), true); h.OnAdd(slice("b", no, yes), true) }, true},
		"the last one went":      {func(h toolscache.ResourceEventHandler) { h.OnAdd(slice("a", yes), true); h.OnUpdate(nil, slice("a")) }, false},
		"one came back":          {func(h toolscache.ResourceEventHandler) { h.OnAdd(slice("a"), true); h.OnUpdate(nil, slice("a", yes)) }, true},
		"its slice was deleted": {func(h toolscache.ResourceEventHandler) {
			h.OnAdd(slice("a"), true)
			h.OnAdd(slice("b", yes), true)
			h.OnDelete(toolscache.DeletedFinalStateUnknown{Obj: slice("b", yes)})
		}, false},
		"no slice is left": {func(h toolscache.ResourceEventHandler) { h.OnAdd(slice("a"), true); h.OnDelete(slice("a")) }, true},
		"another Service's": {func(h toolscache.ResourceEventHandler) {
			other := slice("a")
			other.Labels[discoveryv1.LabelServiceName] = "proxmox"
			h.OnAdd(other, true)
		}, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			registry := NewRegistry(Options{})
			defer registry.Close()
			test.seen(registry.Slices())
			dialled := false
			dial := registry.endpointsOf(types.NamespacedName{Namespace: "ns", Name: "sandfly"}).dial(func(ctx context.Context, _, _ string) (net.Conn, error) {
				dialled = true
				return nil, ctx.Err()
			})
			_, err := dial(t.Context(), "tcp", "10.96.0.9:3000")
			if test.dials != (err == nil) {
				t.Fatalf("dialled %t, error %v", dialled, err)
			}
			if err != nil && (mcpserver.Classify(err) != v1alpha1.ErrorConnectionRefused || !errors.Is(err, syscall.ECONNREFUSED)) {
				t.Errorf("%v is of class %s", err, mcpserver.Classify(err))
			}
		})
	}
}

// A dial that nobody would answer for seconds ends when the watch tells that the last endpoint is gone.
func TestADialEndsWithTheLastEndpoint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		known := newEndpoints()
		known.observe(slice("a", ptr.To(true)))
		failed := make(chan error, 1)
		go func() {
			_, err := known.dial(func(ctx context.Context, _, _ string) (net.Conn, error) {
				<-ctx.Done()
				return nil, ctx.Err()
			})(t.Context(), "tcp", "10.96.0.9:3000")
			failed <- err
		}()
		synctest.Wait()
		known.observe(slice("a", ptr.To(false)))
		if err := <-failed; !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("got %v", err)
		}
	})
}
