// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"cmp"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

// specs are policies whose nested parts are all there.
type specs []v1alpha1.HealingPolicySpec

// whole fills in the nested parts that a policy leaves out, so that a field is asked for without asking for its parents first.
func whole(spec v1alpha1.HealingPolicySpec) v1alpha1.HealingPolicySpec {
	limits := *cmp.Or(spec.Limits, &v1alpha1.Limits{})
	limits.Cooldown = cmp.Or(limits.Cooldown, &v1alpha1.Cooldown{})
	limits.StormBrake = cmp.Or(limits.StormBrake, &v1alpha1.StormBrake{})
	spec.Limits = &limits
	spec.Timeouts = cmp.Or(spec.Timeouts, &v1alpha1.Timeouts{})
	spec.Retention = cmp.Or(spec.Retention, &v1alpha1.Retention{})
	spec.MemoryRaise = cmp.Or(spec.MemoryRaise, &v1alpha1.MemoryRaise{})
	return spec
}

// merge is the table of what stricter means. Each field stands for itself, so neither the order of the policies nor how they are
// grouped matters.
func merge(all specs) Effective {
	e := Default()
	type spec = v1alpha1.HealingPolicySpec

	// A heal that changes nothing is stricter than one that a person may let through.
	e.Mode = strictest(all, e.Mode, stricterMode, func(s *spec) *v1alpha1.Mode { return set(s.Mode) })
	for action, permission := range e.Permissions {
		e.Permissions[action] = strictest(all, permission, stricterPermission, func(s *spec) *v1alpha1.Permission { return permissionOf(s, action) })
	}
	e.GitOps = strictest(all, e.GitOps, stricterPermission, func(s *spec) *v1alpha1.Permission { return set(s.GitOps) })
	e.PausedRollouts = strictest(all, e.PausedRollouts, stricterPermission, func(s *spec) *v1alpha1.Permission { return set(s.PausedRollouts) })

	// Fewer changes, counted over a longer time, with longer pauses between them.
	all.least(&e.Limits.MaxAttempts, func(s *spec) *int32 { return s.Limits.MaxAttempts })
	all.longest(&e.Limits.Window, func(s *spec) *metav1.Duration { return s.Limits.Window })
	all.longest(&e.Limits.CooldownMax, func(s *spec) *metav1.Duration { return s.Limits.Cooldown.Max })
	// A first pause that somebody asks for is not cut short by a bound that is meant for others. The default one is.
	e.Limits.CooldownBase = min(e.Limits.CooldownBase, e.Limits.CooldownMax)
	all.longest(&e.Limits.CooldownBase, func(s *spec) *metav1.Duration { return s.Limits.Cooldown.Base })
	e.Limits.CooldownMax = max(e.Limits.CooldownMax, e.Limits.CooldownBase)
	all.least(&e.Limits.MaxConcurrentPerNamespace, func(s *spec) *int32 { return s.Limits.MaxConcurrentPerNamespace })
	all.least(&e.Limits.MaxConcurrent, func(s *spec) *int32 { return s.Limits.MaxConcurrent })

	// A brake that takes hold earlier and lets go later. It never lets go above the share at which it takes hold.
	all.least(&e.Limits.UnhealthyPercent, func(s *spec) *int32 { return s.Limits.StormBrake.UnhealthyPercent })
	e.Limits.ResumePercent = e.Limits.UnhealthyPercent / 2
	all.least(&e.Limits.ResumePercent, func(s *spec) *int32 { return s.Limits.StormBrake.ResumePercent })
	e.Limits.ResumePercent = min(e.Limits.ResumePercent, e.Limits.UnhealthyPercent)
	all.least(&e.Limits.MinUnhealthy, func(s *spec) *int32 { return s.Limits.StormBrake.MinUnhealthy })

	// Less time to wait, and more to prove that it lasts.
	all.shortest(&e.Timeouts.Total, func(s *spec) *metav1.Duration { return s.Timeouts.Total })
	all.shortest(&e.Timeouts.Rollout, func(s *spec) *metav1.Duration { return s.Timeouts.Rollout })
	all.shortest(&e.Timeouts.Connectivity, func(s *spec) *metav1.Duration { return s.Timeouts.Connectivity })
	all.longest(&e.Timeouts.Stability, func(s *spec) *metav1.Duration { return s.Timeouts.Stability })
	all.shortest(&e.Timeouts.Approval, func(s *spec) *metav1.Duration { return s.Timeouts.Approval })

	// More evidence.
	all.longest(&e.Retention.MaxAge, func(s *spec) *metav1.Duration { return s.Retention.MaxAge })
	all.most(&e.Retention.MaxRequests, func(s *spec) *int32 { return s.Retention.MaxRequests })

	all.least(&e.MemoryRaise.StepPercent, func(s *spec) *int32 { return s.MemoryRaise.StepPercent })
	e.MemoryRaise.Max = strictest(all, e.MemoryRaise.Max, lower, func(s *spec) *resource.Quantity { return s.MemoryRaise.Max })
	return e
}

