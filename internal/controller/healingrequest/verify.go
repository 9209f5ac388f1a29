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
	if h.current().Type == v1alpha1.ActionHealDependency {
		if well, err := r.verifyDependency(ctx, h); !well || err != nil {
			return err
		}
	}
	effective, err := r.effective(ctx, h)
	if err != nil {
		return err
	}
	if found, err := r.findWorkload(ctx, h); !found || err != nil {
		return err
	}
	tools, err := r.expectedTools(ctx, h)
	if err != nil {
		return err
	}
	verified, err := r.Verifier.Verify(ctx, h.verificationTarget(effective.Timeouts.Stability, tools))
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
	case verified.Gone:
		h.recordVerification(verified.Verification, last)
		return r.workloadGone(ctx, h, last.Message)
	case verified.PathClosed && (verified.RecheckAfter == 0 || !now.Before(h.patience(last, effective.Timeouts))):
		h.recordVerification(verified.Verification, last)
		h.unverified(last)
	case !now.Before(h.request.Deadline()):
		h.recordVerification(verified.Verification, last)
		h.inVain()
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

// findWorkload finds the workload behind a Service that had led to none before it was patched, and reports whether there is one.
func (r *Reconciler) findWorkload(ctx context.Context, h *heal) (bool, error) {
	if h.status().WorkloadRef != nil {
		return true, nil
	}
	snapshot, err := r.Gatherer.Gather(ctx, h.request.Namespace, h.request.Spec.TargetRef, nil)
	if err != nil {
		return false, fmt.Errorf("looking for the workload behind %s: %w", h.request.Spec.TargetRef.Name, err)
	}
	if snapshot.Workload == nil {
		none := v1alpha1.CheckResult{Name: verification.CheckEndpoints, Verdict: v1alpha1.VerdictFailed, Message: "no workload is behind the Service still"}
		h.recordVerification(v1alpha1.Verification{Verdict: v1alpha1.VerdictFailed, Checks: []v1alpha1.CheckResult{none}}, none)
		h.ineffective(none)
		h.lookAgain()
		return false, nil
	}
	reference := snapshot.Workload.Reference()
	h.status().WorkloadRef = &reference
	return true, nil
}

// unverified ends a request whose change is there, where the operator has no way of its own to see whether the server answers. That
// is no success: the caller who asks again finds out.
func (h *heal) unverified(last v1alpha1.CheckResult) {
	fix := h.status().FixApplied
	if fix == "" {
		fix = h.current().Detail
	}
	h.complete(v1alpha1.ReasonUnverified, fmt.Sprintf("%s. Whether the server answers cannot be seen from here: %s. Call it again to find out", fix, last.Message))
}

// expectedTools are those that the request names, or those that the last heal of the Service was verified with.
func (r *Reconciler) expectedTools(ctx context.Context, h *heal) ([]string, error) {
	if len(h.request.Spec.ExpectedTools) > 0 {
		return h.request.Spec.ExpectedTools, nil
	}
	requests, err := r.requests(ctx, r.Client, h.request.Namespace)
	if err != nil {
		return nil, err
	}
	var last *v1alpha1.HealingRequest
	for i := range requests {
		other := &requests[i]
		known := other.Succeeded() && other.Status.CompletedAt != nil && other.Status.Verification != nil && len(other.Status.Verification.Tools) > 0
		if known && other.Status.ServiceRef != nil && other.Status.ServiceRef.UID == h.status().ServiceRef.UID &&
			(last == nil || last.Status.CompletedAt.Before(other.Status.CompletedAt)) {
			last = other
		}
	}
	if last == nil {
		return nil, nil
	}
	return last.Status.Verification.Tools, nil
}

func (h *heal) verificationTarget(stability time.Duration, tools []string) verification.Target {
	current := h.current()
	target := verification.Target{
		Namespace: h.request.Namespace,
		Service:   h.status().ServiceRef.Name,
		Now:       h.clock.Now(),
		Begun:     current.AppliedAt.Time,
		Stability: stability,

		ExpectedTools: tools,
	}
	target.Workload = *h.status().WorkloadRef
	if policy.ChangesTarget(current.Type) && current.Type != v1alpha1.ActionDeletePods && current.Object.UID == target.Workload.UID {
		target.Since = current.AppliedAt.Time
	}
	return target
}

// patience is when a check that has not passed yet counts as failed. The rollout's time comes first, where there is one:
// waiting rolls nothing out.
func (h *heal) patience(check v1alpha1.CheckResult, timeouts policy.Timeouts) time.Time {
	applied := h.current().AppliedAt.Time
	if h.effectSince.After(applied) {
		applied = h.effectSince
	}
	if check.Name == verification.CheckStability {
		applied = applied.Add(timeouts.Stability)
	}
	switch {
	case check.Name == verification.CheckRollout:
		return applied.Add(timeouts.Rollout)
	case !policy.ChangesTarget(h.current().Type):
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
	if h.dependency != nil {
		verified.Checks = append([]v1alpha1.CheckResult{*h.dependency}, verified.Checks...)
	}
	for i := range verified.Checks {
		verified.Checks[i].Message = foreign.Line(verified.Checks[i].Message, 512)
	}
	h.status().Verification = &verified
	reasons := map[string]string{
		verification.CheckDependency: v1alpha1.ReasonDependencyPending,
		verification.CheckRollout:    v1alpha1.ReasonRolloutPending,
		verification.CheckEndpoints:  v1alpha1.ReasonEndpointsNotUp,
		verification.CheckHandshake:  v1alpha1.ReasonHandshakeFailed,
		verification.CheckTools:      v1alpha1.ReasonToolsChanged,
		verification.CheckStability:  v1alpha1.ReasonNotStable,
	}
	status, reason := metav1.ConditionFalse, reasons[last.Name]
	if verified.Verdict == v1alpha1.VerdictPassed {
		status, reason = metav1.ConditionTrue, v1alpha1.ReasonHandshakePassed
	}
	h.set(v1alpha1.ConditionVerified, status, reason, last.Message)
}

// ineffective: the change is there and the target does not work.
func (h *heal) ineffective(check v1alpha1.CheckResult) {
	h.inVain()
	if policy.ChangesTarget(h.current().Type) {
		h.tell(reasonIneffective, fmt.Sprintf("%s, and it did not help: %s", h.current().Detail, check.Message))
	}
}

// inVain: the target does not work after the last action. A dependency that was healed is well all the same.
func (h *heal) inVain() {
	if h.dependency == nil || h.current().Type != v1alpha1.ActionHealDependency {
		h.current().State = v1alpha1.ActionIneffective
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
	verification.CheckDependency: "Checking the dependency...",
	verification.CheckRollout:    "Checking rollout...",
	verification.CheckEndpoints:  "Checking service endpoints...",
	verification.CheckHandshake:  "Verifying connectivity...",
	verification.CheckTools:      "Comparing tools...",
	verification.CheckStability:  "Checking stability...",
}
