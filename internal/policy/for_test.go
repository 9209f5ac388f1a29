// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package policy_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/policy"
)

// compareQuantities: a quantity remembers how it was written.
var compareQuantities = cmp.Comparer(func(a, b resource.Quantity) bool { return a.Cmp(b) == 0 })

func TestForCombines(t *testing.T) {
	type spec = v1alpha1.HealingPolicySpec
	type effective = policy.Effective
	limits := func(l v1alpha1.Limits) func(*spec) { return func(s *spec) { s.Limits = &l } }
	timeouts := func(x v1alpha1.Timeouts) func(*spec) { return func(s *spec) { s.Timeouts = &x } }
	brake := func(b v1alpha1.StormBrake) func(*spec) { return limits(v1alpha1.Limits{StormBrake: &b}) }
	cooldown := func(base, most *metav1.Duration) func(*spec) {
		return limits(v1alpha1.Limits{Cooldown: &v1alpha1.Cooldown{Base: base, Max: most}})
	}
	permit := func(action v1alpha1.ActionType, permission v1alpha1.Permission) func(*spec) {
		return func(s *spec) {
			s.Actions = append(s.Actions, v1alpha1.ActionPermission{Type: action, Permission: permission})
		}
	}
	tests := map[string]struct {
		policies []func(*spec)
		want     func(*effective)
	}{
		"an empty policy holds the defaults": {policies: []func(*spec){nil}},
		"a looser value than the default holds where it is the only one": {
			policies: []func(*spec){nil, limits(v1alpha1.Limits{MaxAttempts: new(int32(10))})},
			want:     func(e *effective) { e.Limits.MaxAttempts = 10 },
		},
		"none is a value": {
			policies: []func(*spec){limits(v1alpha1.Limits{MaxAttempts: new(int32(0))})},
			want:     func(e *effective) { e.Limits.MaxAttempts = 0 },
		},
		"a dry run is stricter than an approval": {
			policies: []func(*spec){func(s *spec) { s.Mode = v1alpha1.ModeDryRun }, func(s *spec) { s.Mode = v1alpha1.ModeApproval }},
			want:     func(e *effective) { e.Mode = v1alpha1.ModeDryRun },
		},
		"an approval is stricter than none": {
			policies: []func(*spec){func(s *spec) { s.Mode = v1alpha1.ModeAuto }, func(s *spec) { s.Mode = v1alpha1.ModeApproval }},
			want:     func(e *effective) { e.Mode = v1alpha1.ModeApproval },
		},
		"a mode of a later version changes nothing": {
			policies: []func(*spec){func(s *spec) { s.Mode = "Reckless" }},
			want:     func(e *effective) { e.Mode = v1alpha1.ModeDryRun },
		},
		"an action may be loosened": {
			policies: []func(*spec){permit(v1alpha1.ActionRollback, v1alpha1.PermissionAuto)},
			want:     func(e *effective) { e.Permissions[v1alpha1.ActionRollback] = v1alpha1.PermissionAuto },
		},
		"never is stricter than an approval, and that than auto": {
			policies: []func(*spec){
				permit(v1alpha1.ActionRestart, v1alpha1.PermissionApproval),
				permit(v1alpha1.ActionRestart, v1alpha1.PermissionNever),
				permit(v1alpha1.ActionScale, v1alpha1.PermissionAuto),
				permit(v1alpha1.ActionScale, v1alpha1.PermissionApproval),
			},
			want: func(e *effective) {
				e.Permissions[v1alpha1.ActionRestart] = v1alpha1.PermissionNever
				e.Permissions[v1alpha1.ActionScale] = v1alpha1.PermissionApproval
			},
		},
		"a permission of a later version forbids": {
			policies: []func(*spec){permit(v1alpha1.ActionRestart, "Sometimes")},
			want:     func(e *effective) { e.Permissions[v1alpha1.ActionRestart] = v1alpha1.PermissionNever },
		},
		"an action of a later version is none": {
			policies: []func(*spec){permit("Reinstall", v1alpha1.PermissionAuto)},
		},
		"git and paused rollouts": {
			policies: []func(*spec){
				func(s *spec) { s.GitOps, s.PausedRollouts = v1alpha1.PermissionAuto, v1alpha1.PermissionAuto },
				func(s *spec) { s.GitOps = v1alpha1.PermissionNever },
			},
			want: func(e *effective) { e.GitOps, e.PausedRollouts = v1alpha1.PermissionNever, v1alpha1.PermissionAuto },
		},
		"limits": {
			policies: []func(*spec){
				limits(v1alpha1.Limits{MaxAttempts: new(int32(5)), Window: duration(2 * time.Hour), MaxConcurrent: new(int32(2)), MaxConcurrentPerNamespace: new(int32(9))}),
				limits(v1alpha1.Limits{MaxAttempts: new(int32(4)), Window: duration(time.Minute), MaxConcurrent: new(int32(3)), MaxConcurrentPerNamespace: new(int32(8))}),
			},
			want: func(e *effective) {
				e.Limits.MaxAttempts, e.Limits.Window = 4, 2*time.Hour
				e.Limits.MaxConcurrent, e.Limits.MaxConcurrentPerNamespace = 2, 8
			},
		},
		"cooldowns": {
			policies: []func(*spec){cooldown(duration(0), duration(time.Hour)), cooldown(duration(time.Second), duration(time.Minute))},
			want:     func(e *effective) { e.Limits.CooldownBase, e.Limits.CooldownMax = time.Second, time.Hour },
		},
		"a first pause is not cut short by the default bound": {
			policies: []func(*spec){cooldown(duration(2*time.Hour), nil)},
			want:     func(e *effective) { e.Limits.CooldownBase, e.Limits.CooldownMax = 2*time.Hour, 2*time.Hour },
		},
		"the default first pause is, so that no bound at all means no pause": {
			policies: []func(*spec){cooldown(nil, duration(0))},
			want:     func(e *effective) { e.Limits.CooldownBase, e.Limits.CooldownMax = 0, 0 },
		},
		"the brake lets go at half of where it takes hold": {
			policies: []func(*spec){brake(v1alpha1.StormBrake{UnhealthyPercent: new(int32(80))})},
			want:     func(e *effective) { e.Limits.UnhealthyPercent, e.Limits.ResumePercent = 80, 40 },
		},
		"the brake never lets go above where it takes hold": {
			policies: []func(*spec){brake(v1alpha1.StormBrake{UnhealthyPercent: new(int32(20))}), brake(v1alpha1.StormBrake{ResumePercent: new(int32(40))})},
			want:     func(e *effective) { e.Limits.UnhealthyPercent, e.Limits.ResumePercent = 20, 20 },
		},
		"brakes": {
			policies: []func(*spec){
				brake(v1alpha1.StormBrake{UnhealthyPercent: new(int32(90)), ResumePercent: new(int32(10)), MinUnhealthy: new(int32(7))}),
				brake(v1alpha1.StormBrake{UnhealthyPercent: new(int32(60)), ResumePercent: new(int32(30)), MinUnhealthy: new(int32(9))}),
			},
			want: func(e *effective) {
				e.Limits.UnhealthyPercent, e.Limits.ResumePercent, e.Limits.MinUnhealthy = 60, 10, 7
			},
		},
		"timeouts": {
			policies: []func(*spec){
				timeouts(v1alpha1.Timeouts{Total: duration(5 * time.Minute), Rollout: duration(2 * time.Minute), Connectivity: duration(time.Minute), Stability: duration(time.Second), Approval: duration(time.Hour)}),
				timeouts(v1alpha1.Timeouts{Total: duration(4 * time.Minute), Rollout: duration(3 * time.Minute), Connectivity: duration(time.Second), Stability: duration(time.Minute), Approval: duration(2 * time.Hour)}),
			},
			want: func(e *effective) {
				e.Timeouts = policy.Timeouts{Total: 4 * time.Minute, Rollout: 2 * time.Minute, Connectivity: time.Second, Stability: time.Minute, Approval: time.Hour}
			},
		},
		"retention keeps more": {
			policies: []func(*spec){
				func(s *spec) {
					s.Retention = &v1alpha1.Retention{MaxAge: duration(time.Hour), MaxRequests: new(int32(9))}
				},
				func(s *spec) {
					s.Retention = &v1alpha1.Retention{MaxAge: duration(2 * time.Hour), MaxRequests: new(int32(8))}
				},
			},
			want: func(e *effective) { e.Retention = policy.Retention{MaxAge: 2 * time.Hour, MaxRequests: 9} },
		},
		"memory": {
			policies: []func(*spec){
				func(s *spec) {
					s.MemoryRaise = &v1alpha1.MemoryRaise{StepPercent: new(int32(100)), Max: new(resource.MustParse("8Gi"))}
				},
				func(s *spec) { s.MemoryRaise = &v1alpha1.MemoryRaise{Max: new(resource.MustParse("6Gi"))} },
			},
			want: func(e *effective) {
				e.MemoryRaise = policy.MemoryRaise{StepPercent: 100, Max: resource.MustParse("6Gi")}
			},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var policies []v1alpha1.HealingPolicy
			want := policy.Default()
			for i, change := range test.policies {
				policies = append(policies, healingPolicy(fmt.Sprint(i), change))
				want.Names = append(want.Names, fmt.Sprint(i))
			}
			if test.want != nil {
				test.want(&want)
			}
			got, err := policy.For(service(nil), policies)
			if diff := cmp.Diff(want, got, compareQuantities); diff != "" || err != nil {
				t.Errorf("error %v, -want +got:\n%s", err, diff)
			}
		})
	}
}

