// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package policy_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/policy"
)

func TestExpired(t *testing.T) {
	const day = 24 * time.Hour
	well := func(name string, ago time.Duration) *maker {
		return request(name).ended(v1alpha1.ReasonHealthy, noon.Add(-ago))
	}
	manual := func(name string, ago time.Duration) *maker {
		return request(name).ended(v1alpha1.ReasonManualFixNeeded, noon.Add(-ago))
	}
	tools := func(r *v1alpha1.HealingRequest) {
		r.Status.Verification = &v1alpha1.Verification{Verdict: v1alpha1.VerdictPassed, Tools: []string{"scan"}}
	}
	few := func(e *policy.Effective) { e.Retention.MaxRequests = 1 }
	tests := map[string]struct {
		requests []*maker
		change   func(*policy.Effective)
		want     []string
	}{
		"none": {},
		"old ones, oldest first": {
			requests: []*maker{manual("b", 8*day), manual("d", day), manual("a", 9*day), manual("c", 7*day-time.Microsecond)}, want: []string{"a", "b"},
		},
		"just as old as may be": {requests: []*maker{manual("a", 7*day), manual("b", 0)}, want: []string{"a"}},
		"the newest stays, however old": {
			requests: []*maker{manual("a", 90*day), manual("b", 80*day)}, want: []string{"a"},
		},
		"too many": {
			requests: []*maker{manual("a", 3*time.Hour), manual("b", 2*time.Hour), manual("c", time.Hour)},
			change:   func(e *policy.Effective) { e.Retention.MaxRequests = 2 },
			want:     []string{"a"},
		},
		"one under way stays": {requests: []*maker{request("a"), manual("b", 0)}, change: few},
		"those of other targets are not asked for": {
			requests: []*maker{manual("a", 9*day).of(v1alpha1.KindDeployment, sandfly, workload), manual("b", 8*day).of(v1alpha1.KindService, "proxmox", "w"), manual("c", 0)},
		},
		"the last tools that were seen stay": {
			requests: []*maker{well("a", 10*day).with(tools), well("b", 9*day).with(tools), manual("c", 8*day), manual("d", 0)}, want: []string{"a", "c"},
		},
		"what is being deleted is not deleted again": {
			requests: []*maker{manual("a", 9*day).with(func(r *v1alpha1.HealingRequest) { r.DeletionTimestamp = new(metav1.NewTime(noon)) }), manual("b", 0)},
		},
		"a request whose dependency is being healed stays": {
			requests: []*maker{
				manual("a", 9*day), manual("b", 9*day), manual("c", 0),
				request("child").of(v1alpha1.KindService, "cache", "w").with(func(r *v1alpha1.HealingRequest) { r.OwnerReferences = []metav1.OwnerReference{{UID: "a"}} }),
				manual("done", 0).of(v1alpha1.KindService, "cache", "w").with(func(r *v1alpha1.HealingRequest) { r.OwnerReferences = []metav1.OwnerReference{{UID: "b"}} }),
			},
			want: []string{"b"},
		},
		"changes within the window stay": {
			requests: []*maker{
				request("a").did(v1alpha1.ActionRestart, v1alpha1.ActionVerified, noon.Add(-time.Hour), 1).ended(v1alpha1.ReasonHealed, noon.Add(-59*time.Minute)),
				request("b").did(v1alpha1.ActionRestart, v1alpha1.ActionVerified, noon.Add(-30*time.Minute), 2).ended(v1alpha1.ReasonHealed, noon.Add(-29*time.Minute)),
				manual("c", 0),
			},
			change: few,
			// The one before b was needed again within its window: it makes b the second.
			want: nil,
		},
		"changes that no limit counts go": {
			requests: []*maker{
				request("a").did(v1alpha1.ActionRestart, v1alpha1.ActionVerified, noon.Add(-3*time.Hour), 1).ended(v1alpha1.ReasonHealed, noon.Add(-2*time.Hour)),
				request("b").did(v1alpha1.ActionRestart, v1alpha1.ActionVerified, noon.Add(-30*time.Minute), 2).ended(v1alpha1.ReasonHealed, noon.Add(-29*time.Minute)),
				manual("c", 0),
			},
			change: few, want: []string{"a"},
		},
		"failures that make the pause longer stay": {
			requests: []*maker{
				failure("a", v1alpha1.ReasonFixIneffective, 5*time.Hour), failure("b", v1alpha1.ReasonFixIneffective, 3*time.Hour),
				failure("c", v1alpha1.ReasonFixIneffective, 2*time.Hour), failure("d", v1alpha1.ReasonFixIneffective, time.Hour), manual("e", 0),
			},
			change: func(e *policy.Effective) { few(e); e.Limits.CooldownMax = 30 * time.Minute },
			want:   []string{"a"},
		},
		"no more of them than make it longer": {
			requests: []*maker{
				failure("a", v1alpha1.ReasonFixIneffective, 4*time.Hour), failure("b", v1alpha1.ReasonFixIneffective, 3*time.Hour),
				failure("c", v1alpha1.ReasonFixIneffective, 2*time.Hour), manual("d", 0),
			},
			change: func(e *policy.Effective) {
				few(e)
				e.Limits.CooldownBase, e.Limits.CooldownMax = time.Hour, 2*time.Hour
			},
			want: []string{"a"},
		},
		"what counts for the workload, though its Service has been well since": {
			requests: []*maker{
				failure("a", v1alpha1.ReasonFixIneffective, 70*time.Minute), well("b", 65*time.Minute).of(v1alpha1.KindService, sandfly, "workload-2"), manual("c", 0).of(v1alpha1.KindService, sandfly, "workload-2"),
			},
			change: few,
		},
		"what helped a workload that a request no longer names": {
			requests: []*maker{
				request("a").did(v1alpha1.ActionRestart, v1alpha1.ActionVerified, noon.Add(-100*time.Minute), 1).of(v1alpha1.KindService, sandfly, "").ended(v1alpha1.ReasonHealed, noon.Add(-99*time.Minute)),
				request("b").did(v1alpha1.ActionRestart, v1alpha1.ActionVerified, noon.Add(-50*time.Minute), 2).of(v1alpha1.KindService, sandfly, "").ended(v1alpha1.ReasonHealed, noon.Add(-49*time.Minute)),
				manual("c", 0).of(v1alpha1.KindService, sandfly, ""),
			},
			change: few,
		},
		"what ended a row of failures stays": {
			requests: []*maker{
				failure("a", v1alpha1.ReasonFixIneffective, 50*time.Minute), well("b", 40*time.Minute), well("c", 30*time.Minute), manual("d", 0),
			},
			change: few, want: []string{"b"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			e := policy.Default()
			if test.change != nil {
				test.change(&e)
			}
			of := v1alpha1.TargetReference{Kind: v1alpha1.KindService, Name: sandfly}
			var got []string
			for _, r := range e.Expired(noon, of, requests(test.requests...)) {
				got = append(got, r.Name)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}
