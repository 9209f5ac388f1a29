// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

// Package running finds out why containers do not stay, or are not well.
package running

import "github.com/ry-ops/cortex/internal/diagnosis/finding"

// Checks are the checks of this family, in the order of the catalogue.
func Checks() []finding.Check {
	return []finding.Check{
		oomKilled,
		portConflict,
		credentialsRejected,
		connectionExhausted,
		readOnlyStorage,
		dependencyUnavailable,
		livenessMisconfigured,
		readinessMisconfigured,
		startupFailing,
		livenessFailing,
		crashLoop,
		readinessFailing,
		cpuOverload,
	}
}
