// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package diagnosis

import (
	"slices"

	"github.com/ry-ops/cortex/internal/diagnosis/finding"
	"github.com/ry-ops/cortex/internal/diagnosis/nodes"
	"github.com/ry-ops/cortex/internal/diagnosis/routing"
	"github.com/ry-ops/cortex/internal/diagnosis/running"
	"github.com/ry-ops/cortex/internal/diagnosis/scheduling"
	"github.com/ry-ops/cortex/internal/diagnosis/starting"
	"github.com/ry-ops/cortex/internal/diagnosis/workloads"
)

// Checks are all checks, family by family. Their order does not choose the root cause; the catalogue does (catalogue.go).
func Checks() []finding.Check {
	return slices.Concat(
		nodes.Checks(),
		routing.Checks(),
		workloads.Checks(),
		scheduling.Checks(),
		starting.Checks(),
		running.Checks(),
	)
}
