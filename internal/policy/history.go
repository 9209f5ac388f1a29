// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"cmp"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

// Target is what limits are counted of: a Service and the workload behind it. Requests that name either of them count, so that a
// heal of the Deployment and one of its Service share one count, and so does a workload that was deleted and created anew.
type Target struct {
	// Request is the UID of the request that asks.
	Request types.UID
	// Service is its name.
	Service string
	// Workload is empty where it is not known.
	Workload v1alpha1.ObjectReference
}

// Block is why a request may not change anything now.
type Block struct {
	// Reason is one of ConditionPlanned.
	Reason string
	// Message says why, without a full stop at its end.
	Message string
	// Until is when it may, if nothing else happens. It is zero where no clock tells.
	Until time.Time
}

// ChangesTarget reports whether an action changes something of the target itself. To wait is no change, and what a dependency is
// healed by is counted there.
func ChangesTarget(action v1alpha1.ActionType) bool {
	return action != v1alpha1.ActionWait && action != v1alpha1.ActionHealDependency
}

// serviceOf is the name of the Service that a request is about. Before it is found out, the target's own name stands for it.
func serviceOf(request *v1alpha1.HealingRequest) string {
	if ref := request.Status.ServiceRef; ref != nil {
		return ref.Name
	}
	return request.Spec.TargetRef.Name
}

// workloadOf is the UID of the workload that a request is about, if that is known.
func workloadOf(request *v1alpha1.HealingRequest) types.UID {
	if ref := request.Status.WorkloadRef; ref != nil {
		return ref.UID
	}
	return ""
}

// concerns reports whether a request is about the target.
func (t Target) concerns(request *v1alpha1.HealingRequest) bool {
	if t.Service != "" && serviceOf(request) == t.Service {
		return true
	}
	if t.Workload.UID == "" {
		return false
	}
	return workloadOf(request) == t.Workload.UID || slices.ContainsFunc(request.Status.Actions, func(action v1alpha1.ActionResult) bool {
		return action.Object.UID == t.Workload.UID
	})
}

// step is an action that took place, and the request that it was of.
type step struct {
	v1alpha1.ActionResult
	request *v1alpha1.HealingRequest
	at      time.Time
}

// steps are the actions of the target that took place, oldest first.
func (t Target) steps(requests []v1alpha1.HealingRequest) []step {
	var steps []step
	for i := range requests {
		if !t.concerns(&requests[i]) {
			continue
		}
		for _, action := range requests[i].Status.Actions {
			if tookPlace(action) {
				steps = append(steps, step{action, &requests[i], action.AppliedAt.Time})
			}
		}
	}
	slices.SortStableFunc(steps, func(a, b step) int {
		return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.Object.Generation, b.Object.Generation), cmp.Compare(a.request.UID, b.request.UID))
	})
	return steps
}

// tookPlace reports whether the cluster showed the action: it was neither refused nor skipped.
func tookPlace(action v1alpha1.ActionResult) bool {
	switch action.State {
	case v1alpha1.ActionApplied, v1alpha1.ActionVerified, v1alpha1.ActionIneffective:
		return action.AppliedAt != nil
	default:
		return false
	}
}

// changed reports whether a request changed something of its target.
func changed(request *v1alpha1.HealingRequest) bool {
	return slices.ContainsFunc(request.Status.Actions, func(action v1alpha1.ActionResult) bool {
		return ChangesTarget(action.Type) && tookPlace(action)
	})
}

// reasonOf is how a request ended, or empty.
func reasonOf(request *v1alpha1.HealingRequest) string {
	if complete := meta.FindStatusCondition(request.Status.Conditions, v1alpha1.ConditionComplete); request.Done() && complete != nil {
		return complete.Reason
	}
	return ""
}

// within reports whether a moment lies in the window. It leaves the window when it is as old as the window is long.
func within(now, at time.Time, window time.Duration) bool { return now.Sub(at) < window }
