// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package policy_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/policy"
)

// failure is a heal that changed something and ended so, some time before noon.
func failure(name, reason string, ago time.Duration) *maker {
	return request(name).did(v1alpha1.ActionRestart, v1alpha1.ActionIneffective, noon.Add(-ago-time.Minute), 1).ended(reason, noon.Add(-ago))
}

func TestCooldown(t *testing.T) {
	const ineffective = v1alpha1.ReasonFixIneffective
	nothing := func(name, reason string, ago time.Duration) *maker {
		return request(name).ended(reason, noon.Add(-ago))
	}
	tests := map[string]struct {
		requests []*maker
		change   func(*policy.Limits)
		want     time.Duration // after noon; zero: not blocked
	}{
		"nothing yet":   {},
		"one":           {requests: []*maker{failure("a", ineffective, 10*time.Second)}, want: 20 * time.Second},
		"one, long ago": {requests: []*maker{failure("a", ineffective, 30*time.Second)}},
		"three in a row": {
			requests: []*maker{failure("a", ineffective, 10*time.Minute), failure("c", ineffective, time.Second), failure("b", ineffective, 5*time.Minute)},
			want:     2*time.Minute - time.Second,
		},
		"as many as the longest pause takes": {
			requests: []*maker{
				failure("a", ineffective, 6*time.Minute), failure("b", ineffective, 5*time.Minute), failure("c", ineffective, 4*time.Minute),
				failure("d", ineffective, 3*time.Minute), failure("e", ineffective, 2*time.Minute), failure("f", ineffective, time.Minute),
				failure("g", ineffective, 0),
			},
			want: 15 * time.Minute,
		},
		"a success starts anew": {
			requests: []*maker{
				failure("a", ineffective, 3*time.Minute), failure("b", v1alpha1.ReasonHealed, 2*time.Minute), failure("c", ineffective, 0),
			},
			want: 30 * time.Second,
		},
		"a target that was well starts anew": {
			requests: []*maker{failure("a", ineffective, time.Second), nothing("b", v1alpha1.ReasonHealthy, 0)},
		},
		"what a person stopped neither counts nor helps": {
			requests: []*maker{
				failure("a", ineffective, 9*time.Second), failure("b", v1alpha1.ReasonDenied, 8*time.Second), failure("c", v1alpha1.ReasonCanceled, 7*time.Second),
				nothing("d", v1alpha1.ReasonDryRun, 6*time.Second), nothing("e", v1alpha1.ReasonNotOptedIn, 5*time.Second),
			},
			want: 21 * time.Second,
		},
		"a failure that changed nothing does not count": {
			requests: []*maker{
				nothing("a", v1alpha1.ReasonManualFixNeeded, 0),
				request("b").did(v1alpha1.ActionWait, v1alpha1.ActionIneffective, noon, 1).ended(v1alpha1.ReasonDeadlineExceeded, noon),
				request("c").did(v1alpha1.ActionRestart, v1alpha1.ActionFailed, noon, 1).ended(v1alpha1.ReasonManualFixNeeded, noon),
			},
		},
		"every way to fail after a change": {
			requests: []*maker{
				failure("a", v1alpha1.ReasonManualFixNeeded, 4*time.Second), failure("b", v1alpha1.ReasonDeadlineExceeded, 3*time.Second),
				failure("c", v1alpha1.ReasonAttemptsExhausted, 2*time.Second), failure("d", v1alpha1.ReasonUnapproved, 0),
			},
			want: 4 * time.Minute,
		},
		"one that is under way does not count": {
			requests: []*maker{request("a").did(v1alpha1.ActionRestart, v1alpha1.ActionIneffective, noon, 1)},
		},
		"the pause over, and then a window without a failure": {
			requests: []*maker{failure("a", ineffective, 75*time.Minute), failure("b", ineffective, 0)},
			want:     30 * time.Second,
		},
		"a moment less": {
			requests: []*maker{failure("a", ineffective, 75*time.Minute-time.Microsecond), failure("b", ineffective, 0)},
			want:     time.Minute,
		},
		"no pause": {
			requests: []*maker{failure("a", ineffective, 0)}, change: func(l *policy.Limits) { l.CooldownBase = 0 },
		},
		"a pause that fits into no number": {
			requests: []*maker{failure("a", ineffective, 2*time.Second), failure("b", ineffective, time.Second), failure("c", ineffective, 0)},
			change:   func(l *policy.Limits) { l.CooldownBase, l.CooldownMax = 1<<61, 1<<62+1 },
			want:     1<<62 + 1,
		},
		"another target": {
			requests: []*maker{failure("a", ineffective, 0).of(v1alpha1.KindService, "proxmox-mcp-server", "workload-2").with(func(r *v1alpha1.HealingRequest) {
				r.Status.Actions[0].Object.UID = "workload-2"
			})},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			e := policy.Default()
			if test.change != nil {
				test.change(&e.Limits)
			}
			var got time.Duration
			if block := e.Cooldown(noon, target(9), requests(test.requests...)); block != nil {
				got = block.Until.Sub(noon)
				if block.Reason != v1alpha1.ReasonCooldownActive {
					t.Errorf("reason is %s", block.Reason)
				}
			}
			if got != test.want {
				t.Errorf("pause is %s, want %s", got, test.want)
			}
		})
	}
}

func TestCooldownSaysWhy(t *testing.T) {
	all := requests(failure("sandfly-mcp-server-006", v1alpha1.ReasonFixIneffective, time.Minute), failure("sandfly-mcp-server-007", v1alpha1.ReasonDeadlineExceeded, 0))
	want := "HealingRequest sandfly-mcp-server-007 changed the target and did not heal it (DeadlineExceeded), failure 2 in a row: 1m of rest after its end"
	if diff := cmp.Diff(want, policy.Default().Cooldown(noon, target(9), all).Message); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestAsked(t *testing.T) {
	for name, test := range map[string]struct {
		request *maker
		want    bool
	}{
		"a person was asked":             {request("a").ended(v1alpha1.ReasonManualFixNeeded, noon.Add(-59*time.Minute)), true},
		"after a fix that did not help":  {failure("a", v1alpha1.ReasonFixIneffective, 0), true},
		"after as many as may be":        {failure("a", v1alpha1.ReasonAttemptsExhausted, 0), true},
		"when the time was up":           {failure("a", v1alpha1.ReasonDeadlineExceeded, 0), true},
		"long ago":                       {request("a").ended(v1alpha1.ReasonManualFixNeeded, noon.Add(-time.Hour)), false},
		"by oneself":                     {request("asking").ended(v1alpha1.ReasonManualFixNeeded, noon), false},
		"a plan that nobody answered":    {request("a").ended(v1alpha1.ReasonUnapproved, noon), false},
		"a heal that went well":          {request("a").ended(v1alpha1.ReasonHealed, noon), false},
		"about another target":           {request("a").of(v1alpha1.KindService, "proxmox", "w").ended(v1alpha1.ReasonManualFixNeeded, noon), false},
		"about the workload's Service":   {request("a").of(v1alpha1.KindService, sandfly, "w").ended(v1alpha1.ReasonManualFixNeeded, noon), true},
		"about the Service's workload":   {request("a").of(v1alpha1.KindDeployment, "other", workload).ended(v1alpha1.ReasonManualFixNeeded, noon), true},
		"by a request that is not over":  {request("a"), false},
		"what a person has just stopped": {failure("a", v1alpha1.ReasonCanceled, 0), false},
	} {
		if got := policy.Default().Asked(noon, target(1), requests(test.request)); (got != nil) != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
