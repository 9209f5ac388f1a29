// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package healingrequest

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

// A request that waits for the heal of a dependency must not hold the place which that heal needs: both would wait for their
// deadlines.
func TestOccupies(t *testing.T) {
	restarted := v1alpha1.ActionResult{Type: v1alpha1.ActionRestart, State: v1alpha1.ActionIneffective}
	dependency := v1alpha1.ActionResult{Type: v1alpha1.ActionHealDependency, State: v1alpha1.ActionApplied}
	verifying := metav1.Condition{Type: v1alpha1.ConditionRemediated, Status: metav1.ConditionTrue}
	for name, test := range map[string]struct {
		actions    []v1alpha1.ActionResult
		conditions []metav1.Condition
		want       bool
	}{
		"nothing was done yet":                       {nil, nil, false},
		"a change that is verified":                  {[]v1alpha1.ActionResult{restarted}, []metav1.Condition{verifying}, true},
		"between two changes":                        {[]v1alpha1.ActionResult{restarted}, nil, true},
		"a dependency":                               {[]v1alpha1.ActionResult{dependency}, []metav1.Condition{verifying}, false},
		"a dependency, after a change of the target": {[]v1alpha1.ActionResult{restarted, dependency}, []metav1.Condition{verifying}, false},
		"after the dependency":                       {[]v1alpha1.ActionResult{restarted, dependency}, nil, true},
	} {
		request := &v1alpha1.HealingRequest{Status: v1alpha1.HealingRequestStatus{
			Actions: test.actions, Conditions: test.conditions, StartedAt: &metav1.MicroTime{}, Plan: &v1alpha1.Plan{},
		}}
		if got := occupies(request); got != test.want {
			t.Errorf("%s: occupies a place: %t", name, got)
		}
	}
}
