// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package healingrequest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/policy"
)

// healthMemory is how long a count of a namespace's Services serves: in a storm, hundreds of requests ask for it at once.
const healthMemory = 2 * time.Second

// health counts the opted-in Services of namespaces, and remembers for a moment.
type health struct {
	mutex sync.Mutex
	known map[string]count
}

// count is how many opted-in Services a namespace has, and how many of them are unhealthy.
type count struct {
	at               time.Time
	unhealthy, total int
}

// brake halts a heal while too much of its namespace is unhealthy at once. It is on as long as a request is held back by it, so
// that it outlives this process. A heal that has begun is carried through.
func (r *Reconciler) brake(ctx context.Context, h *heal, effective policy.Effective, requests []v1alpha1.HealingRequest) (*policy.Block, error) {
	if h.begun() || effective.Limits.UnhealthyPercent >= 100 {
		return nil, nil
	}
	counted, err := r.count(ctx, h, requests)
	if err != nil {
		return nil, err
	}
	engaged := slices.ContainsFunc(requests, func(request v1alpha1.HealingRequest) bool {
		return blockedBy(&request) == v1alpha1.ReasonStormBrake
	})
	return effective.Brake(counted.unhealthy, counted.total, engaged), nil
}

// count counts anew where what is known is too old. It holds the lock meanwhile, so that one of many asks the API server.
func (r *Reconciler) count(ctx context.Context, h *heal, requests []v1alpha1.HealingRequest) (count, error) {
	r.health.mutex.Lock()
	defer r.health.mutex.Unlock()
	namespace, now := h.request.Namespace, h.clock.Now()
	if known, ok := r.health.known[namespace]; ok && now.Sub(known.at) < healthMemory {
		return known, nil
	}
	counted, err := r.countNow(ctx, h, requests)
	if err != nil {
		return count{}, err
	}
	counted.at = now
	if r.health.known == nil {
		r.health.known = map[string]count{}
	}
	r.health.known[namespace] = counted
	return counted, nil
}

// countNow asks the API server. A Service is unhealthy if no endpoint of it is ready, or if a request is about it.
func (r *Reconciler) countNow(ctx context.Context, h *heal, requests []v1alpha1.HealingRequest) (count, error) {
	here, optedIn := client.InNamespace(h.request.Namespace), client.MatchingLabels{v1alpha1.LabelMCPServer: "true"}
	var services metav1.PartialObjectMetadataList
	services.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("ServiceList"))
	if err := r.Live.List(ctx, &services, here, optedIn); err != nil {
		return count{}, fmt.Errorf("listing the opted-in Services of %s: %w", h.request.Namespace, err)
	}
	// Endpoint slices carry the labels of their Service (EndpointSlice API, "Management").
	var endpointSlices discoveryv1.EndpointSliceList
	if err := r.Live.List(ctx, &endpointSlices, here, optedIn); err != nil {
		return count{}, fmt.Errorf("listing the endpoint slices of %s: %w", h.request.Namespace, err)
	}
	well := map[string]bool{}
	for i := range endpointSlices.Items {
		slice := &endpointSlices.Items[i]
		if slices.ContainsFunc(slice.Endpoints, ready) {
			well[slice.Labels[discoveryv1.LabelServiceName]] = true
		}
	}
	for i := range requests {
		if ref := requests[i].Status.ServiceRef; ref != nil && !requests[i].Done() {
			well[ref.Name] = false
		}
	}
	well[h.target().Service] = false
	counted := count{total: len(services.Items)}
	for _, service := range services.Items {
		if !well[service.Name] {
			counted.unhealthy++
		}
	}
	return counted, nil
}

// ready reports whether an endpoint is; nil means yes (EndpointSlice API, EndpointConditions.Ready).
func ready(endpoint discoveryv1.Endpoint) bool {
	return endpoint.Conditions.Ready == nil || *endpoint.Conditions.Ready
}
