// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package healingrequest

import (
	"context"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/foreign"
	"github.com/ry-ops/cortex/internal/policy"
	"github.com/ry-ops/cortex/internal/verification"
)

// verify looks whether the action helped. Watches wake it; only the data plane, which has no watch, is asked again
// after a pause that grows with the time that has passed.
func (r *Reconciler) verify(ctx context.Context, h *heal) error {
	effective, err := r.effective(ctx, h)
	if err != nil {
		return err
	}
	verified, err := r.Verifier.Verify(ctx, h.verificationTarget(effective.Timeouts.Stability))
	if err != nil {
		if !h.clock.Now().Before(h.request.Deadline()) {
			h.expired()
			return nil
		}
		return err
	}
	last := verified.Last()
	now := h.clock.Now()
	switch {
	case verified.Verdict == v1alpha1.VerdictPassed:
		h.recordVerification(verified.Verification, last)
		h.healed()
	case !now.Before(h.request.Deadline()):
		h.recordVerification(verified.Verification, last)
		h.current().State = v1alpha1.ActionIneffective
		h.expired()
	case verified.Verdict == v1alpha1.VerdictFailed || !now.Before(h.patience(last, effective.Timeouts)):
		h.recordVerification(verified.Verification, last)
		h.ineffective(last)
		h.say(fmt.Sprintf("It did not help: %s. Looking again...", last.Message))
		h.lookAgain()
	default:
		h.await(verified, effective.Timeouts)
	}
	return nil
}

func (h *heal) verificationTarget(stability time.Duration) verification.Target {
	current := h.current()
	target := verification.Target{
		Namespace: h.request.Namespace,
		Service:   h.status().ServiceRef.Name,
		Workload:  current.Object,
		Now:       h.clock.Now(),
		Begun:     current.AppliedAt.Time,
		Stability: stability,

		ExpectedTools: h.request.Spec.ExpectedTools,
	}
	if current.Type != v1alpha1.ActionWait {
		target.Since = current.AppliedAt.Time
	}
	return target
}

// patience is when a check that has not passed yet counts as failed. The rollout's time comes first, where there is one:
// waiting rolls nothing out.
func (h *heal) patience(check v1alpha1.CheckResult, timeouts policy.Timeouts) time.Time {
	applied := h.current().AppliedAt.Time
	if check.Name == verification.CheckStability {
		applied = applied.Add(timeouts.Stability)
	}
	switch {
	case check.Name == verification.CheckRollout:
		return applied.Add(timeouts.Rollout)
	case h.current().Type == v1alpha1.ActionWait:
		return applied.Add(timeouts.Connectivity)
	default:
		return applied.Add(timeouts.Rollout + timeouts.Connectivity)
	}
}

// await says when to look again. Nothing is written while waiting: the watches tell the rest.
func (h *heal) await(verified verification.Outcome, timeouts policy.Timeouts) {
	h.pause()
	until := h.patience(verified.Last(), timeouts)
	if verified.RecheckAfter > 0 {
		again := h.clock.Now().Add(verified.RecheckAfter)
		if again.Before(until) {
			until = again
		}
	}
	if until.Before(h.wake) {
		h.wake = until
	}
}

func (h *heal) recordVerification(verified v1alpha1.Verification, last v1alpha1.CheckResult) {
	for i := range verified.Checks {
		verified.Checks[i].Message = foreign.Line(verified.Checks[i].Message, 512)
	}
	h.status().Verification = &verified
	reasons := map[string]string{
		verification.CheckRollout:   v1alpha1.ReasonRolloutPending,
		verification.CheckEndpoints: v1alpha1.ReasonEndpointsNotUp,
		verification.CheckHandshake: v1alpha1.ReasonHandshakeFailed,
		verification.CheckTools:     v1alpha1.ReasonToolsChanged,
		verification.CheckStability: v1alpha1.ReasonNotStable,
	}
	status, reason := metav1.ConditionFalse, reasons[last.Name]
	if verified.Verdict == v1alpha1.VerdictPassed {
		status, reason = metav1.ConditionTrue, v1alpha1.ReasonHandshakePassed
	}
	h.set(v1alpha1.ConditionVerified, status, reason, last.Message)
}

// ineffective: the change is there and the target does not work.
func (h *heal) ineffective(check v1alpha1.CheckResult) {
	h.current().State = v1alpha1.ActionIneffective
	if changes(h.current().Type) {
		h.tell(reasonIneffective, fmt.Sprintf("%s, and it did not help: %s", h.current().Detail, check.Message))
	}
}

func (h *heal) healed() {
	h.current().State = v1alpha1.ActionVerified
	if h.current().Type == v1alpha1.ActionWait && h.status().FixApplied != "" {
		h.lateEffect()
	}
	for _, check := range h.status().Verification.Checks {
		h.say(checkWords[check.Name] + " " + check.Message)
	}
	h.status().Recommendation, h.status().SuggestedPatch = "", ""
	if h.status().FixApplied == "" {
		h.complete(v1alpha1.ReasonHealthy, fmt.Sprintf("%s became ready by itself", h.request.Spec.TargetRef.Name))
		return
	}
	h.complete(v1alpha1.ReasonHealed, h.status().FixApplied)
}

// checkWords begin the progress message of a check, in the spec's words.
var checkWords = map[string]string{
	verification.CheckRollout:   "Checking rollout...",
	verification.CheckEndpoints: "Checking service endpoints...",
	verification.CheckHandshake: "Verifying connectivity...",
	verification.CheckTools:     "Comparing tools...",
	verification.CheckStability: "Checking stability...",
}
