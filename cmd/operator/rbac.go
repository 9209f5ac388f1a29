// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package main

// What replicas need to agree on one that leads, in the operator's own namespace only.

// The first replica of all makes the lease. RBAC cannot bind "create" to a name.
// +kubebuilder:rbac:groups=coordination.k8s.io,namespace=cortex-system,resources=leases,verbs=create

// Who leads renews the lease, and the others look whether it still does.
// +kubebuilder:rbac:groups=coordination.k8s.io,namespace=cortex-system,resources=leases,resourceNames=operator.healing.cortex.dev,verbs=get;update

// That another replica leads now is told in an Event on the lease.
// +kubebuilder:rbac:groups="",namespace=cortex-system,resources=events,verbs=create
