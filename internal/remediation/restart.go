// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package remediation

import (
	"fmt"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

// planRestart replaces every pod, unless new ones would not come further.
func planRestart(in Input) (v1alpha1.PlannedAction, bool) {
	workload := in.Snapshot.Workload
	if workload == nil || in.root().Stuck {
		return v1alpha1.PlannedAction{}, false
	}
	object := workload.Reference()
	return rollsOut(in.Snapshot, v1alpha1.PlannedAction{
		Object: object, Risk: v1alpha1.RiskLow,
		Reason: fmt.Sprintf("new pods of %s start from a clean state", workload),
		Detail: "Restarted " + lower(object),
	}), true
}

// restart does what `kubectl rollout restart` does.
func (a *Applier) restart(object client.Object, action v1alpha1.PlannedAction) error {
	template := templateOf(object)
	if template == nil {
		return unfit("%s %s cannot be restarted", action.Object.Kind, action.Object.Name)
	}
	if template.Annotations == nil {
		template.Annotations = map[string]string{}
	}
	template.Annotations[v1alpha1.AnnotationRestartedAt] = a.Clock.Now().UTC().Format(time.RFC3339Nano)
	return nil
}
