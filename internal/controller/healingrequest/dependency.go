// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package healingrequest

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/dependency"
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
		h.dependencyFailed(v1alpha1.CheckResult{
			Name: verification.CheckDependency, Verdict: v1alpha1.VerdictFailed, Message: fmt.Sprintf("the request %s was deleted", name),
		})
		return false, nil
	}
	for _, line := range dependency.Relay(h.request, child) {
		h.say(line)
	}
	check := verification.DependencyCheck(child, h.request.Deadline())
	switch held := child.Held(); {
	case check.Verdict == v1alpha1.VerdictPassed:
		h.effectSince = child.Status.CompletedAt.Time
		return true, nil
	case held != nil:
		// Who waits for the parent must not wait for a person, or for the end of a storm, without a word.
		check.Message = fmt.Sprintf("request %s of dependency %s is held back: %s", child.Name, current.Object.Name, held.Message)
		h.dependencyFailed(check)
	case check.Verdict == v1alpha1.VerdictFailed:
		h.dependencyFailed(check)
	case !h.clock.Now().Before(h.request.Deadline()):
		current.State = v1alpha1.ActionIneffective
		h.expired()
	default:
		h.pause()
	}
	return false, nil
}

// lateCache is how long the cache may take to hear of a request that was just made.
const lateCache = 5 * time.Second

func (h *heal) dependencyFailed(check v1alpha1.CheckResult) {
	h.recordVerification(v1alpha1.Verification{Verdict: v1alpha1.VerdictFailed, Checks: []v1alpha1.CheckResult{check}}, check)
	h.current().State = v1alpha1.ActionIneffective
	h.say("It did not help: " + check.Message)
	h.lookAgain()
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
