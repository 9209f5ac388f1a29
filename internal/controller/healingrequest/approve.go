// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package healingrequest

import (
	"context"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

// approve acts on a person's yes, and notices what makes the question pointless.
func (r *Reconciler) approve(ctx context.Context, h *heal) error {
	if h.request.Spec.Approval == v1alpha1.ApprovalApproved {
		// The answer may come long after the question: the target is looked at again, and the plan runs only if it is
		// still the one that was approved.
		h.say("Approved" + by(h.request.Spec.ApprovedBy) + ": " + h.plan())
		h.lookAgain()
		h.within(h.timeout())
		return nil
	}
	moved, err := r.moved(ctx, h)
	switch {
	case err != nil:
		return err
	case moved:
		h.lookAgain()
		h.within(h.timeout())
	default:
		h.pause()
	}
	return nil
}

func by(person string) string {
	if person == "" {
		return ""
	}
	return " by " + person
}
