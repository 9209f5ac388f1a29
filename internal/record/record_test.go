// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package record_test

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/record"
)

func named(names ...string) []v1alpha1.HealingRequest {
	var requests []v1alpha1.HealingRequest
	for _, name := range names {
		requests = append(requests, v1alpha1.HealingRequest{ObjectMeta: metav1.ObjectMeta{Name: name}})
	}
	return requests
}

func TestNextName(t *testing.T) {
	for want, taken := range map[string][]string{
		"sandfly-001":  nil,
		"sandfly-002":  {"sandfly-001", "by-hand", "sandfly-mcp-007"},
		"sandfly-011":  {"sandfly-010", "sandfly-009"},
		"sandfly-1000": {"sandfly-999"},
		"sandfly-004":  {"sandfly-7", "sandfly-0009", "sandfly--05", "sandfly-99999999999999999999", "sandfly-003"},
	} {
		if got := record.NextName(named(taken...), "sandfly"); got != want {
			t.Errorf("after %v: %s, want %s", taken, got, want)
		}
	}
}

// The deadline moves once a request that was held back goes on, or a person has answered: so does the patience.
func TestPatienceFollowsTheDeadline(t *testing.T) {
	began := time.Date(2026, 11, 23, 14, 5, 0, 0, time.UTC)
	at := func(minutes time.Duration) *metav1.MicroTime {
		moment := metav1.NewMicroTime(began.Add(minutes * time.Minute))
		return &moment
	}
	said := func(minutes time.Duration) []v1alpha1.ProgressEntry {
		return []v1alpha1.ProgressEntry{{Time: *at(minutes)}}
	}
	turn := []metav1.Condition{{Type: v1alpha1.ConditionPlanned, Reason: v1alpha1.ReasonConcurrencyLimited}}
	own := &metav1.Duration{Duration: time.Minute}
	p := record.Patience{Within: time.Second}
	for i, tc := range []struct {
		status  v1alpha1.HealingRequestStatus
		timeout *metav1.Duration
		renewed bool
		within  time.Duration
	}{
		{v1alpha1.HealingRequestStatus{}, nil, false, time.Second},
		{v1alpha1.HealingRequestStatus{Conditions: turn}, own, true, 70 * time.Second},
		{v1alpha1.HealingRequestStatus{Conditions: turn}, own, false, 70 * time.Second},
		{v1alpha1.HealingRequestStatus{StartedAt: at(1), Deadline: at(3)}, own, true, 130 * time.Second},
		{v1alpha1.HealingRequestStatus{StartedAt: at(1), Deadline: at(3), Progress: said(2)}, own, false, 130 * time.Second},
		{v1alpha1.HealingRequestStatus{StartedAt: at(1), Deadline: at(30), Progress: said(10)}, own, true, 20*time.Minute + 10*time.Second},
		{v1alpha1.HealingRequestStatus{StartedAt: at(1), Conditions: turn}, nil, true, v1alpha1.DefaultTimeout + 10*time.Second},
		{v1alpha1.HealingRequestStatus{StartedAt: at(1), Deadline: at(31), Progress: said(40)}, own, true, 10 * time.Second},
	} {
		request := &v1alpha1.HealingRequest{Spec: v1alpha1.HealingRequestSpec{Timeout: tc.timeout}, Status: tc.status}
		if renewed := p.Renew(request); renewed != tc.renewed || p.Within != tc.within {
			t.Errorf("%d: renewed %v, within %s", i, renewed, p.Within)
		}
	}
}
