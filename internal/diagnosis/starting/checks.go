// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

// Package starting finds out why containers cannot begin.
package starting

import "github.com/ry-ops/cortex/internal/diagnosis/finding"

// Checks are the checks of this family, in the order of the catalogue.
func Checks() []finding.Check {
	return []finding.Check{
		imagePull,
		configuration,
		permission,
		volumes,
		sandbox,
		cannotRun,
		memoryLimit,
		initContainer,
	}
}
