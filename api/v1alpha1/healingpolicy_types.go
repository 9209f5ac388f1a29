// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Permission says whether an action may be taken.
// +kubebuilder:validation:Enum=Auto;Approval;Never
type Permission string

// The permissions, loosest first.
const (
	// PermissionAuto takes the action without asking.
	PermissionAuto Permission = "Auto"
	// PermissionApproval takes it once a person has approved it.
	PermissionApproval Permission = "Approval"
	// PermissionNever leaves it out of every plan.
	PermissionNever Permission = "Never"
)

// ActionPermission says whether one type of action may be taken.
type ActionPermission struct {
	// type of the action. One that does not exist is refused: a typing error must not leave allowed what was to be forbidden.
	// +kubebuilder:validation:Enum=Scale;Restart;Wait;Rollback;Resume;RaiseMemoryLimit;DeletePods;Patch;HealDependency
	// +required
	Type ActionType `json:"type"`

	// permission for it. A Patch is never automatic: Auto means Approval there.
	// +required
	Permission Permission `json:"permission"`
}

// Cooldown is the pause after a heal that failed. It doubles with each failure in a row, and starts anew after a success.
type Cooldown struct {
	// base is the pause after the first failure, from 0s to 24h. Default: 30s.
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+(\\\\.[0-9]+)?(ms|s|m|h))+$') && duration(self) >= duration('0s') && duration(self) <= duration('24h')",message="cooldown.base must be a duration from 0s to 24h, for example 30s"
	// +optional
	Base *metav1.Duration `json:"base,omitempty"`

	// max bounds the pause, from 0s to 24h. Default: 15m.
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+(\\\\.[0-9]+)?(ms|s|m|h))+$') && duration(self) >= duration('0s') && duration(self) <= duration('24h')",message="cooldown.max must be a duration from 0s to 24h, for example 15m"
	// +optional
	Max *metav1.Duration `json:"max,omitempty"`
}

// StormBrake halts the heals of a namespace while much of it is unhealthy at once: that is the work of a common cause, which a
// change of each service does not mend.
// +kubebuilder:validation:XValidation:rule="!has(self.resumePercent) || !has(self.unhealthyPercent) || self.resumePercent <= self.unhealthyPercent",message="stormBrake.resumePercent must not be above stormBrake.unhealthyPercent"
type StormBrake struct {
	// unhealthyPercent of the opted-in Services of the namespace above which heals halt; 100 never halts. Default: 50.
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100
	// +optional
	UnhealthyPercent *int32 `json:"unhealthyPercent,omitempty"`

	// resumePercent is the share at or below which halted heals go on. Default: half of unhealthyPercent.
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100
	// +optional
	ResumePercent *int32 `json:"resumePercent,omitempty"`

	// minUnhealthy is the number of unhealthy Services below which nothing is a storm, whatever the share. Default: 5.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=10000
	// +optional
	MinUnhealthy *int32 `json:"minUnhealthy,omitempty"`
}

// Limits bound how much is changed. They are computed from the HealingRequests in the API server, so they outlive the operator.
type Limits struct {
	// maxAttempts is how many changes one target sees within the window before a person is asked. Default: 3.
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100
	// +optional
	MaxAttempts *int32 `json:"maxAttempts,omitempty"`

	// window over which changes are counted, from 1m to 168h. Default: 1h. A fix that was verified and needed again within the
	// window counts as one that did not last.
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+(\\\\.[0-9]+)?(ms|s|m|h))+$') && duration(self) >= duration('1m') && duration(self) <= duration('168h')",message="limits.window must be a duration from 1m to 168h, for example 1h"
	// +optional
	Window *metav1.Duration `json:"window,omitempty"`

	// cooldown after a heal that failed.
	// +optional
	Cooldown *Cooldown `json:"cooldown,omitempty"`

	// maxConcurrentPerNamespace is how many heals may change something at once in this namespace. Default: 4.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000
	// +optional
	MaxConcurrentPerNamespace *int32 `json:"maxConcurrentPerNamespace,omitempty"`

	// maxConcurrent is how many heals may change something at once in all namespaces before one of this namespace has to
	// wait. Default: 16.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000
	// +optional
	MaxConcurrent *int32 `json:"maxConcurrent,omitempty"`

	// stormBrake halts heals while much of the namespace is unhealthy at once.
	// +optional
	StormBrake *StormBrake `json:"stormBrake,omitempty"`
}

