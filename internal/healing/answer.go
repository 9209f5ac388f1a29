// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package healing

import (
	"context"
	"encoding/json"
	"errors"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"

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
func (h *Healer) All() []v1alpha1.HealingRequest { return h.watched.all() }

// Answer writes a person's word on a plan, to just the version of the request that the person was shown.
func (h *Healer) Answer(ctx context.Context, key types.NamespacedName, version string, says v1alpha1.Approval, who string) error {
	shown, err := h.requests.Get(ctx, key)
	if err != nil {
		return err
	}
	switch {
	case shown.Held() == nil:
		return ErrNotWaiting
	case shown.ResourceVersion != version:
		return ErrChanged
	}
	patch, err := json.Marshal(map[string]any{
		"metadata": map[string]any{"resourceVersion": version},
		"spec":     map[string]any{"approval": says, "approvedBy": who},
	})
	if err != nil {
		return err
	}
	if err = h.requests.Patch(ctx, key, patch); apierrors.IsConflict(err) {
		return ErrChanged
	}
	return err
}
