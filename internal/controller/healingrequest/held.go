// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package healingrequest

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/policy"
	"github.com/ry-ops/cortex/internal/workload"
)

// held holds the request back while another one is at work on its target, and reports whether it did. The reader is the cache,
// or the API server itself where a change is about to be made.
func (r *Reconciler) held(ctx context.Context, h *heal, reader client.Reader) (bool, error) {
	blocker, err := r.blocker(ctx, h.request, reader)
	if err != nil || blocker == "" {
		return false, err
	}
	h.block(policy.Block{
		Reason:  v1alpha1.ReasonAnotherRequestActive,
		Message: fmt.Sprintf("HealingRequest %s is at work on the same target; this one goes on when it ends", blocker),
	})
	return true, nil
}

// blocker names an active request that a request must wait for: an older one with the same target, or the one whose
// stamp the workload bears. The stamp is written with the change, so it holds where the order of two requests is not
// clear: requests that name one workload in different ways, or that were created in the same moment.
func (r *Reconciler) blocker(ctx context.Context, request *v1alpha1.HealingRequest, reader client.Reader) (string, error) {
	holder, err := r.holder(ctx, request)
	if err != nil {
		return "", err
	}
	requests, err := r.requests(ctx, reader, request.Namespace)
	if err != nil {
		return "", err
	}
	for i := range requests {
		other := &requests[i]
		if other.Done() || !other.DeletionTimestamp.IsZero() || other.UID == request.UID {
			continue
		}
		if other.UID == holder || atWork(other, request) || (sameTarget(other, request) && before(other, request)) {
			return other.Name, nil
		}
	}
	return "", nil
}

// requests lists HealingRequests of a namespace, or of all. They must not be changed: they may be the cache's own.
func (r *Reconciler) requests(ctx context.Context, reader client.Reader, namespace string) ([]v1alpha1.HealingRequest, error) {
	var requests v1alpha1.HealingRequestList
	if err := reader.List(ctx, &requests, client.InNamespace(namespace), client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("listing the requests: %w", err)
	}
	return requests.Items, nil
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

// atWork reports whether another request has changed the workload of one that has not: a stamp may be wiped by whoever replaces the
// annotations.
func atWork(other, request *v1alpha1.HealingRequest) bool {
	ref := request.Status.WorkloadRef
	return ref != nil && changed(other, ref.UID) && !changed(request, ref.UID)
}

func changed(request *v1alpha1.HealingRequest, workload types.UID) bool {
	return slices.ContainsFunc(request.Status.Actions, func(a v1alpha1.ActionResult) bool {
		return policy.ChangesTarget(a.Type) && a.AppliedAt != nil && a.Object.UID == workload
	})
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
