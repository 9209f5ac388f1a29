// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

// maxRelapses is how often a fix may help and not last before it is not tried again.
const maxRelapses = 2

// InVain are the actions that must not be tried on the target's workload now: a server that cannot start would be restarted with
// every question, and each restart pushes the last good revision further out of its history. They are
//
//   - those of other requests that did not help, within the window, as long as nobody but Cortex has changed the workload since;
//   - those that helped twice against the same cause and did not last: it came back within the window, and again.
//
// What the asking request itself tried is known best to itself, and not in the list.
func (e Effective) InVain(now time.Time, target Target, cause v1alpha1.Cause, requests []v1alpha1.HealingRequest) []v1alpha1.ActionResult {
	if target.Workload.UID == "" {
		return nil
	}
	steps := slices.DeleteFunc(target.steps(requests), func(s step) bool { return s.Object.UID != target.Workload.UID })
	var tried []v1alpha1.ActionResult
	for _, s := range unchanged(target.Workload.Generation, steps) {
		if s.State == v1alpha1.ActionIneffective && within(now, s.at, e.Limits.Window) && s.request.UID != target.Request {
			tried = append(tried, s.ActionResult)
		}
	}
	for _, action := range v1alpha1.ActionTypes() {
		if relapses := e.relapses(now, target.Workload.UID, action, cause, steps); len(relapses) == maxRelapses {
			tried = append(tried, relapses[0].ActionResult)
		}
	}
	return tried
}

// unchanged are the newest steps, after which the workload was changed by no more than themselves. Each of them makes one new
// generation at most; a generation that none of them made is somebody else's.
func unchanged(generation int64, steps []step) []step {
	for i := len(steps) - 1; i >= 0; i-- {
		before := steps[i].Object.Generation
		if generation > before+made(steps[i].Type) {
			return steps[i+1:]
		}
		generation = before
	}
	return steps
}

// made is how many generations of the workload an action makes.
func made(action v1alpha1.ActionType) int64 {
	if ChangesTarget(action) && action != v1alpha1.ActionDeletePods {
		return 1
	}
	return 0
}

// relapses are the newest fixes of a type that helped a workload against a cause, newest first and two at most, each of which was
// needed again within the window: the newest now, the one before it when the newest was applied.
func (e Effective) relapses(now time.Time, workload types.UID, action v1alpha1.ActionType, cause v1alpha1.Cause, steps []step) []step {
	var relapses []step
	for _, s := range slices.Backward(steps) {
		if s.Type != action || s.Object.UID != workload || s.State != v1alpha1.ActionVerified || s.request.Status.Cause != cause || !ChangesTarget(action) {
			continue
		}
		if !within(now, s.at, e.Limits.Window) || len(relapses) == maxRelapses {
			break
		}
		relapses = append(relapses, s)
		now = s.at
	}
	return relapses
}
