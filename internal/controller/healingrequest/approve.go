// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package healingrequest

import (
	"context"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

// approve acts on a person's answer to the plan.
func (r *Reconciler) approve(_ context.Context, h *heal) error {
	if h.phase() != v1alpha1.PhaseAwaitingApproval {
		return nil
	}
	switch h.request.Spec.Approval {
	case v1alpha1.ApprovalApproved:
		h.stepped = true
		message := describe(*h.status().Plan)
		h.set(v1alpha1.ConditionPlanned, metav1.ConditionTrue, v1alpha1.ReasonActionsPlanned, message)
		h.say("Approved: " + message)
	case v1alpha1.ApprovalDenied:
		h.stepped = true
		h.complete(v1alpha1.ReasonDenied, "The plan was denied. Nothing was changed.")
	}
	return nil
}
