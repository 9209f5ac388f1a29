// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package healing

import (
	"context"
	"errors"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

// A person who may answer a plan can do so on the gateway's page; who may is asked before this right is used, and who did is
// recorded in spec.approvedBy. All of the spec but the approval is fixed, whoever writes.
// +kubebuilder:rbac:groups=healing.cortex.dev,resources=healingrequests,verbs=patch

var (
	// ErrChanged is why a plan was not answered that is not the one any more that was shown.
	ErrChanged = errors.New("the request has changed since it was shown, and was not answered: look at it again")
	// ErrNotWaiting is why a request was not answered that waits for nobody.
	ErrNotWaiting = errors.New("the request does not wait for an answer (any more)")
)

// All gives every request that is known. They must not be changed.
func (h *Healer) All(ctx context.Context) ([]v1alpha1.HealingRequest, error) {
	var requests v1alpha1.HealingRequestList
	if err := h.cache.List(ctx, &requests, client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("listing healing requests: %w", err)
	}
	return requests.Items, nil
}

// Answer writes a person's word on a plan, to just the version of the request that the person was shown.
func (h *Healer) Answer(ctx context.Context, key types.NamespacedName, version string, says v1alpha1.Approval, who string) error {
	shown := &v1alpha1.HealingRequest{}
	if err := h.client.Get(ctx, key, shown); err != nil {
		return err
	}
	switch {
	case shown.Held() == nil:
		return ErrNotWaiting
	case shown.ResourceVersion != version:
		return ErrChanged
	}
	answered := shown.DeepCopy()
	answered.Spec.Approval, answered.Spec.ApprovedBy = says, who
	err := h.client.Patch(ctx, answered, client.MergeFromWithOptions(shown, client.MergeFromWithOptimisticLock{}))
	if apierrors.IsConflict(err) {
		return ErrChanged
	}
	return err
}
