// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package healingrequest

import (
	"context"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

// approve acts on a person's answer to the plan.
func (r *Reconciler) approve(_ context.Context, h *heal) error {
	if h.phase() != v1alpha1.PhaseAwaitingApproval {
		return nil
	}
	switch h.request.Spec.Approval {
	case v1alpha1.ApprovalApproved:
		// The answer may come long after the question: the target is looked at again, and the plan runs only if it is
		// still the one that was approved.
		h.stepped = true
		h.say("Approved: " + describe(*h.status().Plan))
		h.lookAgain()
	case v1alpha1.ApprovalDenied:
		h.stepped = true
		h.complete(v1alpha1.ReasonDenied, "The plan was denied. Nothing was changed.")
	}
	return nil
}
