// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package policy_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/policy"
)

func TestAttempts(t *testing.T) {
	ago := func(minutes int) time.Time { return noon.Add(-time.Duration(minutes) * time.Minute) }
	const restart = v1alpha1.ActionRestart
	three := requests(restarts(v1alpha1.ReasonFixIneffective, v1alpha1.ActionIneffective, ago(50), ago(40), ago(10))...)
	tests := map[string]struct {
		requests []v1alpha1.HealingRequest
		max      int
		until    time.Time // zero: not blocked
	}{
		"nothing yet":              {max: 3},
		"one more may be made":     {requests: three, max: 4},
		"none is left":             {requests: three, max: 3, until: ago(50).Add(time.Hour)},
		"a policy was made strict": {requests: three, max: 1, until: ago(10).Add(time.Hour)},
		"what is as old as the window is forgotten": {
			requests: requests(request("a").did(restart, v1alpha1.ActionVerified, ago(60), 1)), max: 1,
		},
		"what is a moment younger is not": {
			requests: requests(request("a").did(restart, v1alpha1.ActionVerified, ago(60).Add(time.Microsecond), 1)), max: 1, until: noon.Add(time.Microsecond),
		},
		"one's own changes count": {
			requests: requests(request("asking").did(restart, v1alpha1.ActionIneffective, ago(2), 1).did(v1alpha1.ActionRollback, v1alpha1.ActionApplied, ago(1), 2)),
			max:      2, until: ago(2).Add(time.Hour),
		},
		"a change that is not verified yet counts": {
			requests: requests(request("other").did(restart, v1alpha1.ActionApplied, ago(1), 1)), max: 1, until: ago(1).Add(time.Hour),
		},
		"what changes nothing does not": {
			requests: requests(request("other").
				did(v1alpha1.ActionWait, v1alpha1.ActionIneffective, ago(3), 1).
				did(v1alpha1.ActionHealDependency, v1alpha1.ActionVerified, ago(2), 1).
				did(restart, v1alpha1.ActionFailed, ago(1), 1).
				did(restart, v1alpha1.ActionSkipped, ago(1), 1)),
			max: 1,
		},
		"a heal of the Deployment counts for its Service": {
			requests: requests(request("other").of(v1alpha1.KindDeployment, "another-service", workload).did(restart, v1alpha1.ActionVerified, ago(5), 1)),
			max:      1, until: ago(5).Add(time.Hour),
		},
		"a workload that was created anew is still the Service's": {
			requests: requests(request("other").of(v1alpha1.KindService, sandfly, "workload-0").did(restart, v1alpha1.ActionVerified, ago(5), 1)),
			max:      1, until: ago(5).Add(time.Hour),
		},
		"another target does not": {
			requests: requests(request("other").of(v1alpha1.KindService, "proxmox-mcp-server", "workload-2").did(restart, v1alpha1.ActionVerified, ago(5), 1)), max: 1,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			e := policy.Default()
			e.Limits.MaxAttempts = test.max
			block := e.Attempts(noon, target(9), test.requests)
			if (block != nil) != !test.until.IsZero() {
				t.Fatalf("block is %+v", block)
			}
			if block != nil && (!block.Until.Equal(test.until) || block.Reason != v1alpha1.ReasonAttemptsExhausted) {
				t.Errorf("%s until %s, want %s", block.Reason, block.Until, test.until)
			}
		})
	}
}

