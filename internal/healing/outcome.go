// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package healing

import (
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/record"
)

// Result is the result of a heal as the spec has it.
type Result = record.Result

// Outcome is how the heal that answers a failure ended.
type Outcome struct {
	Result
	// Request is the name of the HealingRequest, and UID tells it from another one that took its name.
	Request string
	UID     types.UID
	// Traceparent is the place in a trace of the call that asked for the heal; empty if it has none.
	Traceparent string
	// SuggestedCommand is a ready kubectl command; empty if there is none.
	SuggestedCommand string
	// AlreadyHealed says that the heal succeeded after the failed call began and before it was looked for: nothing was
	// started for this failure, and the call is worth another try.
	AlreadyHealed bool
	// Unverified says that a fix was applied and that the operator has no way to the server to see whether it helped. It is no
	// success; another call from here decides.
	Unverified bool
}

// outcomeOf reads the outcome off a request that is over.
func outcomeOf(request *v1alpha1.HealingRequest, already bool) Outcome {
	outcome := Outcome{
		Result:           record.ResultOf(request),
		Request:          request.Name,
		UID:              request.UID,
		Traceparent:      request.Annotations[v1alpha1.AnnotationTraceparent],
		SuggestedCommand: request.Status.SuggestedPatch,
		AlreadyHealed:    already,
	}
	complete := meta.FindStatusCondition(request.Status.Conditions, v1alpha1.ConditionComplete)
	switch {
	case complete == nil:
	case complete.Reason == v1alpha1.ReasonUnverified:
		outcome.Unverified = true
	case complete.Reason == v1alpha1.ReasonDryRun:
		// It succeeded in telling what would be done, as a policy of the namespace wants it. Whoever waits for the server is not helped.
		outcome.Success = false
		outcome.Recommendation = strings.TrimSpace(complete.Message + " " + outcome.Recommendation)
	}
	return outcome
}

// Timestamp writes a moment as the spec does: ISO 8601, UTC, whole seconds.
func Timestamp(moment time.Time) string { return record.Timestamp(moment) }
