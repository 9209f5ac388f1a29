// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package remediation

// What an action may change, in a role of the operator, and why.

// The fix of a workload, in one write with the stamp of the request.
// +kubebuilder:rbac:groups=apps,resources=deployments;statefulsets;daemonsets,verbs=get;patch

// The suggested patch of a Service, once a person has approved it.
// +kubebuilder:rbac:groups="",resources=services,verbs=get;patch

// The template that a rollback returns to, read anew right before.
// +kubebuilder:rbac:groups=apps,resources=replicasets;controllerrevisions,verbs=get

// Pods that have ended, that a rollout waits for in vain, or whose node is gone, each looked at right before it is deleted.
// +kubebuilder:rbac:groups="",resources=pods,verbs=get;delete
// +kubebuilder:rbac:groups="",resources=nodes,verbs=get
