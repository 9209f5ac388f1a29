// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package main

// What the gateway may do, in its role, and why. It changes nothing: it can only ask.

// Labelled Services are the MCP servers, and their endpoint slices tell whether one can be called.
// +kubebuilder:rbac:groups="",resources=services,verbs=list;watch
// +kubebuilder:rbac:groups=discovery.k8s.io,resources=endpointslices,verbs=list;watch

// A failed call is recorded for the operator to heal.
// +kubebuilder:rbac:groups=healing.cortex.dev,resources=healingrequests,verbs=create

// Two gateways that record the same failure want the same name: the second one reads what the first one wrote.
// +kubebuilder:rbac:groups=healing.cortex.dev,resources=healingrequests,verbs=get

// Heals are followed while the caller waits; one watch serves all callers.
// +kubebuilder:rbac:groups=healing.cortex.dev,resources=healingrequests,verbs=list;watch
