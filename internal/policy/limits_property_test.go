// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package policy_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"pgregory.net/rapid"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/policy"
)

// anyLimits are small, so that histories meet them.
func anyLimits(t *rapid.T) policy.Effective {
	e := policy.Default()
	e.Limits.MaxAttempts = rapid.IntRange(0, 4).Draw(t, "maxAttempts")
	e.Limits.Window = time.Duration(rapid.IntRange(1, 180).Draw(t, "window")) * time.Minute
	e.Limits.CooldownBase = time.Duration(rapid.IntRange(0, 600).Draw(t, "base")) * time.Second
	e.Limits.CooldownMax = e.Limits.CooldownBase + time.Duration(rapid.IntRange(0, 7200).Draw(t, "max"))*time.Second
	e.Retention = policy.Retention{
		MaxAge:      time.Duration(rapid.IntRange(1, 6).Draw(t, "maxAge")) * time.Hour,
		MaxRequests: rapid.IntRange(1, 4).Draw(t, "maxRequests"),
	}
	return e
}

func later(t *rapid.T, label string, most time.Duration) time.Duration {
	return time.Duration(rapid.Int64Range(0, int64(most/time.Second)).Draw(t, label)) * time.Second
}

var refs = []v1alpha1.TargetReference{{Kind: v1alpha1.KindService, Name: sandfly}, {Kind: v1alpha1.KindDeployment, Name: sandfly}}

// A day of a target that never heals, whose workload is replaced now and then, that is asked for under two names, and whose old
// requests are let go: the operator knows nothing but the requests, and no window ever sees more changes than it may.
func TestAttemptsBoundEveryWindow(t *testing.T) {
	var days, changes, blocks int
	rapid.Check(t, func(t *rapid.T) {
		e := anyLimits(t)
		now, uid, generation := noon, workload, int64(1)
		var stored []v1alpha1.HealingRequest
		var made []time.Time
		days++
		for i, asks := range slices.Sorted(slices.Values(rapid.SliceOfN(rapid.IntRange(0, 24*60*60), 1, 80).Draw(t, "seconds of the day"))) {
			if at := noon.Add(time.Duration(asks) * time.Second); at.After(now) { // the heal before may still have been at work
				now = at
			}
			if rapid.IntRange(0, 9).Draw(t, "replaced") == 0 {
				uid = types.UID(fmt.Sprint("workload-", i+2))
			}
			asked := policy.Target{Service: sandfly, Workload: v1alpha1.ObjectReference{UID: uid, Generation: generation}}
			block := e.Attempts(now, asked, stored)
			checkUntil(t, e, asked, stored, block, now)
			m := request(fmt.Sprint("r", i)).of(v1alpha1.KindService, sandfly, uid)
			m.Spec.TargetRef = rapid.SampledFrom(refs).Draw(t, "ref")
			if block != nil {
				blocks++
			} else {
				changes++
				made = append(made, now)
				action := rapid.SampledFrom([]v1alpha1.ActionType{v1alpha1.ActionRestart, v1alpha1.ActionRollback, v1alpha1.ActionDeletePods}).Draw(t, "action")
				state := rapid.SampledFrom([]v1alpha1.ActionState{v1alpha1.ActionApplied, v1alpha1.ActionIneffective, v1alpha1.ActionVerified}).Draw(t, "state")
				m.did(action, state, now, generation)
				generation++
			}
			now = now.Add(later(t, "took", 2*time.Minute))
			stored = append(stored, m.ended(v1alpha1.ReasonFixIneffective, now).HealingRequest)
			stored = letGo(e, now, stored)
		}
		for i, at := range made {
			if e.Limits.MaxAttempts == 0 || i >= e.Limits.MaxAttempts && at.Sub(made[i-e.Limits.MaxAttempts]) < e.Limits.Window {
				t.Fatalf("change %d at %s is one too many within %s: %v", i, at, e.Limits.Window, made)
			}
		}
	})
	t.Logf("%d days: %d changes were made, %d were held back", days, changes, blocks)
	if changes == 0 || blocks == 0 {
		t.Error("the limit was never met")
	}
}

