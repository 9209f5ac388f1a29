// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package remediation

import "github.com/ry-ops/cortex/api/v1alpha1"

// planWait gives the pods time.
func planWait(in Input) (v1alpha1.PlannedAction, bool) {
	if in.Snapshot.Workload == nil {
		return v1alpha1.PlannedAction{}, false
	}
	return v1alpha1.PlannedAction{
		Object: in.Snapshot.Workload.Reference(), Risk: v1alpha1.RiskNone, Reversible: true,
		Reason: "the pods may become ready by themselves", Detail: "Waited for the pods to become ready",
	}, true
}
