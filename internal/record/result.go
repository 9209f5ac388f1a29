// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package record

import (
	"time"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

// Result is the result of a heal with exactly the names of the spec ("Self-Healing Worker", output).
type Result struct {
	Success    bool   `json:"success"`
	Diagnosis  string `json:"diagnosis"`
	FixApplied string `json:"fix_applied"`
	// Timestamp is when the heal ended, ISO 8601 in UTC; empty if it has not.
	Timestamp string `json:"timestamp"`
	// Recommendation says what a person should do; empty if nothing is left to do.
	Recommendation string `json:"recommendation"`
}

// ResultOf reads the result off a request.
func ResultOf(request *v1alpha1.HealingRequest) Result {
	status := request.Status
	result := Result{
		Success:        request.Succeeded(),
		Diagnosis:      status.Diagnosis,
		FixApplied:     status.FixApplied,
		Recommendation: status.Recommendation,
	}
	if status.CompletedAt != nil {
		result.Timestamp = Timestamp(status.CompletedAt.Time)
	}
	return result
}

// Timestamp writes a moment as the spec does: ISO 8601, UTC, whole seconds.
func Timestamp(moment time.Time) string { return moment.UTC().Format(time.RFC3339) }
