// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

// Package nodes finds out whether what carries the pods works: nodes and the control plane.
//
// Only nodes count that carry the target: hold its pods, or would have to take them. What a node says of itself comes
// first, and each node is told once, by its deepest fault. Events and other pods speak only where the node does not.
package nodes

import "github.com/ry-ops/cortex/internal/diagnosis/finding"

// Checks are the checks of this family, in the order of the catalogue.
func Checks() []finding.Check {
	return []finding.Check{
		containerRuntimeUnavailable,
		kubeletUnavailable,
		nodeNotReady,
		nodePressure,
		kubeProxyUnavailable,
		networkDegraded,
	}
}
