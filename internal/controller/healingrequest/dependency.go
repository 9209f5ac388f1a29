// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package healingrequest

import (
	"context"
	"fmt"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/dependency"
	"github.com/ry-ops/cortex/internal/foreign"
	"github.com/ry-ops/cortex/internal/verification"
)

// verifyDependency follows the request that heals a dependency, and reports whether it is over and well, so that the target itself
// can be verified. Each step of the child becomes one of the parent, for those who wait for it.
func (r *Reconciler) verifyDependency(ctx context.Context, h *heal) (bool, error) {
	current := h.current()
	child := &v1alpha1.HealingRequest{}
	name := dependency.Name(h.request.UID, len(h.status().Actions)-1, current.Object.Name)
	err := r.Get(ctx, types.NamespacedName{Namespace: h.request.Namespace, Name: name}, child)
	if client.IgnoreNotFound(err) != nil {
		return false, fmt.Errorf("reading the request of dependency %s: %w", current.Object.Name, err)
	}
	if err != nil {
		if h.clock.Since(current.AppliedAt.Time) < lateCache { // the cache has not heard of it yet, or it was deleted
			h.wake = h.clock.Now().Add(time.Second)
			h.pause()
			return false, nil
		}
		return false, r.dependencyNotHealed(ctx, h, v1alpha1.ActionIneffective, nil, verification.DependencyCheck(nil, h.request.Deadline()))
	}
	for _, line := range dependency.Relay(h.request, child) {
		h.say(line)
	}
	check := verification.DependencyCheck(child, h.request.Deadline())
	if check.Verdict == v1alpha1.VerdictUnknown && blockedBy(child) == v1alpha1.ReasonAnotherRequestActive {
		if check, err = r.waitsForItself(ctx, h, child, check); err != nil {
			return false, err
		}
	}
	switch {
	case check.Verdict == v1alpha1.VerdictPassed:
		h.dependencyHealed(child, check)
		return true, nil
	case child.Held() != nil:
		// Who waits for the parent must not wait for a person, or for the end of a storm, without a word. What was not tried may be
		// tried the next time.
		return false, r.dependencyNotHealed(ctx, h, v1alpha1.ActionSkipped, child, check)
	case check.Verdict == v1alpha1.VerdictFailed:
		return false, r.dependencyNotHealed(ctx, h, v1alpha1.ActionIneffective, child, check)
	case !h.clock.Now().Before(h.request.Deadline()):
		current.State = v1alpha1.ActionIneffective
		h.recordVerification(v1alpha1.Verification{Verdict: check.Verdict, Checks: []v1alpha1.CheckResult{check}}, check)
		h.advise(check.Message)
		h.expired()
	default:
		h.pause()
	}
	return false, nil
}

// lateCache is how long the cache may take to hear of a request that was just made.
const lateCache = 5 * time.Second

// waitsForItself fails the check of a child that waits for others, if these wait for this request in the end. When it was made that
// could not be seen: the other chain was made at the same moment, or two Services turn out to lead to one workload.
func (r *Reconciler) waitsForItself(ctx context.Context, h *heal, child *v1alpha1.HealingRequest, check v1alpha1.CheckResult) (v1alpha1.CheckResult, error) {
	requests, err := r.requests(ctx, r.Client, h.request.Namespace)
	if err != nil {
		return check, err
	}
	if cycle := dependency.Cycle(h.request, dependency.ServiceOf(child), requests); cycle != nil {
		check.Verdict, check.Message = v1alpha1.VerdictFailed, dependency.CycleMessage(cycle)
	}
	return check, nil
}

// dependencyHealed takes note, once, that the dependency works: from now on it is the target that has to. What was changed for it
// is part of the fix.
func (h *heal) dependencyHealed(child *v1alpha1.HealingRequest, check v1alpha1.CheckResult) {
	h.effectSince, h.dependency = child.Status.CompletedAt.Time, &check
	if h.current().State == v1alpha1.ActionVerified {
		return
	}
	h.current().State = v1alpha1.ActionVerified
	if fix := child.Status.FixApplied; fix != "" {
		h.addFix(h.current().Object.Name + ": " + fix)
	}
	h.say(fmt.Sprintf("Waiting for %s to become ready...", h.request.Spec.TargetRef.Name))
}

