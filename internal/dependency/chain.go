// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package dependency

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/types"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

// MaxDepth bounds a chain of requests, the first one included. A chain that is longer outlives no timeout.
const MaxDepth = 16

// ServiceOf is the name of the Service that a request heals; "" if none is known.
func ServiceOf(request *v1alpha1.HealingRequest) string {
	switch ref := request.Spec.TargetRef; {
	case request.Status.ServiceRef != nil:
		return request.Status.ServiceRef.Name
	case ref.Kind == v1alpha1.KindService || ref.Kind == "":
		return ref.Name
	default:
		return ""
	}
}

// Chain are the Services of the requests that led to a request, the first one first, and its own.
func Chain(request *v1alpha1.HealingRequest) []string {
	var chain []string
	for name := range strings.SplitSeq(request.Annotations[v1alpha1.AnnotationAncestors], ",") {
		if name = strings.TrimSpace(name); name != "" && len(chain) < MaxDepth {
			chain = append(chain, name)
		}
	}
	return append(chain, ServiceOf(request))
}

// ParentOf is the UID of the request that a request is a step of; "" if somebody else asked for it.
func ParentOf(request *v1alpha1.HealingRequest) types.UID {
	for _, owner := range request.OwnerReferences {
		if owner.Kind == kind && request.Spec.Trigger == v1alpha1.TriggerDependency {
			return owner.UID
		}
	}
	return ""
}

// Cycle tells by which Services a request would wait for itself if it waited for one: a, b, a. It is nil if it would not.
//
// A request waits for that of its dependency, and all that heal one Service or one workload for each other. So it is not
// enough to look at the chain of the request: another chain may be on its way from the other end.
func Cycle(request *v1alpha1.HealingRequest, service string, requests []v1alpha1.HealingRequest) []string {
	w := waitsOf(requests)
	chain := Chain(request)
	for i, ancestor := range chain {
		if w.name(ancestor) == w.name(service) {
			return append(slices.Clone(chain[i:]), ancestor)
		}
	}
	own := chain[len(chain)-1]
	if path := w.path(service, own, nil); path != nil {
		return append([]string{own}, path...)
	}
	return nil
}

// waits are what the requests that are under way wait for.
type waits struct {
	// on tells for a Service the dependencies that are being healed for it.
	on map[string][]string
	// same is the one name for all Services that lead to a workload.
	same map[string]string
}

func waitsOf(requests []v1alpha1.HealingRequest) waits {
	w := waits{on: map[string][]string{}, same: map[string]string{}}
	active := map[types.UID]string{}
	first := map[types.UID]string{}
	for i := range requests {
		request := &requests[i]
		service := ServiceOf(request)
		if request.Done() || !request.DeletionTimestamp.IsZero() || service == "" {
			continue
		}
		active[request.UID] = service
		if ref := request.Status.WorkloadRef; ref != nil && ref.UID != "" {
			if first[ref.UID] == "" {
				first[ref.UID] = service
			}
			w.same[service] = first[ref.UID]
		}
	}
	for i := range requests {
		if service, parent := active[requests[i].UID], active[ParentOf(&requests[i])]; service != "" && parent != "" {
			w.on[w.name(parent)] = append(w.on[w.name(parent)], service)
		}
	}
	return w
}

// name is the one by which a Service is known.
func (w waits) name(service string) string {
	if same := w.same[service]; same != "" {
		return same
	}
	return service
}

// path leads from a Service by what is waited for to another; nil if no way does. seen are those that were tried.
func (w waits) path(from, to string, seen map[string]bool) []string {
	if w.name(from) == w.name(to) {
		return []string{to}
	}
	if seen == nil {
		seen = map[string]bool{}
	}
	seen[w.name(from)] = true
	for _, next := range w.on[w.name(from)] {
		if seen[w.name(next)] {
			continue
		}
		if rest := w.path(next, to, seen); rest != nil {
			return append([]string{from}, rest...)
		}
	}
	return nil
}