func TestForSelects(t *testing.T) {
	selecting := func(name string, selector *metav1.LabelSelector) v1alpha1.HealingPolicy {
		return healingPolicy(name, func(s *v1alpha1.HealingPolicySpec) { s.Selector = selector })
	}
	elsewhere := healingPolicy("elsewhere", nil)
	elsewhere.Namespace = "other"
	policies := []v1alpha1.HealingPolicy{
		selecting("team", &metav1.LabelSelector{MatchLabels: map[string]string{"team": "red"}}),
		elsewhere,
		selecting("all", nil),
		selecting("empty", &metav1.LabelSelector{}),
		selecting("blue", &metav1.LabelSelector{MatchLabels: map[string]string{"team": "blue"}}),
		selecting("tier", &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{Key: "tier", Operator: metav1.LabelSelectorOpExists}}}),
	}
	got, err := policy.For(service(map[string]string{"team": "red"}), policies)
	if diff := cmp.Diff([]string{"all", "empty", "team"}, got.Names); diff != "" || err != nil {
		t.Errorf("error %v, -want +got:\n%s", err, diff)
	}
}

func TestForNothing(t *testing.T) {
	if got, err := policy.For(nil, []v1alpha1.HealingPolicy{healingPolicy("all", func(s *v1alpha1.HealingPolicySpec) { s.Mode = v1alpha1.ModeDryRun })}); err != nil || !cmp.Equal(got, policy.Default(), compareQuantities) {
		t.Errorf("without a Service: %+v, %v", got, err)
	}
	if got, err := policy.For(service(nil), nil); err != nil || !cmp.Equal(got, policy.Default(), compareQuantities) {
		t.Errorf("without a policy: %+v, %v", got, err)
	}
}

