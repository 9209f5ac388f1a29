// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package healing

import (
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

// Result is the result of a heal with exactly the names of the spec ("Self-Healing Worker", output).
type Result struct {
	Success    bool   `json:"success"`
	Diagnosis  string `json:"diagnosis"`
	FixApplied string `json:"fix_applied"`
	// Timestamp is when the heal ended, ISO 8601 in UTC.
	Timestamp string `json:"timestamp"`
	// Recommendation says what a person should do; empty if nothing is left to do.
	Recommendation string `json:"recommendation"`
}

// Outcome is how the heal that answers a failure ended.
type Outcome struct {
	Result
	// Request is the name of the HealingRequest, and UID tells it from another one that took its name.
	Request string
	UID     types.UID
	// SuggestedCommand is a ready kubectl command; empty if there is none.
	SuggestedCommand string
	// AlreadyHealed says that the heal succeeded after the failed call began and before it was looked for: nothing was
	// started for this failure, and the call is worth another try.
	AlreadyHealed bool
}

// outcomeOf reads the outcome off a request that is over.
func outcomeOf(request *v1alpha1.HealingRequest, already bool) Outcome {
	status := request.Status
	outcome := Outcome{
		Result: Result{
			Success:        request.Succeeded(),
			Diagnosis:      status.Diagnosis,
			FixApplied:     status.FixApplied,
			Recommendation: status.Recommendation,
		},
		Request:          request.Name,
		UID:              request.UID,
		SuggestedCommand: status.SuggestedPatch,
		AlreadyHealed:    already,
	}
	if status.CompletedAt != nil {
		outcome.Timestamp = Timestamp(status.CompletedAt.Time)
	}
	return outcome
}

// Timestamp writes a moment as the spec does: ISO 8601, UTC, whole seconds.
func Timestamp(moment time.Time) string { return moment.UTC().Format(time.RFC3339) }