// strictest is the strictest value that is set, or the default where none is.
func strictest[T any](all specs, byDefault T, stricter func(a, b T) T, field func(*v1alpha1.HealingPolicySpec) *T) T {
	var held *T
	for i := range all {
		value := field(&all[i])
		if value != nil {
			held = new(stricter(*cmp.Or(held, value), *value))
		}
	}
	if held == nil {
		return byDefault
	}
	return *held
}

func (all specs) least(into *int, field func(*v1alpha1.HealingPolicySpec) *int32) {
	*into = int(strictest(all, int32(*into), func(a, b int32) int32 { return min(a, b) }, field)) //nolint:gosec // it is a default of ours
}

func (all specs) most(into *int, field func(*v1alpha1.HealingPolicySpec) *int32) {
	*into = int(strictest(all, int32(*into), func(a, b int32) int32 { return max(a, b) }, field)) //nolint:gosec // it is a default of ours
}

func (all specs) shortest(into *time.Duration, field func(*v1alpha1.HealingPolicySpec) *metav1.Duration) {
	shorter := func(a, b metav1.Duration) metav1.Duration {
		return metav1.Duration{Duration: min(a.Duration, b.Duration)}
	}
	*into = strictest(all, metav1.Duration{Duration: *into}, shorter, field).Duration
}

func (all specs) longest(into *time.Duration, field func(*v1alpha1.HealingPolicySpec) *metav1.Duration) {
	longer := func(a, b metav1.Duration) metav1.Duration {
		return metav1.Duration{Duration: max(a.Duration, b.Duration)}
	}
	*into = strictest(all, metav1.Duration{Duration: *into}, longer, field).Duration
}

// Loosest first. A word that is not here is stricter than all: it may be one of a later version.
var (
	permissions = []v1alpha1.Permission{v1alpha1.PermissionAuto, v1alpha1.PermissionApproval, v1alpha1.PermissionNever}
	modes       = []v1alpha1.Mode{v1alpha1.ModeAuto, v1alpha1.ModeApproval, v1alpha1.ModeDryRun}
)

func stricterPermission(a, b v1alpha1.Permission) v1alpha1.Permission {
	return later(permissions, a, b)
}

func stricterMode(a, b v1alpha1.Mode) v1alpha1.Mode { return later(modes, a, b) }

// later is the one of two words that comes later in the order, the last where one of them is not in it.
func later[T comparable](order []T, a, b T) T {
	i, j := slices.Index(order, a), slices.Index(order, b)
	if i < 0 || j < 0 {
		return order[len(order)-1]
	}
	return order[max(i, j)]
}

func lower(a, b resource.Quantity) resource.Quantity {
	if a.Cmp(b) <= 0 {
		return a
	}
	return b
}

// set is a word that a policy sets, or nil.
func set[T ~string](word T) *T {
	if word == "" {
		return nil
	}
	return &word
}

func permissionOf(spec *v1alpha1.HealingPolicySpec, action v1alpha1.ActionType) *v1alpha1.Permission {
	for i := range spec.Actions {
		if spec.Actions[i].Type == action {
			return &spec.Actions[i].Permission
		}
	}
	return nil
}
