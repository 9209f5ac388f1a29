// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

// Package policy says what holds for one Service: its HealingPolicies made one, and the limits that follow from the
// HealingRequests that there are. It is pure: it does no I/O and keeps nothing.
package policy

import (
	"time"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

// Effective is what holds for one Service, with every field filled.
type Effective struct {
	// Names of the policies that were made one, in order; empty where only the defaults hold.
	Names []string
	// Mode of a heal.
	Mode v1alpha1.Mode
	// Permissions by type of action. Ask Permission, which knows what must never be automatic.
	Permissions map[v1alpha1.ActionType]v1alpha1.Permission
	// GitOps and PausedRollouts as in the API.
	GitOps, PausedRollouts v1alpha1.Permission
	Limits                 Limits
	Timeouts               Timeouts
	Retention              Retention
	MemoryRaise            MemoryRaise
}

// Limits as in the API.
type Limits struct {
	MaxAttempts                     int
	Window                          time.Duration
	CooldownBase, CooldownMax       time.Duration
	MaxConcurrentPerNamespace       int
	MaxConcurrent                   int
	UnhealthyPercent, ResumePercent int
	MinUnhealthy                    int
}

// Timeouts as in the API.
type Timeouts struct{ Total, Rollout, Connectivity, Stability, Approval time.Duration }

// Retention as in the API.
type Retention struct {
	MaxAge      time.Duration
	MaxRequests int
}

// MemoryRaise as in the API.
type MemoryRaise struct {
	StepPercent int
	Max         resource.Quantity
}

// Default is what holds with no policy at all.
func Default() Effective {
	return Effective{
		Mode: v1alpha1.ModeAuto,
		Permissions: map[v1alpha1.ActionType]v1alpha1.Permission{
			v1alpha1.ActionScale:            v1alpha1.PermissionAuto,
			v1alpha1.ActionRestart:          v1alpha1.PermissionAuto,
			v1alpha1.ActionWait:             v1alpha1.PermissionAuto,
			v1alpha1.ActionDeletePods:       v1alpha1.PermissionAuto,
			v1alpha1.ActionHealDependency:   v1alpha1.PermissionAuto,
			v1alpha1.ActionRollback:         v1alpha1.PermissionApproval,
			v1alpha1.ActionResume:           v1alpha1.PermissionApproval,
			v1alpha1.ActionRaiseMemoryLimit: v1alpha1.PermissionApproval,
			v1alpha1.ActionPatch:            v1alpha1.PermissionApproval,
		},
		GitOps:         v1alpha1.PermissionApproval,
		PausedRollouts: v1alpha1.PermissionApproval,
		Limits: Limits{
			MaxAttempts: 3, Window: time.Hour, CooldownBase: 30 * time.Second, CooldownMax: 15 * time.Minute,
			MaxConcurrentPerNamespace: 4, MaxConcurrent: 16, UnhealthyPercent: 50, ResumePercent: 25, MinUnhealthy: 5,
		},
		// The spec's ("Timeouts").
		Timeouts: Timeouts{
			Total: v1alpha1.DefaultTimeout, Rollout: 60 * time.Second, Connectivity: 30 * time.Second, Approval: 30 * time.Minute,
		},
		Retention:   Retention{MaxAge: 7 * 24 * time.Hour, MaxRequests: 50},
		MemoryRaise: MemoryRaise{StepPercent: 50, Max: resource.MustParse("4Gi")},
	}
}

// Permission is what may be done with an action. A patch is never automatic, whatever a policy says.
func (e Effective) Permission(action v1alpha1.ActionType) v1alpha1.Permission {
	permission, known := e.Permissions[action]
	if !known {
		return v1alpha1.PermissionNever
	}
	if action == v1alpha1.ActionPatch && permission == v1alpha1.PermissionAuto {
		return v1alpha1.PermissionApproval
	}
	return permission
}
