// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package remediation

import (
	"fmt"

	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/finding"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
)

// actedOn are causes whose finding suggests by hand what an action does with more care.
var actedOn = map[v1alpha1.Cause]bool{v1alpha1.CauseScaledToZero: true, v1alpha1.CauseOOMKilled: true, v1alpha1.CauseRolloutPaused: true}

// planPatch is the patch that the root finding suggests: exactly that one, and never without a person's approval. What another object
// needs, such as a client that asks for the wrong port, is only said: nobody has asked for that one to be changed.
func planPatch(in Input) (v1alpha1.PlannedAction, bool) {
	patch := in.root().Patch
	if patch == nil || actedOn[in.Diagnosis.Cause] || !isTarget(in.Snapshot, patch.Object) {
		return v1alpha1.PlannedAction{}, false
	}
	return v1alpha1.PlannedAction{
		Object: patch.Object, Patch: &patch.Patch, Permission: v1alpha1.PermissionApproval, Risk: v1alpha1.RiskMedium,
		Reason: in.root().Recommendation,
		Detail: fmt.Sprintf("Patched %s as suggested: %s", lower(patch.Object), patch.Shown),
	}, true
}

// isTarget reports whether an object is the Service or the workload that was looked at, and not one beside them.
func isTarget(s *snapshot.Snapshot, ref v1alpha1.ObjectReference) bool {
	is := func(other v1alpha1.ObjectReference) bool {
		return other.Kind == ref.Kind && other.Name == ref.Name && other.UID == ref.UID
	}
	return s.Service != nil && is(s.ServiceReference()) || s.Workload != nil && is(s.Workload.Reference())
}

// applyPatch applies the patch to the object as it is. One that the object refuses is an error of the plan, not of the cluster.
func applyPatch(object client.Object, action v1alpha1.PlannedAction) (client.Object, error) {
	if action.Patch == nil {
		return nil, unfit("a Patch without a patch")
	}
	var patched runtime.Object
	patched, err := finding.Patch{Object: action.Object, Patch: *action.Patch}.Apply(object)
	if err != nil {
		return nil, unfit("the suggested patch does not fit %s %s: %v", action.Object.Kind, action.Object.Name, err)
	}
	after, ok := patched.(client.Object)
	if !ok {
		return nil, unfit("%T is no object", patched)
	}
	return after, nil
}
