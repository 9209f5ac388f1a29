// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package snapshot

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestIsHeld(t *testing.T) {
	waits := func(reason string) corev1.ContainerStatus {
		return corev1.ContainerStatus{State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason}}}
	}
	runs := corev1.ContainerStatus{State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}}
	condition := func(kind corev1.PodConditionType, status corev1.ConditionStatus) []corev1.PodCondition {
		return []corev1.PodCondition{{Type: kind, Status: status}}
	}
	for name, test := range map[string]struct {
		node   string
		status corev1.PodStatus
		want   bool
	}{
		"being made":         {"node-1", corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{waits("ContainerCreating")}}, true},
		"not told yet":       {"node-1", corev1.PodStatus{}, true},
		"before the init":    {"node-1", corev1.PodStatus{InitContainerStatuses: []corev1.ContainerStatus{waits("PodInitializing")}, ContainerStatuses: []corev1.ContainerStatus{waits("PodInitializing")}}, true},
		"no node":            {"", corev1.PodStatus{}, false},
		"init runs":          {"node-1", corev1.PodStatus{InitContainerStatuses: []corev1.ContainerStatus{runs}, ContainerStatuses: []corev1.ContainerStatus{waits("PodInitializing")}}, false},
		"waits for an image": {"node-1", corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{waits("ErrImagePull")}}, false},
		"has all":            {"node-1", corev1.PodStatus{Conditions: condition(corev1.PodReadyToStartContainers, corev1.ConditionTrue)}, false},
		"has all, 1.27":      {"node-1", corev1.PodStatus{Conditions: condition("PodHasNetwork", corev1.ConditionTrue)}, false},
		"has not":            {"node-1", corev1.PodStatus{Conditions: condition(corev1.PodReadyToStartContainers, corev1.ConditionFalse)}, true},
		"ended":              {"node-1", corev1.PodStatus{Phase: corev1.PodFailed}, false},
	} {
		if got := IsHeld(&corev1.Pod{Spec: corev1.PodSpec{NodeName: test.node}, Status: test.status}); got != test.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

func TestStandingEvents(t *testing.T) {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "sandfly-0", CreationTimestamp: metav1.NewTime(testNow.Add(-10 * time.Minute))}}
	event := func(reason string, minutes int) corev1.Event {
		return corev1.Event{Reason: reason, InvolvedObject: corev1.ObjectReference{Kind: KindPod, Name: "sandfly-0"}, LastTimestamp: metav1.NewTime(testNow.Add(-time.Duration(minutes) * time.Minute))}
	}
	for name, test := range map[string]struct {
		events []corev1.Event // newest first
		want   int
	}{
		"stands":                 {[]corev1.Event{event("Bad", 1), event("Bad", 2)}, 2},
		"stands after a good":    {[]corev1.Event{event("Bad", 1), event("Good", 2), event("Bad", 3)}, 1},
		"healed":                 {[]corev1.Event{event("Good", 1), event("Bad", 2)}, 0},
		"another does not heal":  {[]corev1.Event{event("Other", 1), event("Bad", 2)}, 1},
		"of an earlier namesake": {[]corev1.Event{event("Bad", 11)}, 0},
	} {
		s := &Snapshot{Events: test.events}
		if got := s.StandingEvents(pod, []string{"Bad"}, []string{"Good"}); len(got) != test.want {
			t.Errorf("%s: %d events, want %d", name, len(got), test.want)
		}
	}
}

func TestSaid(t *testing.T) {
	for message, want := range map[string]string{"(combined from similar events): x": "x", "x": "x", "": ""} {
		if got := Said(&corev1.Event{Message: message}); got != want {
			t.Errorf("%q: %q", message, got)
		}
	}
}
