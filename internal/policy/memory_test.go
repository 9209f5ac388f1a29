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

func TestInVain(t *testing.T) {
	const (
		restart, rollback, wait   = v1alpha1.ActionRestart, v1alpha1.ActionRollback, v1alpha1.ActionWait
		ineffective, verified     = v1alpha1.ActionIneffective, v1alpha1.ActionVerified
		crash, oom, healed, tried = v1alpha1.CauseCrashLoop, v1alpha1.CauseOOMKilled, v1alpha1.ReasonHealed, v1alpha1.ReasonFixIneffective
	)
	ago := func(minutes int) time.Time { return noon.Add(-time.Duration(minutes) * time.Minute) }
	fixed := func(name string, minutes int) *maker {
		return request(name).did(restart, verified, ago(minutes), 1).ended(healed, ago(minutes-1))
	}
	tests := map[string]struct {
		requests   []*maker
		generation int64
		cause      v1alpha1.Cause
		noWorkload bool
		want       []v1alpha1.ActionType
	}{
		"nothing yet": {},
		"what did not help": {
			requests: []*maker{request("a").did(restart, ineffective, ago(9), 4).ended(tried, ago(8))}, generation: 5, want: []v1alpha1.ActionType{restart},
		},
		"a workload that somebody has changed since": {
			requests: []*maker{request("a").did(restart, ineffective, ago(9), 4).ended(tried, ago(8))}, generation: 6,
		},
		"a workload that was created anew": {
			requests:   []*maker{request("a").of(v1alpha1.KindService, sandfly, "workload-0").did(restart, ineffective, ago(9), 4).ended(tried, ago(8))},
			generation: 5,
		},
		"what is forgotten": {
			requests: []*maker{request("a").did(restart, ineffective, ago(60), 4).ended(tried, ago(58))}, generation: 5,
		},
		"a ladder that Cortex went down by itself": {
			requests:   []*maker{request("a").did(wait, ineffective, ago(9), 4).did(restart, ineffective, ago(8), 4).did(rollback, ineffective, ago(7), 5).ended(tried, ago(6))},
			generation: 6, want: []v1alpha1.ActionType{wait, restart, rollback},
		},
		"a ladder over two requests": {
			requests: []*maker{
				request("b").did(rollback, ineffective, ago(3), 5).ended(tried, ago(2)),
				request("a").did(restart, ineffective, ago(8), 4).ended(tried, ago(6)),
			},
			generation: 6, want: []v1alpha1.ActionType{restart, rollback},
		},
		"somebody's change in the middle of a ladder": {
			requests: []*maker{
				request("a").did(restart, ineffective, ago(8), 4).ended(tried, ago(6)),
				request("b").did(rollback, ineffective, ago(3), 6).ended(tried, ago(2)),
			},
			generation: 7, want: []v1alpha1.ActionType{rollback},
		},
		"one's own are not told, and are not somebody else's change": {
			requests: []*maker{
				request("a").did(restart, ineffective, ago(8), 4).ended(tried, ago(6)),
				request("asking").did(rollback, ineffective, ago(1), 5),
			},
			generation: 6, want: []v1alpha1.ActionType{restart},
		},
		"waiting makes no generation": {
			requests: []*maker{request("a").did(wait, ineffective, ago(9), 4).ended(tried, ago(8))}, generation: 5,
		},
		"nor does the deletion of pods": {
			requests: []*maker{request("a").did(v1alpha1.ActionDeletePods, ineffective, ago(9), 4).ended(tried, ago(8))}, generation: 5,
		},
		"what helped once is tried again": {requests: []*maker{fixed("a", 20)}},
		"what helped twice and did not last is not": {
			requests: []*maker{fixed("a", 50), fixed("b", 10)}, want: []v1alpha1.ActionType{restart},
		},
		"however often somebody changes the workload meanwhile": {
			requests: []*maker{fixed("a", 50), fixed("b", 10)}, generation: 40, want: []v1alpha1.ActionType{restart},
		},
		"each within a window of the next": {
			requests: []*maker{fixed("a", 100), fixed("b", 50)}, want: []v1alpha1.ActionType{restart},
		},
		"the last one lasted": {requests: []*maker{fixed("a", 90), fixed("b", 60)}},
		"the one before lasted": {
			requests: []*maker{fixed("a", 110), fixed("b", 50)},
		},
		"against another cause": {requests: []*maker{fixed("a", 50), fixed("b", 10)}, cause: oom},
		"one of each cause": {
			requests: []*maker{fixed("a", 50), fixed("b", 10).with(func(r *v1alpha1.HealingRequest) { r.Status.Cause = oom })},
		},
		"one of each type": {
			requests: []*maker{fixed("a", 50), request("b").did(rollback, verified, ago(10), 1).ended(healed, ago(9))},
		},
		"waiting may help any number of times": {
			requests: []*maker{
				request("a").did(wait, verified, ago(30), 1).ended(v1alpha1.ReasonHealthy, ago(29)),
				request("b").did(wait, verified, ago(20), 1).ended(v1alpha1.ReasonHealthy, ago(19)),
			},
		},
		"of an unknown workload nothing is known": {
			requests: []*maker{request("a").did(restart, ineffective, ago(9), 4).ended(tried, ago(8))}, generation: 5, noWorkload: true,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			asked := target(test.generation)
			if test.noWorkload {
				asked.Workload = v1alpha1.ObjectReference{}
			}
			if test.cause == "" {
				test.cause = crash
			}
			var got []v1alpha1.ActionType
			for _, action := range policy.Default().InVain(noon, asked, test.cause, requests(test.requests...)) {
				got = append(got, action.Type)
				if action.Object.UID != workload {
					t.Errorf("it is of another workload: %+v", action)
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}
