// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package healingrequest

import (
	"context"
	"fmt"
	"time"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

// interrupt ends a request that a person has stopped, whose time is up, or that nobody waits for any longer, and reports whether it did.
func (h *heal) interrupt() bool {
	denied := h.stopped || h.request.Spec.Approval == v1alpha1.ApprovalDenied
	switch {
	case !denied && h.leftBy == "" && !h.overdue():
		return false
	case denied && h.phase() == v1alpha1.PhaseAwaitingApproval:
		h.complete(v1alpha1.ReasonDenied, "The plan was denied. "+h.soFar())
	case denied:
		h.complete(v1alpha1.ReasonCanceled, "The heal was stopped. "+h.soFar())
	case h.leftBy != "":
		h.complete(v1alpha1.ReasonDeadlineExceeded, fmt.Sprintf("The time of HealingRequest %s is up, which this is a step of. %s", h.leftBy, h.soFar()))
	case h.phase() == v1alpha1.PhaseAwaitingApproval:
		h.complete(v1alpha1.ReasonUnapproved, fmt.Sprintf("Nobody answered the plan in time: %s. %s", h.plan(), h.soFar()))
	default:
		h.expired()
	}
	return true
}

// overdue reports whether the time is up. What was applied is verified one last time first, by the step of that phase: an
// operator that was away for longer than the timeout must neither forget a fix nor call a healed target failed.
func (h *heal) overdue() bool {
	deadline := h.request.Deadline()
	return !deadline.IsZero() && !h.clock.Now().Before(deadline) && h.phase() != v1alpha1.PhaseVerifying
}

// recall records a change that a crash kept from being recorded.
func (r *Reconciler) recall(ctx context.Context, h *heal) error {
	if h.phase() == v1alpha1.PhaseVerifying || !h.planStored() {
		return nil
	}
	applied, err := r.applied(ctx, h)
	if err == nil && applied != nil {
		h.recordAction(*applied)
	}
	return err
}

func (r *Reconciler) applied(ctx context.Context, h *heal) (*v1alpha1.ActionResult, error) {
	if h.next().Type == v1alpha1.ActionHealDependency {
		return r.Applier.DependencyHealed(ctx, h.request, len(h.status().Actions), h.next())
	}
	return r.Applier.Applied(ctx, h.request.Namespace, h.stamp(), h.next())
}

func (h *heal) expired() {
	h.complete(v1alpha1.ReasonDeadlineExceeded, fmt.Sprintf("Not healed within %s. %s", h.elapsed().Round(time.Second), h.soFar()))
}

func (h *heal) elapsed() time.Duration {
	return h.request.Deadline().Sub(h.request.Status.StartedAt.Time)
}

// soFar says what was changed and what is known, for a request that ends before its time.
func (h *heal) soFar() string {
	fix := "Nothing was changed."
	if h.status().FixApplied != "" {
		fix = h.status().FixApplied + ", which stays."
	}
	if h.status().Diagnosis == "" {
		return fix
	}
	return fix + " " + h.status().Diagnosis
}
