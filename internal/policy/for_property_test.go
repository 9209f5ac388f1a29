// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package policy_test

import (
	"cmp"
	"fmt"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/policy"
)

// maybe draws a value, or leaves it out.
func maybe[T any](t *rapid.T, label string, gen *rapid.Generator[T]) *T {
	if rapid.Bool().Draw(t, label+" is set") {
		return new(gen.Draw(t, label))
	}
	return nil
}

func maybeDuration(t *rapid.T, label string, least, most time.Duration) *metav1.Duration {
	seconds := maybe(t, label, rapid.Int64Range(int64(least/time.Second), int64(most/time.Second)))
	if seconds == nil {
		return nil
	}
	return duration(time.Duration(*seconds) * time.Second)
}

func anySpec(t *rapid.T) v1alpha1.HealingPolicySpec {
	permission := rapid.SampledFrom([]v1alpha1.Permission{v1alpha1.PermissionAuto, v1alpha1.PermissionApproval, v1alpha1.PermissionNever})
	word := rapid.SampledFrom([]v1alpha1.Permission{"", v1alpha1.PermissionAuto, v1alpha1.PermissionApproval, v1alpha1.PermissionNever})
	spec := v1alpha1.HealingPolicySpec{
		Mode:           rapid.SampledFrom([]v1alpha1.Mode{"", v1alpha1.ModeAuto, v1alpha1.ModeDryRun, v1alpha1.ModeApproval}).Draw(t, "mode"),
		GitOps:         word.Draw(t, "gitOps"),
		PausedRollouts: word.Draw(t, "pausedRollouts"),
	}
	for _, action := range v1alpha1.ActionTypes() {
		if p := maybe(t, string(action), permission); p != nil {
			spec.Actions = append(spec.Actions, v1alpha1.ActionPermission{Type: action, Permission: *p})
		}
	}
	percent := rapid.Int32Range(0, 100)
	spec.Limits = maybe(t, "limits", rapid.Custom(func(t *rapid.T) v1alpha1.Limits {
		return v1alpha1.Limits{
			MaxAttempts: maybe(t, "maxAttempts", percent), Window: maybeDuration(t, "window", time.Minute, 168*time.Hour),
			Cooldown: maybe(t, "cooldown", rapid.Custom(func(t *rapid.T) v1alpha1.Cooldown {
				return v1alpha1.Cooldown{Base: maybeDuration(t, "base", 0, 24*time.Hour), Max: maybeDuration(t, "max", 0, 24*time.Hour)}
			})),
			MaxConcurrent:             maybe(t, "maxConcurrent", rapid.Int32Range(1, 1000)),
			MaxConcurrentPerNamespace: maybe(t, "maxConcurrentPerNamespace", rapid.Int32Range(1, 1000)),
			StormBrake: maybe(t, "stormBrake", rapid.Custom(func(t *rapid.T) v1alpha1.StormBrake {
				brake := v1alpha1.StormBrake{
					UnhealthyPercent: maybe(t, "unhealthyPercent", percent), ResumePercent: maybe(t, "resumePercent", percent),
					MinUnhealthy: maybe(t, "minUnhealthy", rapid.Int32Range(1, 10000)),
				}
				if brake.UnhealthyPercent != nil && brake.ResumePercent != nil { // the API server refuses the rest
					*brake.ResumePercent = min(*brake.ResumePercent, *brake.UnhealthyPercent)
				}
				return brake
			})),
		}
	}))
	spec.Timeouts = maybe(t, "timeouts", rapid.Custom(func(t *rapid.T) v1alpha1.Timeouts {
		return v1alpha1.Timeouts{
			Total: maybeDuration(t, "total", 10*time.Second, 30*time.Minute), Rollout: maybeDuration(t, "rollout", time.Second, 30*time.Minute),
			Connectivity: maybeDuration(t, "connectivity", time.Second, 30*time.Minute), Stability: maybeDuration(t, "stability", 0, 10*time.Minute),
			Approval: maybeDuration(t, "approval", time.Minute, 168*time.Hour),
		}
	}))
	spec.Retention = maybe(t, "retention", rapid.Custom(func(t *rapid.T) v1alpha1.Retention {
		return v1alpha1.Retention{MaxAge: maybeDuration(t, "maxAge", time.Hour, 8760*time.Hour), MaxRequests: maybe(t, "maxRequests", rapid.Int32Range(1, 1000))}
	}))
	spec.MemoryRaise = maybe(t, "memoryRaise", rapid.Custom(func(t *rapid.T) v1alpha1.MemoryRaise {
		raise := v1alpha1.MemoryRaise{StepPercent: maybe(t, "stepPercent", rapid.Int32Range(10, 100))}
		if gibibytes := maybe(t, "max", rapid.Int64Range(1, 64)); gibibytes != nil {
			raise.Max = resource.NewQuantity(*gibibytes<<30, resource.BinarySI)
		}
		return raise
	}))
	return spec
}

