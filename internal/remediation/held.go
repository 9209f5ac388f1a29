// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package remediation

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/diagnosis/words"
	"github.com/ry-ops/cortex/internal/workload"
)

// maxPods bounds the pods that an action names (PlannedAction.pods, maxItems).
const maxPods = 32

// rollsOut names with a change of the template the pods that would keep it from having an effect: they are not ready, and the
// controller of the workload does not replace them by itself.
//
// A StatefulSet that is updated in order waits for every pod to be ready before it replaces any, even where the new template is the
// cure ("forced rollback": https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#forced-rollback). With the update
// strategy OnDelete nothing is ever replaced. None of these pods serves, so no PodDisruptionBudget speaks of them.
func rollsOut(s *snapshot.Snapshot, action v1alpha1.PlannedAction) v1alpha1.PlannedAction {
	if !waitsForPods(s.Workload) {
		return action
	}
	pods := snapshot.Keep(s.LivePods(), outOfService)
	for i := range pods[:min(len(pods), maxPods)] {
		action.Pods = append(action.Pods, podReference(&pods[i]))
	}
	if n := len(action.Pods); n > 0 {
		action.Detail += fmt.Sprintf("; deleted %s that its rollout waits for", words.Count(n, "pod"))
	}
	return action
}

func waitsForPods(w *workload.Workload) bool {
	switch o := w.Object.(type) {
	case *appsv1.StatefulSet:
		return o.Spec.PodManagementPolicy != appsv1.ParallelPodManagement || o.Spec.UpdateStrategy.Type == appsv1.OnDeleteStatefulSetStrategyType
	case *appsv1.DaemonSet:
		return o.Spec.UpdateStrategy.Type == appsv1.OnDeleteDaemonSetStrategyType
	default:
		return false
	}
}
