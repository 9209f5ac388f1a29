// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// DefaultTimeout bounds a heal where neither the request nor a policy names a timeout (spec, "Timeouts": healing worker execution, 120 s).
const DefaultTimeout = 120 * time.Second

// Key is where the request is found.
func (r *HealingRequest) Key() types.NamespacedName {
	return types.NamespacedName{Namespace: r.Namespace, Name: r.Name}
}

// Deadline is when the heal must be over. It is the zero time before the operator has taken up the request.
func (r *HealingRequest) Deadline() time.Time {
	if r.Status.Deadline == nil {
		return time.Time{}
	}
	return r.Status.Deadline.Time
}

// Done reports whether the request is over. A request that is over never changes again.
func (r *HealingRequest) Done() bool {
	return meta.IsStatusConditionTrue(r.Status.Conditions, ConditionComplete)
}

// Succeeded reports whether the request is over and the target works (or, in a dry run, the plan is there).
func (r *HealingRequest) Succeeded() bool { return r.DerivePhase() == PhaseSucceeded }

// Held is what keeps the request from going on by itself any time soon: a plan that waits for a person, a pause, a brake. Its
// reason says which. It is nil for a request that is over or at work, that was answered, or that only waits for its turn.
func (r *HealingRequest) Held() *metav1.Condition {
	phase, planned := r.DerivePhase(), meta.FindStatusCondition(r.Status.Conditions, ConditionPlanned)
	switch {
	case phase != PhaseAwaitingApproval && phase != PhaseBlocked, r.Spec.Approval != "":
		return nil
	case planned.Reason == ReasonAnotherRequestActive, planned.Reason == ReasonConcurrencyLimited:
		return nil
	default:
		return planned
	}
}

// DerivePhase sums up the conditions. The order of the questions is the order of the phases, last first.
func (r *HealingRequest) DerivePhase() Phase {
	conditions := r.Status.Conditions
	planned := meta.FindStatusCondition(conditions, ConditionPlanned)
	switch {
	case r.Done():
		return terminalPhase(meta.FindStatusCondition(conditions, ConditionComplete).Reason)
	case meta.IsStatusConditionTrue(conditions, ConditionRemediated):
		return PhaseVerifying
	case planned != nil && planned.Status == metav1.ConditionTrue:
		return PhaseRemediating
	case planned != nil && planned.Reason == ReasonAwaitingApproval:
		return PhaseAwaitingApproval
	case planned != nil:
		return PhaseBlocked
	case r.Status.StartedAt != nil:
		return PhaseDiagnosing
	default:
		return PhasePending
	}
}

func terminalPhase(reason string) Phase {
	switch reason {
	case ReasonHealed, ReasonHealthy, ReasonDryRun:
		return PhaseSucceeded
	default:
		return PhaseFailed
	}
}
