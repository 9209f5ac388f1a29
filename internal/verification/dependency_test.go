// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package verification_test

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/verification"
)

func TestDependencyCheck(t *testing.T) {
	deadline := since.Add(time.Minute)
	condition := func(conditionType string, status metav1.ConditionStatus, reason, message string) metav1.Condition {
		return metav1.Condition{Type: conditionType, Status: status, Reason: reason, Message: message}
	}
	planned := func(reason, message string) []metav1.Condition {
		return []metav1.Condition{condition(v1alpha1.ConditionPlanned, metav1.ConditionFalse, reason, message)}
	}
	complete := func(reason, message string) []metav1.Condition {
		return []metav1.Condition{condition(v1alpha1.ConditionComplete, metav1.ConditionTrue, reason, message)}
	}
	until := func(moment time.Time) *metav1.Time { return &metav1.Time{Time: moment} }
	tests := map[string]struct {
		status  v1alpha1.HealingRequestStatus
		verdict v1alpha1.Verdict
		message string
	}{
		"not taken up": {v1alpha1.HealingRequestStatus{}, v1alpha1.VerdictUnknown, "HealingRequest redis-d1 is Pending"},
		"at work": {
			v1alpha1.HealingRequestStatus{StartedAt: &metav1.MicroTime{}, Progress: []v1alpha1.ProgressEntry{{Message: "first"}, {Message: "Checking pod status"}}},
			v1alpha1.VerdictUnknown, "HealingRequest redis-d1 is Diagnosing: Checking pod status",
		},
		"healed": {
			v1alpha1.HealingRequestStatus{FixApplied: "Scaled deployment redis from 0 to 1", Conditions: complete(v1alpha1.ReasonHealed, "")},
			v1alpha1.VerdictPassed, "Service redis was healed: Scaled deployment redis from 0 to 1",
		},
		"well by itself": {
			v1alpha1.HealingRequestStatus{Conditions: complete(v1alpha1.ReasonHealthy, "redis answers")},
			v1alpha1.VerdictPassed, "Service redis works: redis answers",
		},
		"not healed": {
			v1alpha1.HealingRequestStatus{Conditions: complete(v1alpha1.ReasonManualFixNeeded, "Unable to fix automatically: image not found")},
			v1alpha1.VerdictFailed, "Service redis was not healed: Unable to fix automatically: image not found",
		},
		"waits for a person": {
			v1alpha1.HealingRequestStatus{Conditions: planned(v1alpha1.ReasonAwaitingApproval, "restart deployment redis")},
			v1alpha1.VerdictUnknown, "kubectl cortex approve redis-d1 -n ns",
		},
		"held back by another": {
			v1alpha1.HealingRequestStatus{Conditions: planned(v1alpha1.ReasonAnotherRequestActive, "redis-004 is at work")},
			v1alpha1.VerdictUnknown, "is held back: redis-004 is at work",
		},
		"held back for a while": {
			v1alpha1.HealingRequestStatus{BlockedUntil: until(deadline.Add(-time.Second)), Conditions: planned(v1alpha1.ReasonCooldownActive, "it failed")},
			v1alpha1.VerdictUnknown, "is held back: it failed",
		},
		"held back for longer than there is time": {
			v1alpha1.HealingRequestStatus{BlockedUntil: until(deadline.Add(time.Hour)), Conditions: planned(v1alpha1.ReasonCooldownActive, "it failed")},
			v1alpha1.VerdictFailed, "Service redis is not healed before 04:01:00, which is too late: it failed",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			child := &v1alpha1.HealingRequest{Status: test.status}
			child.Name, child.Namespace, child.Spec.TargetRef.Name = "redis-d1", "ns", "redis"
			got := verification.DependencyCheck(child, deadline)
			if got.Name != verification.CheckDependency || got.Verdict != test.verdict || !strings.Contains(got.Message, test.message) {
				t.Errorf("%+v, want %s: %s", got, test.verdict, test.message)
			}
		})
	}
	if got := verification.DependencyCheck(nil, deadline); got.Verdict != v1alpha1.VerdictFailed {
		t.Errorf("deleted: %+v", got)
	}
}
