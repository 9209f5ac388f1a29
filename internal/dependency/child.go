// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package dependency

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

const (
	kind = "HealingRequest"
	// minTimeout is the shortest time that a request can have (spec.timeout).
	minTimeout = 10 * time.Second
	// reserve is what a request keeps of its time for itself: to see that its target works once the dependency does, or to
	// tell why that was not healed. It is one handshake of a server that hangs.
	reserve = 5 * time.Second
	// maxName bounds the name of an object (RFC 1123 subdomain).
	maxName = 253
)

// Name is that of the request which heals a dependency in one attempt of another request. Whoever asks for it twice, be it after a
// crash or beside a second leader, asks for the same name, and the API server makes it once.
func Name(parent types.UID, attempt int, service string) string {
	// The letter keeps it apart from the numbers that the gateway gives.
	hash := fmt.Sprintf("-d%.5x", sha256.Sum256(fmt.Appendf(nil, "%s/%d", parent, attempt)))
	return service[:min(len(service), maxName-len(hash))] + hash
}

// IsChild reports whether a request was made as a step of another.
func IsChild(request, parent *v1alpha1.HealingRequest) bool {
	return parent.UID != "" && ParentOf(request) == parent.UID
}

// New is the request that heals a dependency. It has what is left of the parent's time, so that one budget bounds the chain,
// and may go no further than the parent.
func New(parent *v1alpha1.HealingRequest, attempt int, service string, now time.Time) *v1alpha1.HealingRequest {
	return &v1alpha1.HealingRequest{
		ObjectMeta: metav1.ObjectMeta{
			Namespace:   parent.Namespace,
			Name:        Name(parent.UID, attempt, service),
			Labels:      map[string]string{v1alpha1.LabelTarget: service},
			Annotations: map[string]string{v1alpha1.AnnotationAncestors: strings.Join(Chain(parent), ",")},
			OwnerReferences: []metav1.OwnerReference{{
				APIVersion: v1alpha1.GroupVersion.String(), Kind: kind, Name: parent.Name, UID: parent.UID,
				Controller: ptr.To(false), BlockOwnerDeletion: ptr.To(false),
			}},
		},
		Spec: v1alpha1.HealingRequestSpec{
			TargetRef:   v1alpha1.TargetReference{Kind: v1alpha1.KindService, Name: service},
			Trigger:     v1alpha1.TriggerDependency,
			RequestedBy: parent.Spec.RequestedBy,
			Mode:        parent.Spec.Mode,
			Timeout:     &metav1.Duration{Duration: left(parent, now)},
		},
	}
}

// left is the time that a dependency can have.
func left(parent *v1alpha1.HealingRequest, now time.Time) time.Duration {
	return parent.Deadline().Add(-reserve).Sub(now).Truncate(time.Millisecond)
}

// Refusal says why a request must not have a dependency healed, and is "" if it may. requests are those of the namespace.
func Refusal(parent *v1alpha1.HealingRequest, service string, requests []v1alpha1.HealingRequest, now time.Time) string {
	chain := Chain(parent)
	if cycle := Cycle(parent, service, requests); cycle != nil {
		return CycleMessage(cycle)
	}
	if len(chain) >= MaxDepth {
		return fmt.Sprintf("Service %s is not healed first: the chain %s is as long as one may be (%d)", service, strings.Join(chain, " -> "), MaxDepth)
	}
	if has := left(parent, now); has < minTimeout {
		return fmt.Sprintf("Service %s is not healed first: a heal takes at least %s, and of the time for the whole chain %s is left",
			service, minTimeout, max(has, 0).Round(100*time.Millisecond))
	}
	return ""
}

// CycleMessage tells of a cycle.
func CycleMessage(cycle []string) string {
	return fmt.Sprintf("the dependencies form a cycle, and none of them can be healed first: %s", strings.Join(cycle, " -> "))
}