// A policy that cannot be read was to guard something, and nobody knows what.
func TestForFailsClosed(t *testing.T) {
	odd := &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{Key: "team", Operator: "Resembles", Values: []string{"red"}}}}
	got, err := policy.For(service(nil), []v1alpha1.HealingPolicy{
		healingPolicy("loose", func(s *v1alpha1.HealingPolicySpec) { s.GitOps = v1alpha1.PermissionAuto }),
		healingPolicy("odd", func(s *v1alpha1.HealingPolicySpec) { s.Selector = odd }),
	})
	if want := `reading the selector of HealingPolicy odd: "Resembles" is not a valid label selector operator`; err == nil || err.Error() != want {
		t.Errorf("error is %v, want %s", err, want)
	}
	for _, action := range v1alpha1.ActionTypes() {
		if got.Permission(action) != v1alpha1.PermissionNever {
			t.Errorf("%s is %s", action, got.Permission(action))
		}
	}
	if got.GitOps != v1alpha1.PermissionNever || got.PausedRollouts != v1alpha1.PermissionNever {
		t.Errorf("%+v", got)
	}
	if diff := cmp.Diff([]string{"loose", "odd"}, got.Names); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// status.policies takes 16 names.
func TestNamesAreBounded(t *testing.T) {
	for policies, last := range map[int]string{16: "p15", 17: "and 2 more", 40: "and 25 more"} {
		var all []v1alpha1.HealingPolicy
		for i := range policies {
			all = append(all, healingPolicy(fmt.Sprintf("p%02d", policies-1-i), nil))
		}
		got, err := policy.For(service(nil), all)
		if err != nil || len(got.Names) != 16 || got.Names[0] != "p00" || got.Names[15] != last {
			t.Errorf("%d policies: %v, %v", policies, got.Names, err)
		}
	}
}

// A person's approval stands before every patch, whatever a policy says.
func TestPermission(t *testing.T) {
	loose := policy.Default()
	loose.Permissions[v1alpha1.ActionPatch] = v1alpha1.PermissionAuto
	if got := loose.Permission(v1alpha1.ActionPatch); got != v1alpha1.PermissionApproval {
		t.Errorf("a patch is %s", got)
	}
	if got := loose.Permission("Reinstall"); got != v1alpha1.PermissionNever {
		t.Errorf("an unknown action is %s", got)
	}
}

func TestRequestsMayBeStricter(t *testing.T) {
	for _, test := range []struct{ policy, request, want v1alpha1.Mode }{
		{v1alpha1.ModeAuto, "", v1alpha1.ModeAuto},
		{v1alpha1.ModeAuto, v1alpha1.ModeApproval, v1alpha1.ModeApproval},
		{v1alpha1.ModeApproval, v1alpha1.ModeAuto, v1alpha1.ModeApproval},
		{v1alpha1.ModeApproval, v1alpha1.ModeDryRun, v1alpha1.ModeDryRun},
		{v1alpha1.ModeDryRun, v1alpha1.ModeApproval, v1alpha1.ModeDryRun},
		{v1alpha1.ModeDryRun, "", v1alpha1.ModeDryRun},
	} {
		if got := (policy.Effective{Mode: test.policy}).ModeOf(test.request); got != test.want {
			t.Errorf("policy %s, request %q: %s", test.policy, test.request, got)
		}
	}
	two := policy.Effective{Timeouts: policy.Timeouts{Total: 2 * time.Minute}}
	for want, requested := range map[time.Duration]*metav1.Duration{2 * time.Minute: nil, time.Minute: duration(time.Minute)} {
		if got := two.TotalOf(requested); got != want {
			t.Errorf("%v: %s", requested, got)
		}
	}
	if got := two.TotalOf(duration(time.Hour)); got != 2*time.Minute {
		t.Errorf("a longer timeout than the policy's: %s", got)
	}
}
