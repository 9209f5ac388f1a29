// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package remediation

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

// planScale returns a workload to the count that it last had, or adds one replica to one that is overloaded. To add is a matter of
// cost too, so a person is asked.
func planScale(in Input) (v1alpha1.PlannedAction, bool) {
	workload := in.Snapshot.Workload
	if workload == nil || !workload.Scalable() {
		return v1alpha1.PlannedAction{}, false
	}
	action := v1alpha1.PlannedAction{Object: workload.Reference(), Risk: v1alpha1.RiskLow, Reversible: true}
	switch count := in.root().Replicas; {
	case in.Diagnosis.Cause == v1alpha1.CauseCPUOverload:
		action.Replicas, action.Permission = ptr.To(workload.Replicas+1), v1alpha1.PermissionApproval
		action.Reason = fmt.Sprintf("%s has used up its CPU with %d replicas", workload, workload.Replicas)
	case count > 0:
		action.Replicas = ptr.To(count)
		action.Reason = fmt.Sprintf("%s has no replicas; %d ran before", workload, count)
	default:
		return v1alpha1.PlannedAction{}, false
	}
	action.Detail = fmt.Sprintf("Scaled %s from %d to %d", lower(action.Object), workload.Replicas, *action.Replicas)
	action.Undo = fmt.Sprintf("kubectl scale %s -n %s --replicas=%d", slashed(action.Object), in.Snapshot.Namespace, workload.Replicas)
	return action, true
}

func scale(object client.Object, action v1alpha1.PlannedAction) error {
	if action.Replicas == nil {
		return unfit("a Scale without replicas")
	}
	switch o := object.(type) {
	case *appsv1.Deployment:
		o.Spec.Replicas = action.Replicas
	case *appsv1.StatefulSet:
		o.Spec.Replicas = action.Replicas
	default:
		return unfit("%s %s cannot be scaled", action.Object.Kind, action.Object.Name)
	}
	return nil
}
