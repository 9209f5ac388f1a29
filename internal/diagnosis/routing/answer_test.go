// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package routing

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
)

var testNow = time.Date(2026, 11, 23, 14, 5, 0, 0, time.UTC)

func TestLastWarningIsRecent(t *testing.T) {
	warning := func(kind string, at time.Time) corev1.Event {
		return corev1.Event{Type: kind, Reason: "R", Message: "m", InvolvedObject: corev1.ObjectReference{Kind: "Pod", Name: "p"}, LastTimestamp: metav1.NewTime(at)}
	}
	s := &snapshot.Snapshot{Now: testNow, Events: []corev1.Event{warning("Normal", testNow), warning("Warning", testNow.Add(-time.Hour))}}
	if got := lastWarning(s); got != "" {
		t.Errorf("an hour ago: %q", got)
	}
	s.Events[1].LastTimestamp = metav1.NewTime(testNow.Add(-time.Minute))
	if got := lastWarning(s); got != "Event R of Pod p, 60s ago: m" {
		t.Errorf("a minute ago: %q", got)
	}
}
