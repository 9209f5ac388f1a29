// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package verification

// What a verification may read beside what a heal does (internal/controller/healingrequest), and why. What it may not see it
// concludes nothing from.

// Where no connection to a server comes about: whether a policy keeps the operator itself from it.
// +kubebuilder:rbac:groups=networking.k8s.io,resources=networkpolicies,verbs=list
// +kubebuilder:rbac:groups="",resources=namespaces,verbs=get
// +kubebuilder:rbac:groups="",resources=pods,verbs=list
