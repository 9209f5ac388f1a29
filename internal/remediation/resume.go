// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package remediation

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

// planResume lets a paused rollout go on. Only a Deployment can be paused.
func planResume(in Input) (v1alpha1.PlannedAction, bool) {
	workload := in.Snapshot.Workload
	if workload == nil {
		return v1alpha1.PlannedAction{}, false
	}
	deployment, ok := workload.Object.(*appsv1.Deployment)
	if !ok || !deployment.Spec.Paused {
		return v1alpha1.PlannedAction{}, false
	}
	object := workload.Reference()
	return v1alpha1.PlannedAction{
		Object: object, Risk: v1alpha1.RiskMedium, Reversible: true,
		Reason: fmt.Sprintf("the rollout of %s is paused, and its newest template is not rolled out", workload),
		Detail: "Resumed the rollout of " + lower(object),
		Undo:   fmt.Sprintf("kubectl rollout pause %s -n %s", slashed(object), in.Snapshot.Namespace),
	}, true
}

func resume(object client.Object, action v1alpha1.PlannedAction) error {
	deployment, ok := object.(*appsv1.Deployment)
	if !ok {
		return unfit("a %s cannot be resumed", action.Object.Kind)
	}
	deployment.Spec.Paused = false
	return nil
}