// strictness are the fields of what holds as numbers that grow with strictness.
func strictness(e policy.Effective) map[string]int64 {
	permission := map[v1alpha1.Permission]int64{v1alpha1.PermissionAuto: 0, v1alpha1.PermissionApproval: 1, v1alpha1.PermissionNever: 2}
	numbers := map[string]int64{
		"mode":   map[v1alpha1.Mode]int64{v1alpha1.ModeAuto: 0, v1alpha1.ModeApproval: 1, v1alpha1.ModeDryRun: 2}[e.Mode],
		"gitOps": permission[e.GitOps], "pausedRollouts": permission[e.PausedRollouts],
		"maxAttempts": -int64(e.Limits.MaxAttempts), "window": int64(e.Limits.Window),
		"base": int64(e.Limits.CooldownBase), "max": int64(e.Limits.CooldownMax),
		"maxConcurrent": -int64(e.Limits.MaxConcurrent), "maxConcurrentPerNamespace": -int64(e.Limits.MaxConcurrentPerNamespace),
		"unhealthyPercent": -int64(e.Limits.UnhealthyPercent), "resumePercent": -int64(e.Limits.ResumePercent), "minUnhealthy": -int64(e.Limits.MinUnhealthy),
		"total": -int64(e.Timeouts.Total), "rollout": -int64(e.Timeouts.Rollout), "connectivity": -int64(e.Timeouts.Connectivity),
		"stability": int64(e.Timeouts.Stability), "approval": -int64(e.Timeouts.Approval),
		"maxAge": int64(e.Retention.MaxAge), "maxRequests": int64(e.Retention.MaxRequests),
		"stepPercent": -int64(e.MemoryRaise.StepPercent), "memory": -e.MemoryRaise.Max.Value(),
	}
	for _, action := range v1alpha1.ActionTypes() {
		numbers[string(action)] = permission[e.Permission(action)]
	}
	return numbers
}

// fieldsSet are the fields of strictness that a policy sets itself.
func fieldsSet(s v1alpha1.HealingPolicySpec) map[string]bool {
	fields := map[string]bool{"mode": s.Mode != "", "gitOps": s.GitOps != "", "pausedRollouts": s.PausedRollouts != ""}
	for _, action := range s.Actions {
		fields[string(action.Type)] = true
	}
	if l := s.Limits; l != nil {
		fields["maxAttempts"], fields["window"] = l.MaxAttempts != nil, l.Window != nil
		fields["maxConcurrent"], fields["maxConcurrentPerNamespace"] = l.MaxConcurrent != nil, l.MaxConcurrentPerNamespace != nil
		if c := l.Cooldown; c != nil {
			fields["base"], fields["max"] = c.Base != nil, c.Max != nil
		}
		if b := l.StormBrake; b != nil {
			fields["unhealthyPercent"], fields["resumePercent"], fields["minUnhealthy"] = b.UnhealthyPercent != nil, b.ResumePercent != nil, b.MinUnhealthy != nil
		}
	}
	if x := s.Timeouts; x != nil {
		fields["total"], fields["rollout"], fields["connectivity"] = x.Total != nil, x.Rollout != nil, x.Connectivity != nil
		fields["stability"], fields["approval"] = x.Stability != nil, x.Approval != nil
	}
	if r := s.Retention; r != nil {
		fields["maxAge"], fields["maxRequests"] = r.MaxAge != nil, r.MaxRequests != nil
	}
	if m := s.MemoryRaise; m != nil {
		fields["stepPercent"], fields["memory"] = m.StepPercent != nil, m.Max != nil
	}
	return fields
}

