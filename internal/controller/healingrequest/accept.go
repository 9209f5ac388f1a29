// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package healingrequest

import (
	"context"
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

// accept takes a new request up, unless an older one is at work on the same target: then it waits for that to end.
func (r *Reconciler) accept(ctx context.Context, h *heal) error {
	if phase := h.phase(); phase != v1alpha1.PhasePending && phase != v1alpha1.PhaseBlocked {
		return nil
	}
	h.stepped = true
	older, err := r.olderActive(ctx, h.request)
	if err != nil {
		return err
	}
	if older != "" {
		h.set(v1alpha1.ConditionPlanned, metav1.ConditionFalse, v1alpha1.ReasonAnotherRequestActive,
			fmt.Sprintf("HealingRequest %s is at work on the same target; this one goes on when it ends", older))
		return nil
	}
	h.lookAgain()
	now := metav1.NewMicroTime(h.clock.Now())
	h.status().StartedAt = &now
	h.wake = h.request.Deadline()
	h.say(fmt.Sprintf("Starting self-healing for %s: %s", strings.ToLower(string(h.request.Spec.TargetRef.Kind)), h.request.Spec.TargetRef.Name))
	return nil
}

// olderActive names a request that has the same target, came first, and is not over. It reads past the cache: two
// requests that were created together must both see each other.
func (r *Reconciler) olderActive(ctx context.Context, request *v1alpha1.HealingRequest) (string, error) {
	var requests v1alpha1.HealingRequestList
	if err := r.Live.List(ctx, &requests, client.InNamespace(request.Namespace)); err != nil {
		return "", fmt.Errorf("listing the requests of the same target: %w", err)
	}
	for i := range requests.Items {
		if other := &requests.Items[i]; sameTarget(other, request) && !other.Done() && before(other, request) {
			return other.Name, nil
		}
	}
	return "", nil
}

func sameTarget(a, b *v1alpha1.HealingRequest) bool {
	return a.Namespace == b.Namespace && a.Spec.TargetRef == b.Spec.TargetRef
}

// before orders requests by age. One that was taken up stays ahead of one that was not; creation times have a
// resolution of one second, so the UID decides between twins.
func before(a, b *v1alpha1.HealingRequest) bool {
	switch {
	case a.UID == b.UID:
		return false
	case (a.Status.StartedAt != nil) != (b.Status.StartedAt != nil):
		return a.Status.StartedAt != nil
	case !a.CreationTimestamp.Equal(&b.CreationTimestamp):
		return a.CreationTimestamp.Before(&b.CreationTimestamp)
	default:
		return a.UID < b.UID
	}
}