// Timeouts of a heal. Each that is left out has the default that its field names.
type Timeouts struct {
	// total bounds the whole heal, from 10s to 30m. Default: 120s. A request that names a shorter timeout gets that.
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+(\\\\.[0-9]+)?(ms|s|m|h))+$') && duration(self) >= duration('10s') && duration(self) <= duration('30m')",message="timeouts.total must be a duration from 10s to 30m, for example 120s"
	// +optional
	Total *metav1.Duration `json:"total,omitempty"`

	// rollout bounds the wait for new pods, from 1s to 30m. Default: 60s.
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+(\\\\.[0-9]+)?(ms|s|m|h))+$') && duration(self) >= duration('1s') && duration(self) <= duration('30m')",message="timeouts.rollout must be a duration from 1s to 30m, for example 60s"
	// +optional
	Rollout *metav1.Duration `json:"rollout,omitempty"`

	// connectivity bounds the wait for endpoints and an MCP handshake after the rollout, from 1s to 30m. Default: 30s.
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+(\\\\.[0-9]+)?(ms|s|m|h))+$') && duration(self) >= duration('1s') && duration(self) <= duration('30m')",message="timeouts.connectivity must be a duration from 1s to 30m, for example 30s"
	// +optional
	Connectivity *metav1.Duration `json:"connectivity,omitempty"`

	// stability is how long a target must stay ready, with no further restart of a container, before the heal is called a
	// success, from 0s to 10m. Default: 0s, since a caller waits; a fix that does not last is found out by the next failure.
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+(\\\\.[0-9]+)?(ms|s|m|h))+$') && duration(self) >= duration('0s') && duration(self) <= duration('10m')",message="timeouts.stability must be a duration from 0s to 10m, for example 10s"
	// +optional
	Stability *metav1.Duration `json:"stability,omitempty"`

	// approval bounds the wait for a person's answer, from 1m to 168h. Default: 30m. The total does not run meanwhile.
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+(\\\\.[0-9]+)?(ms|s|m|h))+$') && duration(self) >= duration('1m') && duration(self) <= duration('168h')",message="timeouts.approval must be a duration from 1m to 168h, for example 30m"
	// +optional
	Approval *metav1.Duration `json:"approval,omitempty"`
}

// Retention says how long HealingRequests that are over are kept. The newest of a target is always kept, and so is what the
// limits still count.
type Retention struct {
	// maxAge of a request since its end, from 1h to 8760h. Default: 168h.
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+(\\\\.[0-9]+)?(ms|s|m|h))+$') && duration(self) >= duration('1h') && duration(self) <= duration('8760h')",message="retention.maxAge must be a duration from 1h to 8760h, for example 168h"
	// +optional
	MaxAge *metav1.Duration `json:"maxAge,omitempty"`

	// maxRequests of one target. Default: 50.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000
	// +optional
	MaxRequests *int32 `json:"maxRequests,omitempty"`
}

// MemoryRaise bounds what the action RaiseMemoryLimit does.
type MemoryRaise struct {
	// stepPercent is how much is added to the limit. Default: 50.
	// +kubebuilder:validation:Minimum=10
	// +kubebuilder:validation:Maximum=100
	// +optional
	StepPercent *int32 `json:"stepPercent,omitempty"`

	// max is the highest limit that is ever set. Default: 4Gi.
	// +optional
	Max *resource.Quantity `json:"max,omitempty"`
}

// HealingPolicySpec says how far heals of the selected Services may go. What it leaves out has its default. Where several policies
// select one Service, the stricter value of each field holds.
type HealingPolicySpec struct {
	// selector picks the Services of this namespace by their labels. Empty: every one that is opted in. A policy never opts a
	// Service in; the label healing.cortex.dev/mcp-server=true does.
	// +optional
	Selector *metav1.LabelSelector `json:"selector,omitempty"`

	// mode of every heal of these Services. A request may ask for a stricter one. Default: Auto.
	// +optional
	Mode Mode `json:"mode,omitempty"`

	// actions say what may be done. Default: Auto for Scale, Restart, Wait, DeletePods and HealDependency; Approval for Rollback,
	// Resume, RaiseMemoryLimit and Patch.
	// +kubebuilder:validation:MaxItems=16
	// +listType=map
	// +listMapKey=type
	// +optional
	Actions []ActionPermission `json:"actions,omitempty"`

	// gitOps is the permission to change a field that Git holds, of an object that Argo CD or Flux applies: Git would undo it.
	// Default: Approval.
	// +optional
	GitOps Permission `json:"gitOps,omitempty"`

	// pausedRollouts is the permission to change a workload whose rollout somebody has paused. Default: Approval.
	// +optional
	PausedRollouts Permission `json:"pausedRollouts,omitempty"`

	// limits bound how much is changed.
	// +optional
	Limits *Limits `json:"limits,omitempty"`

	// timeouts of a heal.
	// +optional
	Timeouts *Timeouts `json:"timeouts,omitempty"`

	// retention of requests that are over.
	// +optional
	Retention *Retention `json:"retention,omitempty"`

	// memoryRaise bounds what RaiseMemoryLimit does.
	// +optional
	MemoryRaise *MemoryRaise `json:"memoryRaise,omitempty"`
}

// HealingPolicy says how far heals of the MCP servers in its namespace may go. With no policy at all the defaults hold.
// +kubebuilder:object:root=true
// +kubebuilder:resource:shortName=healpolicy,categories=cortex
// +kubebuilder:printcolumn:name="Mode",type=string,JSONPath=`.spec.mode`
// +kubebuilder:printcolumn:name="GitOps",type=string,JSONPath=`.spec.gitOps`
// +kubebuilder:printcolumn:name="Max-Attempts",type=integer,JSONPath=`.spec.limits.maxAttempts`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type HealingPolicy struct {
	metav1.TypeMeta `json:",inline"`

	// metadata is the standard object metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec says how far heals may go.
	// +required
	Spec HealingPolicySpec `json:"spec"`
}

// HealingPolicyList is a list of HealingPolicies.
// +kubebuilder:object:root=true
type HealingPolicyList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []HealingPolicy `json:"items"`
}
