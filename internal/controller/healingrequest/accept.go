// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package healingrequest

import (
	"context"
	"fmt"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/workload"
)

// accept takes a new request up, unless an older one is at work on the same target: then it waits for that to end.
func (r *Reconciler) accept(ctx context.Context, h *heal) error {
	if phase := h.phase(); phase != v1alpha1.PhasePending && phase != v1alpha1.PhaseBlocked {
		return nil
	}
	h.stepped = true
	if held, err := r.held(ctx, h); held || err != nil {
		return err
	}
	h.lookAgain()
	now := metav1.NewMicroTime(h.clock.Now())
	h.status().StartedAt = &now
	h.status().Deadline = ptr.To(metav1.NewMicroTime(now.Add(h.timeout())))
	h.wake = h.request.Deadline()
	h.say(fmt.Sprintf("Starting self-healing for %s: %s", strings.ToLower(string(h.request.Spec.TargetRef.Kind)), h.request.Spec.TargetRef.Name))
	return nil
}

// timeout is how long the heal may take.
func (h *heal) timeout() time.Duration {
	if timeout := h.request.Spec.Timeout; timeout != nil {
		return timeout.Duration
	}
	return v1alpha1.DefaultTimeout
}

// held holds the request back if another one is at work, and reports whether it did.
func (r *Reconciler) held(ctx context.Context, h *heal) (bool, error) {
	blocker, err := r.blocker(ctx, h.request)
	if err != nil || blocker == "" {
		return false, err
	}
	h.block(blocker)
	return true, nil
}

// block holds a request back until another one ends. Its time does not run meanwhile.
func (h *heal) block(by string) {
	h.set(v1alpha1.ConditionPlanned, metav1.ConditionFalse, v1alpha1.ReasonAnotherRequestActive,
		fmt.Sprintf("HealingRequest %s is at work on the same target; this one goes on when it ends", by))
	h.status().StartedAt = nil
	h.finished()
}

// blocker names an active request that a request must wait for: an older one with the same target, or the one whose
// stamp the workload bears. The stamp is written with the change, so it holds where the order of two requests is not
// clear: requests that name one workload in different ways, or that were created in the same moment. It reads past the
// cache.
func (r *Reconciler) blocker(ctx context.Context, request *v1alpha1.HealingRequest) (string, error) {
	holder, err := r.holder(ctx, request)
	if err != nil {
		return "", err
	}
	var requests v1alpha1.HealingRequestList
	if err := r.Live.List(ctx, &requests, client.InNamespace(request.Namespace)); err != nil {
		return "", fmt.Errorf("listing the requests of the namespace: %w", err)
	}
	for i := range requests.Items {
		other := &requests.Items[i]
		if other.Done() || !other.DeletionTimestamp.IsZero() || other.UID == request.UID {
			continue
		}
		if other.UID == holder || (sameTarget(other, request) && before(other, request)) {
			return other.Name, nil
		}
	}
	return "", nil
}

// holder is the UID of the request that changed the workload last, if the workload is known.
func (r *Reconciler) holder(ctx context.Context, request *v1alpha1.HealingRequest) (types.UID, error) {
	ref := request.Status.WorkloadRef
	if ref == nil {
		return "", nil
	}
	live, err := workload.Get(ctx, r.Live, ref.Kind, types.NamespacedName{Namespace: request.Namespace, Name: ref.Name})
	if err != nil {
		return "", client.IgnoreNotFound(err)
	}
	uid, _, _ := strings.Cut(live.Object.GetAnnotations()[v1alpha1.AnnotationAppliedBy], "/")
	return types.UID(uid), nil
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
