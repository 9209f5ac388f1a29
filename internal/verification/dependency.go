// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package verification

import (
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

// CheckDependency is made before all others where a dependency is being healed first.
const CheckDependency = "Dependency"

// DependencyCheck tells how the heal of a dependency goes, for the request that waits for it until a deadline. The child is nil
// if it was deleted.
func DependencyCheck(child *v1alpha1.HealingRequest, deadline time.Time) v1alpha1.CheckResult {
	if child == nil {
		return failed(CheckDependency, "the HealingRequest of the dependency was deleted")
	}
	service := child.Spec.TargetRef.Name
	told := func(condition string) string {
		if found := meta.FindStatusCondition(child.Status.Conditions, condition); found != nil {
			return found.Message
		}
		return ""
	}
	switch phase := child.DerivePhase(); {
	case phase == v1alpha1.PhaseSucceeded && child.Status.FixApplied != "":
		return passed(CheckDependency, fmt.Sprintf("Service %s was healed: %s", service, child.Status.FixApplied))
	case phase == v1alpha1.PhaseSucceeded:
		return passed(CheckDependency, fmt.Sprintf("Service %s works: %s", service, told(v1alpha1.ConditionComplete)))
	case phase == v1alpha1.PhaseFailed:
		return failed(CheckDependency, fmt.Sprintf("Service %s was not healed: %s", service, told(v1alpha1.ConditionComplete)))
	case phase == v1alpha1.PhaseBlocked && child.Status.BlockedUntil != nil && !child.Status.BlockedUntil.Time.Before(deadline):
		return failed(CheckDependency, fmt.Sprintf("Service %s is not healed before %s, which is too late: %s",
			service, child.Status.BlockedUntil.UTC().Format(time.TimeOnly), told(v1alpha1.ConditionPlanned)))
	case phase == v1alpha1.PhaseBlocked:
		return pending(CheckDependency, fmt.Sprintf("HealingRequest %s is held back: %s", child.Name, told(v1alpha1.ConditionPlanned)))
	case phase == v1alpha1.PhaseAwaitingApproval:
		return pending(CheckDependency, fmt.Sprintf("HealingRequest %s waits for a person: kubectl cortex approve %s -n %s", child.Name, child.Name, child.Namespace))
	case len(child.Status.Progress) == 0:
		return pending(CheckDependency, fmt.Sprintf("HealingRequest %s is %s", child.Name, phase))
	default:
		last := child.Status.Progress[len(child.Status.Progress)-1]
		return pending(CheckDependency, fmt.Sprintf("HealingRequest %s is %s: %s", child.Name, phase, last.Message))
	}
}
