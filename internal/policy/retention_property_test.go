// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package policy_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"pgregory.net/rapid"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/policy"
)

// anyRequest is one of a few targets that share Services and workloads, over by noon or under way.
func anyRequest(t *rapid.T, name string, ago time.Duration) *maker {
	uid := rapid.SampledFrom([]types.UID{"", "w1", "w2"})
	m := request(name).of(v1alpha1.KindService, rapid.SampledFrom([]string{sandfly, "proxmox"}).Draw(t, "service"), uid.Draw(t, "workload"))
	m.Spec.TargetRef = rapid.SampledFrom(refs).Draw(t, "ref")
	m.Status.Cause = rapid.SampledFrom([]v1alpha1.Cause{v1alpha1.CauseCrashLoop, v1alpha1.CauseOOMKilled}).Draw(t, "cause")
	for range rapid.IntRange(0, 2).Draw(t, "actions") {
		m.did(
			rapid.SampledFrom([]v1alpha1.ActionType{v1alpha1.ActionRestart, v1alpha1.ActionRollback, v1alpha1.ActionWait, v1alpha1.ActionDeletePods}).Draw(t, "action"),
			rapid.SampledFrom([]v1alpha1.ActionState{v1alpha1.ActionIneffective, v1alpha1.ActionVerified, v1alpha1.ActionFailed}).Draw(t, "state"),
			noon.Add(-ago), int64((10*time.Hour-ago)/time.Hour),
		)
	}
	if rapid.IntRange(0, 9).Draw(t, "under way") > 0 {
		m.ended(rapid.SampledFrom([]string{
			v1alpha1.ReasonHealed, v1alpha1.ReasonHealthy, v1alpha1.ReasonFixIneffective, v1alpha1.ReasonManualFixNeeded, v1alpha1.ReasonDenied, v1alpha1.ReasonDryRun,
		}).Draw(t, "reason"), noon.Add(-ago))
	}
	return m
}

// Whatever retention lets go, every limit of every target answers the same without it: now, later, and after more heals.
func TestExpiredIsNotCounted(t *testing.T) {
	var gone int
	rapid.Check(t, func(t *rapid.T) {
		e := anyLimits(t)
		var made []*maker
		for i := range rapid.IntRange(1, 14).Draw(t, "requests") {
			made = append(made, anyRequest(t, fmt.Sprint("r", i), later(t, "ago", 9*time.Hour)))
		}
		all := requests(made...)
		for i := range all {
			if !all[i].Done() {
				owner := rapid.SampledFrom(all).Draw(t, "owner")
				all[i].OwnerReferences = []metav1.OwnerReference{{UID: owner.UID}}
			}
		}
		untouched := requests(made...)
		left := letGo(e, noon, all)
		gone += len(all) - len(left)
		for i := range untouched {
			untouched[i].OwnerReferences = all[i].OwnerReferences
		}
		if diff := cmp.Diff(untouched, all); diff != "" {
			t.Fatalf("the requests were changed:\n%s", diff)
		}
		keeps(t, all, left)

		now := noon.Add(later(t, "later", 4*time.Hour))
		if rapid.Bool().Draw(t, "one more") {
			more := anyRequest(t, "more", -later(t, "after", now.Sub(noon)))
			all, left = append(all, more.HealingRequest), append(left, more.HealingRequest)
		}
		for _, asked := range everyTarget() {
			same(t, "Attempts", e.Attempts(now, asked, all), e.Attempts(now, asked, left))
			same(t, "Cooldown", e.Cooldown(now, asked, all), e.Cooldown(now, asked, left))
			same(t, "Asked", e.Asked(now, asked, all), e.Asked(now, asked, left))
			for _, cause := range []v1alpha1.Cause{v1alpha1.CauseCrashLoop, v1alpha1.CauseOOMKilled} {
				same(t, "InVain", e.InVain(now, asked, cause, all), e.InVain(now, asked, cause, left))
			}
		}
	})
	t.Logf("%d requests were let go", gone)
	if gone == 0 {
		t.Error("nothing was let go at all")
	}
}

// Until the moment that is told nothing is let go, and then something is: who sleeps until then misses nothing, and never looks in vain.
func TestNextExpired(t *testing.T) {
	var told, never int
	rapid.Check(t, func(t *rapid.T) {
		e := anyLimits(t)
		var made []*maker
		for i := range rapid.IntRange(1, 14).Draw(t, "requests") {
			made = append(made, anyRequest(t, fmt.Sprint("r", i), later(t, "ago", 9*time.Hour)))
		}
		of := rapid.SampledFrom(refs).Draw(t, "of")
		left := letGo(e, noon, requests(made...))
		next := e.NextExpired(noon, of, left)
		last := next.Add(-time.Microsecond)
		if next.IsZero() {
			never++
			last = noon.Add(10 * e.Retention.MaxAge)
		} else if told++; !next.After(noon) || len(e.Expired(next, of, left)) == 0 {
			t.Fatalf("nothing is let go at %s", next)
		}
		between := noon.Add(time.Duration(rapid.Int64Range(0, int64(last.Sub(noon))).Draw(t, "between")))
		for _, at := range []time.Time{noon, between, last} {
			if expired := e.Expired(at, of, left); len(expired) > 0 {
				t.Fatalf("%s is let go at %s, before %s", expired[0].Name, at, next)
			}
		}
	})
	t.Logf("%d times there is such a moment, %d times there is none", told, never)
	if told == 0 || never == 0 {
		t.Errorf("%d times there is such a moment, %d times there is none", told, never)
	}
}

// keeps holds that what is under way, its owner, and the newest of each target are there.
func keeps(t *rapid.T, all, left []v1alpha1.HealingRequest) {
	kept := map[types.UID]bool{}
	for _, r := range left {
		kept[r.UID] = true
	}
	newest := map[v1alpha1.TargetReference]time.Time{}
	for _, r := range all {
		if r.Done() && r.Status.CompletedAt.After(newest[r.Spec.TargetRef]) {
			newest[r.Spec.TargetRef] = r.Status.CompletedAt.Time
		}
		if !r.Done() && (!kept[r.UID] || !kept[r.OwnerReferences[0].UID]) {
			t.Fatalf("%s is under way, and it or its owner is gone", r.Name)
		}
	}
	for _, r := range left {
		if r.Done() && r.Status.CompletedAt.Time.Equal(newest[r.Spec.TargetRef]) {
			delete(newest, r.Spec.TargetRef)
		}
	}
	if len(newest) > 0 {
		t.Fatalf("the newest are gone: %v", newest)
	}
}

func everyTarget() []policy.Target {
	var targets []policy.Target
	for _, service := range []string{sandfly, "proxmox", "", "other"} {
		for _, uid := range []types.UID{"", "w1", "w2"} {
			for generation := range int64(13) {
				targets = append(targets, policy.Target{Request: "asking", Service: service, Workload: v1alpha1.ObjectReference{UID: uid, Generation: generation}})
			}
		}
	}
	return targets
}

func same[T any](t *rapid.T, what string, with, without T) {
	if diff := cmp.Diff(with, without); diff != "" {
		t.Fatalf("%s counts what was let go: -with +without:\n%s", what, diff)
	}
}
