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

func TestTimeLeft(t *testing.T) {
	began := time.Date(2026, 11, 23, 14, 5, 0, 0, time.UTC)
	at := func(after time.Duration) *metav1.MicroTime {
		moment := metav1.NewMicroTime(began.Add(after))
		return &moment
	}
	request := &v1alpha1.HealingRequest{}
	check := func(want time.Duration) {
		t.Helper()
		if got := record.TimeLeft(request); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	check(0)
	request.Status.StartedAt, request.Status.Deadline = at(0), at(2*time.Minute)
	check(2 * time.Minute)
	request.Status.Progress = []v1alpha1.ProgressEntry{{Time: *at(time.Minute)}}
	check(time.Minute)
	request.Status.Progress = []v1alpha1.ProgressEntry{{Time: *at(time.Hour)}}
	check(0)
}