// checkUntil holds that a block ends just when it says, if nothing else happens.
func checkUntil(t *rapid.T, e policy.Effective, asked policy.Target, stored []v1alpha1.HealingRequest, block *policy.Block, now time.Time) {
	switch {
	case block == nil:
	case block.Until.IsZero():
		if e.Limits.MaxAttempts > 0 {
			t.Fatalf("blocked for ever: %+v", block)
		}
	case !block.Until.After(now), e.Attempts(block.Until, asked, stored) != nil:
		t.Fatalf("at %s blocked until %s, and still so then", now, block.Until)
	case e.Attempts(block.Until.Add(-time.Microsecond), asked, stored) == nil:
		t.Fatalf("blocked until %s, and no longer so before", block.Until)
	}
}

func letGo(e policy.Effective, now time.Time, stored []v1alpha1.HealingRequest) []v1alpha1.HealingRequest {
	for _, ref := range refs {
		gone := map[types.UID]bool{}
		for _, r := range e.Expired(now, ref, stored) {
			gone[r.UID] = true
		}
		var left []v1alpha1.HealingRequest
		for _, r := range stored {
			if !gone[r.UID] {
				left = append(left, r)
			}
		}
		stored = left
	}
	return stored
}

// One more failure never makes a pause end sooner, wherever in the history it is; the pause after n failures is base·2^(n-1), no
// longer than max.
func TestCooldownGrowsWithFailures(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := anyLimits(t)
		var made []*maker
		for i := range rapid.IntRange(1, 12).Draw(t, "failures") {
			made = append(made, failure(fmt.Sprint("f", i), v1alpha1.ReasonFixIneffective, later(t, "ago", 5*time.Hour)))
		}
		until := func(made []*maker) time.Time {
			if block := e.Cooldown(noon, target(1), requests(made...)); block != nil {
				return block.Until
			}
			return time.Time{}
		}
		left := rapid.IntRange(0, len(made)-1).Draw(t, "left out")
		fewer := slices.Delete(slices.Clone(made), left, left+1)
		if until(made).Before(until(fewer)) {
			t.Fatalf("with one more failure the pause ends at %s, without it at %s", until(made), until(fewer))
		}

		var row []*maker
		want := e.Limits.CooldownBase
		for i := range len(made) {
			row = append(row, failure(fmt.Sprint("r", i), v1alpha1.ReasonFixIneffective, 0))
			if got := until(row); want > 0 && got.Sub(noon) != min(want, e.Limits.CooldownMax) {
				t.Fatalf("after %d failures the pause is %s, want %s", i+1, got.Sub(noon), want)
			}
			want = min(2*want, e.Limits.CooldownMax)
		}
	})
}

// A storm comes and goes: the brake takes hold above one share only, and lets go at the other only, or when the storm is small.
func TestBrakeHasHysteresis(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := policy.Default()
		e.Limits.UnhealthyPercent = rapid.IntRange(0, 100).Draw(t, "unhealthyPercent")
		e.Limits.ResumePercent = rapid.IntRange(0, e.Limits.UnhealthyPercent).Draw(t, "resumePercent")
		e.Limits.MinUnhealthy = rapid.IntRange(1, 10).Draw(t, "minUnhealthy")
		total := rapid.IntRange(1, 40).Draw(t, "total")
		engaged := false
		for range 30 {
			unhealthy := rapid.IntRange(0, total).Draw(t, "unhealthy")
			share := float64(unhealthy) / float64(total) * 100
			was := engaged
			engaged = e.Brake(unhealthy, total, was) != nil
			const rounding = 1e-9
			switch {
			case engaged && unhealthy < e.Limits.MinUnhealthy:
				t.Fatalf("%d of %d is no storm", unhealthy, total)
			case engaged && !was && share < float64(e.Limits.UnhealthyPercent)-rounding:
				t.Fatalf("it took hold at %v%%", share)
			case engaged && e.Limits.UnhealthyPercent == 100:
				t.Fatalf("it took hold though it never should")
			case !engaged && was && unhealthy >= e.Limits.MinUnhealthy && share > float64(e.Limits.ResumePercent)+rounding:
				t.Fatalf("it let go at %v%%", share)
			case !engaged && unhealthy >= e.Limits.MinUnhealthy && share > float64(e.Limits.UnhealthyPercent)+rounding:
				t.Fatalf("it did not take hold at %v%%", share)
			}
		}
	})
}
