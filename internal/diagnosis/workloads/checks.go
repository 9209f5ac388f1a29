// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

// Package workloads finds out whether anybody asks for pods, and whether they are made.
package workloads

import "github.com/ry-ops/cortex/internal/diagnosis/finding"

// Checks are the checks of this family, in the order of the catalogue.
func Checks() []finding.Check {
	return []finding.Check{
		workloadNotFound,
		scaledToZero,
		quotaExceeded,
		serviceAccountNotFound,
		admissionDenied,
		stuckTerminating,
		rolloutPaused,
		rolloutStuck,
		evicted,
	}
}
