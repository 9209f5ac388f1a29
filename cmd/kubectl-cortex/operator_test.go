// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

// What the operator writes. noon is its clock.
var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func moment(after time.Duration) *metav1.MicroTime {
	at := metav1.NewMicroTime(noon.Add(after))
	return &at
}

func say(messages ...string) func(*v1alpha1.HealingRequestStatus) {
	return func(s *v1alpha1.HealingRequestStatus) {
		s.StartedAt, s.Deadline = moment(0), moment(2*time.Minute)
		for _, message := range messages {
			at := moment(time.Duration(len(s.Progress)) * time.Second)
			s.Progress = append(s.Progress, v1alpha1.ProgressEntry{Time: *at, Phase: v1alpha1.PhaseDiagnosing, Message: message})
		}
	}
}

func condition(kind string, status metav1.ConditionStatus, reason, message string) func(*v1alpha1.HealingRequestStatus) {
	return func(s *v1alpha1.HealingRequestStatus) {
		meta.SetStatusCondition(&s.Conditions, metav1.Condition{Type: kind, Status: status, Reason: reason, Message: message})
	}
}

func planned(reason, message string) func(*v1alpha1.HealingRequestStatus) {
	return condition(v1alpha1.ConditionPlanned, metav1.ConditionFalse, reason, message)
}

// over ends a request with all that a person is told.
func over(reason string) func(*v1alpha1.HealingRequestStatus) {
	return func(s *v1alpha1.HealingRequestStatus) {
		condition(v1alpha1.ConditionComplete, metav1.ConditionTrue, reason, "")(s)
		s.StartedAt, s.CompletedAt = moment(0), moment(8*time.Second)
		s.Cause, s.Diagnosis = v1alpha1.CauseScaledToZero, "Deployment sandfly is scaled to 0"
		s.Recommendation, s.SuggestedPatch = "Scale it to 1.", "kubectl scale deployment/sandfly --replicas=1"
		if reason == v1alpha1.ReasonHealed {
			s.FixApplied, s.Recommendation, s.SuggestedPatch = "Scaled Deployment sandfly from 0 to 1", "", ""
		}
	}
}

func scaleTo(replicas int32) func(*v1alpha1.HealingRequestStatus) {
	return func(s *v1alpha1.HealingRequestStatus) {
		s.Plan = &v1alpha1.Plan{Actions: []v1alpha1.PlannedAction{{
			Type: v1alpha1.ActionScale, Object: v1alpha1.ObjectReference{Kind: "Deployment", Name: "sandfly"}, Replicas: &replicas,
			Risk: v1alpha1.RiskMedium, Reversible: true, Permission: v1alpha1.PermissionApproval, Reason: "Nobody is there",
		}}}
	}
}

func with(changes ...func(*v1alpha1.HealingRequestStatus)) func(*v1alpha1.HealingRequest) {
	return func(r *v1alpha1.HealingRequest) {
		for _, change := range changes {
			change(&r.Status)
		}
	}
}