func TestAttemptsTellWhatWasTried(t *testing.T) {
	made := restarts(v1alpha1.ReasonFixIneffective, v1alpha1.ActionIneffective, noon.Add(-9*time.Minute), noon.Add(-8*time.Minute))
	made = append(made, request("z").did(v1alpha1.ActionRollback, v1alpha1.ActionVerified, noon.Add(-3*time.Minute), 3))
	got := policy.Default().Attempts(noon, target(4), requests(made...))
	want := "3 changes within 1h: no more than 3 may be made without a person. Tried: " +
		"Restart of Deployment sandfly-mcp-server at 11:51:00 (it did not help); " +
		"Restart of Deployment sandfly-mcp-server at 11:52:00 (it did not help); " +
		"Rollback of Deployment sandfly-mcp-server at 11:57:00 (it helped, and did not last)"
	if diff := cmp.Diff(want, got.Message); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// A condition takes 1024 characters, and what is tried may be a foreign text.
func TestAttemptsMessageIsBounded(t *testing.T) {
	long := request("long")
	for i := range 8 {
		long.did(v1alpha1.ActionRestart, v1alpha1.ActionIneffective, noon.Add(time.Duration(i-20)*time.Minute), int64(i))
		long.Status.Actions[i].Detail = strings.Repeat("á\n", 256)
	}
	long.Status.Actions[7].Detail = ""
	e := policy.Default()
	e.Limits.Window = 168 * time.Hour
	got := e.Attempts(noon, target(9), requests(long)).Message
	if len([]rune(got)) > 1024 || strings.Contains(got, "\n") || !strings.Contains(got, "Tried: 3 earlier changes; ") || !strings.HasSuffix(got, "; Restart at 11:47:00 (it did not help)") {
		t.Errorf("%d: %s", len(got), got)
	}
}

func TestNoAttemptsAtAll(t *testing.T) {
	e := policy.Default()
	e.Limits.MaxAttempts = 0
	want := &policy.Block{Reason: v1alpha1.ReasonAttemptsExhausted, Message: "The policy allows no change (limits.maxAttempts is 0)"}
	if diff := cmp.Diff(want, e.Attempts(noon, target(1), nil)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestConcurrency(t *testing.T) {
	for name, test := range map[string]struct {
		inNamespace, inCluster int
		want                   string
	}{
		"room":               {3, 15, ""},
		"namespace is full":  {4, 4, "4 heals are at work in this namespace, and 4 may be at once"},
		"cluster is full":    {0, 16, "16 heals are at work in all namespaces, and 16 may be at once"},
		"namespace is over":  {7, 9, "7 heals are at work in this namespace"},
		"namespace is first": {4, 16, "4 heals are at work in this namespace"},
	} {
		block := policy.Default().Concurrency(test.inNamespace, test.inCluster)
		if (block != nil) != (test.want != "") {
			t.Errorf("%s: %+v", name, block)
		} else if block != nil && (block.Reason != v1alpha1.ReasonConcurrencyLimited || !strings.HasPrefix(block.Message, test.want) || !block.Until.IsZero()) {
			t.Errorf("%s: %+v", name, block)
		}
	}
}

func TestBrake(t *testing.T) {
	for name, test := range map[string]struct {
		unhealthy, total int
		engaged          bool
		want             string
	}{
		"calm":                            {2, 10, false, ""},
		"just at the edge":                {5, 10, false, ""},
		"above it":                        {6, 10, false, "6 of 10 opted-in Services of this namespace were unhealthy (60%) when this was held back, and heals halt above 50%: look for a common cause"},
		"few":                             {4, 4, false, ""},
		"few, once engaged":               {4, 4, true, ""},
		"engaged":                         {6, 20, true, "6 of 20 opted-in Services of this namespace were unhealthy (30%) when this was held back, and heals go on at 25%: look for a common cause"},
		"down to where it lets go":        {5, 20, true, ""},
		"the same share, not yet engaged": {6, 20, false, ""},
		"Services that are gone":          {6, 0, false, "6 of 6 opted-in Services of this namespace were unhealthy (100%) when this was held back, and heals halt above 50%: look for a common cause"},
		"nothing at all":                  {0, 0, true, ""},
	} {
		var got string
		if block := policy.Default().Brake(test.unhealthy, test.total, test.engaged); block != nil {
			got = block.Message
			if block.Reason != v1alpha1.ReasonStormBrake || !block.Until.IsZero() {
				t.Errorf("%s: %+v", name, block)
			}
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s: -want +got:\n%s", name, diff)
		}
	}
	never := policy.Default()
	never.Limits.UnhealthyPercent, never.Limits.ResumePercent = 100, 50
	if block := never.Brake(300, 300, true); block != nil {
		t.Errorf("100%% never halts: %+v", block)
	}
}
