// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package healingrequest

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/verification"
	"github.com/ry-ops/cortex/internal/workload"
)

// glance bounds the handshake of a look at whether a target works again. One that does answers in milliseconds. What is read of the API
// server before it is not bounded: a slow one would keep every heal from its change.
const glance = 2 * time.Second

// moved reports whether what a request that waits has found is no longer so: somebody has edited the object of its plan, or the
// target works.
func (r *Reconciler) moved(ctx context.Context, h *heal) (bool, error) {
	if plan := h.status().Plan; plan != nil && len(plan.Actions) > 0 {
		edited, err := r.edited(ctx, h.request.Namespace, plan.Actions[0].Object)
		if err != nil || edited {
			return edited, err
		}
	}
	works, err := r.works(ctx, h)
	return works != nil, err
}

// edited reports whether an object is no longer the one that was looked at.
func (r *Reconciler) edited(ctx context.Context, namespace string, ref v1alpha1.ObjectReference) (bool, error) {
	key := types.NamespacedName{Namespace: namespace, Name: ref.Name}
	if ref.Kind == string(v1alpha1.KindService) {
		var service corev1.Service
		if err := r.Live.Get(ctx, key, &service); err != nil {
			return apierrors.IsNotFound(err), ignoreNotFound(err)
		}
		return service.UID != ref.UID || service.ResourceVersion != ref.ResourceVersion, nil
	}
	if workload.New(ref.Kind) == nil {
		return false, nil
	}
	live, err := workload.Get(ctx, r.Live, ref.Kind, key)
	if err != nil {
		return apierrors.IsNotFound(err), ignoreNotFound(err)
	}
	return live.Object.GetUID() != ref.UID || live.Object.GetGeneration() != ref.Generation, nil
}

// works verifies the target as it is, and returns nothing if it does not work.
func (r *Reconciler) works(ctx context.Context, h *heal) (*v1alpha1.Verification, error) {
	status := h.status()
	if status.ServiceRef == nil || status.WorkloadRef == nil {
		return nil, nil
	}
	verified, err := r.Verifier.Verify(ctx, verification.Target{
		Namespace: h.request.Namespace, Service: status.ServiceRef.Name, Workload: *status.WorkloadRef,
		Now: h.clock.Now(), ExpectedTools: h.request.Spec.ExpectedTools, Handshake: glance,
	})
	if err != nil {
		return nil, fmt.Errorf("looking whether %s works again: %w", status.ServiceRef.Name, err)
	}
	if verified.Verdict != v1alpha1.VerdictPassed {
		return nil, nil
	}
	return &verified.Verification, nil
}

// worksAgain ends the request if the target works as it is, and reports whether it did.
func (r *Reconciler) worksAgain(ctx context.Context, h *heal) (bool, error) {
	verified, err := r.works(ctx, h)
	if verified == nil || err != nil {
		return false, err
	}
	h.recovered(*verified)
	return true, nil
}

func ignoreNotFound(err error) error {
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}