// Whatever the policies are: their order does not matter, one that is there twice counts once, one that sets nothing changes
// nothing, and no field is looser than any policy that sets it says, also where others stand beside it.
func TestForIsStrictest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		specs := rapid.SliceOfN(rapid.Custom(anySpec), 1, 5).Draw(t, "policies")
		var policies []v1alpha1.HealingPolicy
		for i, spec := range specs {
			policies = append(policies, healingPolicy(fmt.Sprint(i), func(s *v1alpha1.HealingPolicySpec) { *s = spec }))
		}
		all := mustFor(t, policies)

		for what, others := range map[string][]v1alpha1.HealingPolicy{
			"in another order":  rapid.Permutation(policies).Draw(t, "order"),
			"each twice":        append(slices.Clone(policies), policies...),
			"with an empty one": append(slices.Clone(policies), healingPolicy("empty", nil)),
		} {
			got := mustFor(t, others)
			got.Names = all.Names
			if diff := gocmp.Diff(all, got, compareQuantities); diff != "" {
				t.Fatalf("%s: -want +got:\n%s", what, diff)
			}
		}
		for i := range policies {
			together := strictness(all)
			alone, some := stated(t, policies[i:i+1]), stated(t, policies[:i+1])
			for field, isSet := range fieldsSet(specs[i]) {
				if isSet && cmp.Compare(together[field], alone[field]) < 0 {
					t.Fatalf("%s of policy %d is loosened from %d to %d", field, i, alone[field], together[field])
				}
				if isSet && cmp.Compare(together[field], some[field]) < 0 {
					t.Fatalf("%s of policies 0 to %d is loosened from %d to %d by the others", field, i, some[field], together[field])
				}
			}
		}
	})
}

// A field that no policy sets has its default. Some follow from others: the share at which the brake lets go, the first pause
// from a shorter bound, and the bound from a longer first pause.
func TestForLeavesTheRestAlone(t *testing.T) {
	byDefault := strictness(policy.Default())
	rapid.Check(t, func(t *rapid.T) {
		spec := anySpec(t)
		got := strictness(mustFor(t, []v1alpha1.HealingPolicy{healingPolicy("one", func(s *v1alpha1.HealingPolicySpec) { *s = spec })}))
		set := fieldsSet(spec)
		for field, want := range byDefault {
			derived := field == "resumePercent" && set["unhealthyPercent"] || field == "max" && set["base"] || field == "base" && set["max"]
			if !set[field] && !derived && got[field] != want {
				t.Fatalf("%s is %d, want %d", field, got[field], want)
			}
		}
	})
}

// stated is the strictness of what policies say. The share at which the brake lets go holds only below the one at which it takes
// hold, which may be the default.
func stated(t *rapid.T, policies []v1alpha1.HealingPolicy) map[string]int64 {
	numbers := strictness(mustFor(t, policies))
	var resume []int64
	for i := range policies {
		if fieldsSet(policies[i].Spec)["resumePercent"] {
			resume = append(resume, -int64(*policies[i].Spec.Limits.StormBrake.ResumePercent))
		}
	}
	if len(resume) > 0 {
		numbers["resumePercent"] = slices.Max(resume)
	}
	return numbers
}

func mustFor(t *rapid.T, policies []v1alpha1.HealingPolicy) policy.Effective {
	got, err := policy.For(service(nil), policies)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return got
}
