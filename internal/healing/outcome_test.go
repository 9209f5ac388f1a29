// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package healing

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

// Where a policy lets Cortex only look, whoever waits for the server is not told that it was healed.
func TestADryRunHasHealedNothing(t *testing.T) {
	request := &v1alpha1.HealingRequest{}
	request.Status.Diagnosis, request.Status.Recommendation = "scaled to 0", "Scale it to 1."
	for reason, want := range map[string]Outcome{
		v1alpha1.ReasonDryRun:     {Result: Result{Diagnosis: "scaled to 0", Recommendation: "Dry run: would scale it. Scale it to 1."}},
		v1alpha1.ReasonHealed:     {Result: Result{Success: true, Diagnosis: "scaled to 0", Recommendation: "Scale it to 1."}},
		v1alpha1.ReasonUnverified: {Result: Result{Diagnosis: "scaled to 0", Recommendation: "Scale it to 1."}, Unverified: true},
	} {
		request.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionComplete, Status: metav1.ConditionTrue, Reason: reason, Message: "Dry run: would scale it."}}
		if got := outcomeOf(request, false); got != want {
			t.Errorf("%s: got %+v, want %+v", reason, got, want)
		}
	}
}