// dependencyNotHealed ends the request, unless the target works all the same: as long as it lacks what it needs, nothing else helps.
// What a person has to do is what the heal of the dependency has found.
func (r *Reconciler) dependencyNotHealed(ctx context.Context, h *heal, state v1alpha1.ActionState, child *v1alpha1.HealingRequest, check v1alpha1.CheckResult) error {
	h.current().State = state
	if works, err := r.worksAgain(ctx, h); works || err != nil {
		return err
	}
	check.Verdict = v1alpha1.VerdictFailed
	h.recordVerification(v1alpha1.Verification{Verdict: check.Verdict, Checks: []v1alpha1.CheckResult{check}}, check)
	switch {
	case child != nil && child.Status.Recommendation != "" && child.Done():
		h.status().Recommendation, h.status().SuggestedPatch = child.Status.Recommendation, child.Status.SuggestedPatch
	default:
		h.advise(check.Message)
	}
	h.handOver(check.Message)
	return nil
}

// dependencyRefused ends the request: the dependency can never be healed first, or not in time.
func (h *heal) dependencyRefused(why string) {
	h.set(v1alpha1.ConditionPlanned, metav1.ConditionFalse, v1alpha1.ReasonNoSafeAction, why)
	h.advise(why)
	h.handOver(why)
}

// handOver asks a person for what keeps the dependency from being healed.
func (h *heal) handOver(why string) {
	why = strings.TrimRight(strings.ReplaceAll(why, unable, ""), ". ") // once is enough for a chain
	if h.status().FixApplied == "" {
		h.complete(v1alpha1.ReasonManualFixNeeded, fmt.Sprintf("%s%s. %s", unable, why, h.status().Diagnosis))
		return
	}
	h.complete(v1alpha1.ReasonFixIneffective, fmt.Sprintf("%s, and it did not help: %s. %s", h.status().FixApplied, why, h.status().Diagnosis))
}

// advise puts a word before what the diagnosis recommends.
func (h *heal) advise(word string) {
	h.status().Recommendation = foreign.Line(strings.TrimRight(word, ". ")+". "+h.status().Recommendation, 2048)
}

// heed looks what became of the request that this one is a step of. If a person has stopped or deleted it, this one is stopped too. If
// its time was up, nobody waits any longer for what this one waits for itself, unless a person has approved it.
func (r *Reconciler) heed(ctx context.Context, h *heal) error {
	for _, owner := range h.request.OwnerReferences {
		if owner.UID != dependency.ParentOf(h.request) {
			continue
		}
		var waiting v1alpha1.HealingRequest
		err := r.Get(ctx, types.NamespacedName{Namespace: h.request.Namespace, Name: owner.Name}, &waiting)
		if client.IgnoreNotFound(err) != nil {
			return fmt.Errorf("reading HealingRequest %s: %w", owner.Name, err)
		}
		h.stopped = waiting.UID != owner.UID || stoppedByPerson(&waiting) // one that is gone has no UID
		waits := h.phase() == v1alpha1.PhaseBlocked || h.phase() == v1alpha1.PhaseAwaitingApproval
		if waits && outOfTime(&waiting) && h.request.Spec.Approval != v1alpha1.ApprovalApproved {
			h.leftBy = waiting.Name
		}
	}
	return nil
}

func stoppedByPerson(request *v1alpha1.HealingRequest) bool {
	return request.Spec.Approval == v1alpha1.ApprovalDenied || completeReason(request) == v1alpha1.ReasonCanceled
}

func outOfTime(request *v1alpha1.HealingRequest) bool {
	return completeReason(request) == v1alpha1.ReasonDeadlineExceeded
}

// steps enqueues the requests that are steps of one which a person has stopped, or whose time is up.
func (r *Reconciler) steps(ctx context.Context, obj client.Object) []reconcile.Request {
	request, ok := obj.(*v1alpha1.HealingRequest)
	if !ok || !stoppedByPerson(request) && !outOfTime(request) {
		return nil
	}
	requests, err := r.requests(ctx, r.Client, request.Namespace)
	if err != nil {
		ctrl.LoggerFrom(ctx).Error(err, "Finding the steps of a request that was stopped")
		return nil
	}
	var found []reconcile.Request
	for i := range requests {
		if dependency.IsChild(&requests[i], request) && !requests[i].Done() {
			found = append(found, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(&requests[i])})
		}
	}
	return found
}

// parent enqueues the request that waits for one that heals a dependency.
func parent(_ context.Context, obj client.Object) []reconcile.Request {
	request, ok := obj.(*v1alpha1.HealingRequest)
	if !ok || dependency.ParentOf(request) == "" {
		return nil
	}
	var waiting []reconcile.Request
	for _, owner := range request.GetOwnerReferences() {
		if owner.Kind == kindOf && owner.APIVersion == v1alpha1.GroupVersion.String() {
			waiting = append(waiting, reconcile.Request{NamespacedName: types.NamespacedName{Namespace: request.Namespace, Name: owner.Name}})
		}
	}
	return waiting
}

const kindOf = "HealingRequest"
