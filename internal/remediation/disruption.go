// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package remediation

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/words"
	"github.com/ry-ops/cortex/internal/workload"
)

// budgeted is about a PodDisruptionBudget. A rollout does not ask it: "workload resources (such as Deployment and StatefulSet)
// are not limited by PDBs when doing rolling upgrades" (https://kubernetes.io/docs/concepts/workloads/pods/disruptions/). So
// where the strategy takes every pod at once, and a budget would not let the ready ones of them go, a person is asked.
func budgeted(s subject) ruling {
	of := s.in.Snapshot
	if s.workload == nil || s.workload != of.Workload || !s.changes(templateField) || !takesAll(s.workload) {
		return ruling{}
	}
	ready := of.ReadyPods()
	for _, budget := range of.Budgets() {
		if allowed := disruptions(&budget); allowed < ready {
			return ruling{atLeast: v1alpha1.PermissionApproval, said: fmt.Sprintf("the rollout takes all pods of %s at once, and PodDisruptionBudget %s lets %d of %s go",
				s.workload, budget.Name, allowed, words.Count(ready, "ready pod"))}
		}
	}
	return ruling{}
}

// disruptions is how many pods a budget lets go now. One that its controller has not looked at lets none go, as the API server
// has it too (pkg/registry/core/pod/storage/eviction.go).
func disruptions(budget *policyv1.PodDisruptionBudget) int {
	if budget.Status.ObservedGeneration < budget.Generation {
		return 0
	}
	return int(budget.Status.DisruptionsAllowed)
}

// takesAll reports whether a rollout of a workload stops every pod before another has begun. With OnDelete it stops none.
func takesAll(w *workload.Workload) bool {
	count := int(w.Replicas)
	switch o := w.Object.(type) {
	case *appsv1.Deployment:
		if o.Spec.Strategy.Type == appsv1.RecreateDeploymentStrategyType {
			return true
		}
		rolling := ptr.Deref(o.Spec.Strategy.RollingUpdate, appsv1.RollingUpdateDeployment{})
		surge, unavailable := scaledBy(rolling.MaxSurge, "25%", count, true), scaledBy(rolling.MaxUnavailable, "25%", count, false)
		if surge == 0 { // then at least one is taken (deployment/util, ResolveFenceposts)
			unavailable = max(unavailable, 1)
		}
		return unavailable >= count
	case *appsv1.StatefulSet:
		rolling := ptr.Deref(o.Spec.UpdateStrategy.RollingUpdate, appsv1.RollingUpdateStatefulSetStrategy{})
		return o.Spec.UpdateStrategy.Type != appsv1.OnDeleteStatefulSetStrategyType && max(scaledBy(rolling.MaxUnavailable, "1", count, true), 1) >= count
	case *appsv1.DaemonSet:
		rolling := ptr.Deref(o.Spec.UpdateStrategy.RollingUpdate, appsv1.RollingUpdateDaemonSet{})
		return o.Spec.UpdateStrategy.Type != appsv1.OnDeleteDaemonSetStrategyType && scaledBy(rolling.MaxUnavailable, "1", count, true) >= count
	default:
		return false
	}
}

// scaledBy is a number or a share of a count. A value that cannot be read takes everything.
func scaledBy(value *intstr.IntOrString, unset string, count int, up bool) int {
	scaled, err := intstr.GetScaledValueFromIntOrPercent(ptr.To(ptr.Deref(value, intstr.Parse(unset))), count, up)
	if err != nil {
		return count
	}
	return scaled
}
