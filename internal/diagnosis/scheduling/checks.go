// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

// Package scheduling finds out why no node takes the pods.
package scheduling

import "github.com/ry-ops/cortex/internal/diagnosis/finding"

// Checks are the checks of this family, in the order of the catalogue.
func Checks() []finding.Check {
	return []finding.Check{
		schedulerUnavailable,
		claimNotFound,
		claimUnbound,
		unschedulable,
	}
}
