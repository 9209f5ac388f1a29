// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

// Package nodes finds out whether what carries the pods works: nodes and the control plane.
package nodes

import "github.com/ry-ops/cortex/internal/diagnosis/finding"

// Checks are the checks of this family, in the order of the catalogue.
func Checks() []finding.Check {
	return []finding.Check{}
}
