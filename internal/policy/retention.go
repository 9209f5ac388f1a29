// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"slices"
	"sort"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

// Expired are the requests of one target that are over and that retention lets go, oldest first. The requests are all of the
// namespace: what one target keeps can depend on those of another. Kept are
//
//   - the newest that is over, whose number and outcome the next one goes by;
//   - the newest that saw the server's tools, to which the next verification compares;
//   - what a limit looks at, now or when it is asked later: Attempts, Cooldown, InVain and Asked answer the same without the rest;
//   - those whose dependency is still being healed, since the children of a request go with it.
func (e Effective) Expired(now time.Time, of v1alpha1.TargetReference, requests []v1alpha1.HealingRequest) []*v1alpha1.HealingRequest {
	var mine []*v1alpha1.HealingRequest
	for i := range requests {
		if isOver(&requests[i]) && requests[i].Spec.TargetRef == of {
			mine = append(mine, &requests[i])
		}
	}
	slices.SortFunc(mine, newestFirst)
	kept := e.needed(now, mine, requests)
	var expired []*v1alpha1.HealingRequest
	for i, request := range mine {
		old := !within(now, request.Status.CompletedAt.Time, e.Retention.MaxAge) || i >= e.Retention.MaxRequests
		if old && !kept[request.UID] && request.DeletionTimestamp.IsZero() {
			expired = append(expired, request)
		}
	}
	slices.Reverse(expired)
	return expired
}

// NextExpired is when retention next lets go of a request of one target, if nothing happens until then; the zero time if it never
// does. None of the requests is expired now.
func (e Effective) NextExpired(now time.Time, of v1alpha1.TargetReference, requests []v1alpha1.HealingRequest) time.Time {
	moments := slices.DeleteFunc(e.moments(of, requests), func(at time.Time) bool { return !at.After(now) })
	slices.SortFunc(moments, time.Time.Compare)
	// With time alone, what is let go at one moment is let go at each later one.
	i := sort.Search(len(moments), func(i int) bool { return len(e.Expired(moments[i], of, requests)) > 0 })
	if i == len(moments) {
		return time.Time{}
	}
	return moments[i]
}

// moments are those at which the requests of a target become too old, or a limit ceases to look at them or at what speaks for them.
func (e Effective) moments(of v1alpha1.TargetReference, requests []v1alpha1.HealingRequest) []time.Time {
	near := newParts()
	for i := range requests {
		if requests[i].Spec.TargetRef == of {
			near.add(&requests[i])
		}
	}
	var moments []time.Time
	for i := range requests {
		request := &requests[i]
		if !near.concern(request) {
			continue
		}
		if isOver(request) {
			ended := request.Status.CompletedAt.Time
			moments = append(moments, ended.Add(e.Retention.MaxAge), ended.Add(e.Limits.Window), ended.Add(e.Limits.Window+e.Limits.CooldownMax))
		}
		for _, action := range request.Status.Actions {
			if tookPlace(action) {
				moments = append(moments, action.AppliedAt.Add(e.Limits.Window))
			}
		}
	}
	return moments
}

// needed are the UIDs of requests that must not go.
func (e Effective) needed(now time.Time, mine []*v1alpha1.HealingRequest, requests []v1alpha1.HealingRequest) map[types.UID]bool {
	needed := map[types.UID]bool{}
	if len(mine) > 0 {
		needed[mine[0].UID] = true
	}
	if i := slices.IndexFunc(mine, sawTools); i >= 0 {
		needed[mine[i].UID] = true
	}
	for i := range requests {
		if !requests[i].Done() {
			for _, owner := range requests[i].OwnerReferences {
				needed[owner.UID] = true
			}
		}
	}
	for _, target := range targetsOf(mine, requests) {
		for _, request := range e.counts(now, target, requests) {
			needed[request.UID] = true
		}
	}
	return needed
}

func sawTools(request *v1alpha1.HealingRequest) bool {
	seen := request.Status.Verification
	return seen != nil && seen.Verdict == v1alpha1.VerdictPassed && len(seen.Tools) > 0
}

// targetsOf are the targets under which a limit could ask for these requests: each Service and each workload that they, or others
// about the same, name; and each workload behind a Service that no request has named yet.
func targetsOf(mine []*v1alpha1.HealingRequest, requests []v1alpha1.HealingRequest) []Target {
	near := newParts()
	for _, request := range mine {
		near.add(request)
	}
	all := newParts()
	for i := range requests {
		if request := &requests[i]; near.concern(request) {
			all.add(request)
		}
	}
	var targets []Target
	for workload := range all.workloads {
		ref := v1alpha1.ObjectReference{UID: workload}
		targets = append(targets, Target{Workload: ref})
		for service := range all.services {
			targets = append(targets, Target{Service: service, Workload: ref})
		}
	}
	return targets
}

// parts are what targets are made of.
type parts struct {
	services  map[string]bool
	workloads map[types.UID]bool
}

func newParts() parts {
	return parts{services: map[string]bool{}, workloads: map[types.UID]bool{"": true}}
}

func (p parts) add(request *v1alpha1.HealingRequest) {
	p.services[serviceOf(request)] = true
	p.workloads[workloadOf(request)] = true
	for _, action := range request.Status.Actions {
		p.workloads[action.Object.UID] = true
	}
}

func (p parts) concern(request *v1alpha1.HealingRequest) bool {
	workload := workloadOf(request)
	return p.services[serviceOf(request)] || workload != "" && p.workloads[workload] ||
		slices.ContainsFunc(request.Status.Actions, func(action v1alpha1.ActionResult) bool { return p.workloads[action.Object.UID] })
}

// counts are the requests that the limits of a target look at.
func (e Effective) counts(now time.Time, target Target, requests []v1alpha1.HealingRequest) []*v1alpha1.HealingRequest {
	counts := e.row(now, target, requests)
	// Without what ended a row, the failures before it would count again.
	if ended := target.ended(requests); slices.ContainsFunc(ended, worked) {
		counts = append(counts, ended[slices.IndexFunc(ended, worked)])
	}
	if asked := e.Asked(now, target, requests); asked != nil {
		counts = append(counts, asked)
	}
	steps := target.steps(requests)
	type fix struct {
		action v1alpha1.ActionType
		cause  v1alpha1.Cause
	}
	seen := map[fix]bool{}
	for _, s := range steps {
		if within(now, s.at, e.Limits.Window) {
			counts = append(counts, s.request)
		}
		seen[fix{s.Type, s.request.Status.Cause}] = true
	}
	for f := range seen {
		for _, s := range e.relapses(now, target.Workload.UID, f.action, f.cause, steps) {
			counts = append(counts, s.request)
		}
	}
	return counts
}
