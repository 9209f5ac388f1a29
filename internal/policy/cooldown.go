// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

// Cooldown blocks a target for a while after a heal that changed it and failed. The pause doubles with each such heal in a row.
func (e Effective) Cooldown(now time.Time, target Target, requests []v1alpha1.HealingRequest) *Block {
	row := e.row(now, target, requests)
	if len(row) == 0 {
		return nil
	}
	pause := e.pause(len(row))
	until := row[0].Status.CompletedAt.Add(pause)
	if !until.After(now) {
		return nil
	}
	return &Block{
		Reason: v1alpha1.ReasonCooldownActive,
		Message: fmt.Sprintf("HealingRequest %s changed the target and did not heal it (%s), failure %d in a row: %s of rest after its end",
			row[0].Name, reasonOf(row[0]), len(row), short(pause)),
		Until: until,
	}
}

// pause after so many failures in a row.
func (e Effective) pause(failures int) time.Duration {
	pause := min(e.Limits.CooldownBase, e.Limits.CooldownMax)
	for range failures - 1 {
		if pause > e.Limits.CooldownMax/2 {
			return e.Limits.CooldownMax
		}
		pause *= 2
	}
	return pause
}

// row are the heals that failed one after the other, newest first, no more of them than make the pause any longer. A heal after
// which the target worked ends the row; one that a person stopped, or that changed nothing, is as if it had not been. So does
// time: once nothing has failed for a window after the longest pause, the next failure is the first of its own row.
func (e Effective) row(now time.Time, target Target, requests []v1alpha1.HealingRequest) []*v1alpha1.HealingRequest {
	var row []*v1alpha1.HealingRequest
	latest := now
	for _, request := range target.ended(requests) {
		ended := request.Status.CompletedAt.Time
		switch {
		case worked(request):
			return row
		case !failed(request):
			continue
		case !within(latest, ended, e.Limits.Window+e.Limits.CooldownMax):
			return row
		}
		latest = ended
		row = append(row, request)
		if pause := e.pause(len(row)); pause == 0 || pause >= e.Limits.CooldownMax {
			return row
		}
	}
	return row
}

// worked reports whether the target was seen to work at the end of a request.
func worked(request *v1alpha1.HealingRequest) bool {
	reason := reasonOf(request)
	return reason == v1alpha1.ReasonHealed || reason == v1alpha1.ReasonHealthy
}

// failed reports whether a heal changed its target and did not heal it, and no person stopped it.
func failed(request *v1alpha1.HealingRequest) bool {
	switch reasonOf(request) {
	case "", v1alpha1.ReasonHealed, v1alpha1.ReasonHealthy, v1alpha1.ReasonDryRun, v1alpha1.ReasonDenied, v1alpha1.ReasonCanceled, v1alpha1.ReasonNotOptedIn:
		return false
	default:
		return changed(request)
	}
}

// Asked is the newest other request that has asked a person about the target within the window, or nil. Once is enough.
func (e Effective) Asked(now time.Time, target Target, requests []v1alpha1.HealingRequest) *v1alpha1.HealingRequest {
	for _, request := range target.ended(requests) {
		switch reasonOf(request) {
		case v1alpha1.ReasonManualFixNeeded, v1alpha1.ReasonFixIneffective, v1alpha1.ReasonDeadlineExceeded, v1alpha1.ReasonAttemptsExhausted:
			if request.UID != target.Request && within(now, request.Status.CompletedAt.Time, e.Limits.Window) {
				return request
			}
		}
	}
	return nil
}

// ended are the requests about the target that are over, newest first.
func (t Target) ended(requests []v1alpha1.HealingRequest) []*v1alpha1.HealingRequest {
	var ended []*v1alpha1.HealingRequest
	for i := range requests {
		if isOver(&requests[i]) && t.concerns(&requests[i]) {
			ended = append(ended, &requests[i])
		}
	}
	slices.SortFunc(ended, newestFirst)
	return ended
}

func isOver(request *v1alpha1.HealingRequest) bool {
	return request.Done() && request.Status.CompletedAt != nil
}

func newestFirst(a, b *v1alpha1.HealingRequest) int {
	return cmp.Or(b.Status.CompletedAt.Compare(a.Status.CompletedAt.Time), cmp.Compare(b.UID, a.UID))
}
