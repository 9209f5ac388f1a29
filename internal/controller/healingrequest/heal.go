// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package healingrequest

import (
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/clock"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/foreign"
	"github.com/ry-ops/cortex/internal/policy"
	"github.com/ry-ops/cortex/internal/remediation"
)

// heal is one reconcile of one request. The steps change only this.
type heal struct {
	// stored is the request as the API server has it, and is never changed.
	stored  *v1alpha1.HealingRequest
	request *v1alpha1.HealingRequest
	clock   clock.PassiveClock
	events  []note
	// policy of the target's Service, once a step has asked for it.
	policy *policy.Effective
	// fresh: the target was looked at in this reconcile.
	fresh bool
	// asked is the request that has asked a person about just the same before, if one has; asBefore: that is how this one ends.
	asked    string
	asBefore bool
	// stopped: a person has stopped the request that this one is a step of.
	stopped bool
	// leftBy is the request that this one is a step of, if that has ended without it; else empty.
	leftBy string
	// dependency is what was seen of the dependency that was healed first.
	dependency *v1alpha1.CheckResult
	// started: its time began to run in this reconcile, before its policy was known.
	started bool
	// effectSince is when what was begun can have an effect, where that is later than its beginning.
	effectSince time.Time
	// due: the status has to be written, or there is nothing to do but wait.
	due bool
	// wake is when to look again if nothing else wakes the reconciler; zero means never.
	wake time.Time
	// steps that were taken in this reconcile, for the trace.
	steps []step
}

func newHeal(stored *v1alpha1.HealingRequest, clock clock.PassiveClock) *heal {
	return &heal{stored: stored, request: stored.DeepCopy(), clock: clock, wake: stored.Deadline()}
}

func (h *heal) phase() v1alpha1.Phase { return h.request.DerivePhase() }

func (h *heal) status() *v1alpha1.HealingRequestStatus { return &h.request.Status }

// say appends a step to the progress that people follow. The last place is kept for how it ends.
func (h *heal) say(message string) {
	status := h.status()
	if len(status.Progress) >= v1alpha1.MaxProgress-1 && !h.request.Done() {
		return
	}
	status.Progress = append(status.Progress, v1alpha1.ProgressEntry{
		Time:    metav1.NewMicroTime(h.clock.Now()),
		Phase:   h.phase(),
		Message: foreign.Line(message, 512),
	})
}

// set sets a condition.
func (h *heal) set(conditionType string, status metav1.ConditionStatus, reason, message string) {
	meta.SetStatusCondition(&h.status().Conditions, metav1.Condition{
		Type:               conditionType,
		Status:             status,
		Reason:             reason,
		Message:            foreign.Line(message, 1024),
		ObservedGeneration: h.request.Generation,
		LastTransitionTime: metav1.NewTime(h.clock.Now()),
	})
}

// lookAgain goes back to the diagnosis: the last action did not help, or its object had moved.
func (h *heal) lookAgain() {
	h.status().BlockedUntil = nil
	for _, conditionType := range []string{
		v1alpha1.ConditionDiagnosed, v1alpha1.ConditionPlanned, v1alpha1.ConditionRemediated, v1alpha1.ConditionVerified,
	} {
		meta.RemoveStatusCondition(&h.status().Conditions, conditionType)
	}
}

// next is the action that is due: the first of the plan.
func (h *heal) next() v1alpha1.PlannedAction { return h.status().Plan.Actions[0] }

// plan is the plan in words.
func (h *heal) plan() string {
	if h.status().Plan == nil {
		return "nothing"
	}
	return remediation.Describe(*h.status().Plan)
}

// planStored reports whether the API server has the action that is due, for the attempt that is due. Nothing else is ever
// carried out.
func (h *heal) planStored() bool {
	stored, now := h.stored.Status, h.request.Status
	return stored.Plan != nil && now.Plan != nil && len(stored.Plan.Actions) > 0 && len(now.Plan.Actions) > 0 &&
		len(stored.Actions) == len(now.Actions) && sameChange(stored.Plan.Actions[0], now.Plan.Actions[0]) &&
		stored.Plan.Actions[0].Object.Generation == now.Plan.Actions[0].Object.Generation
}

// sameChange reports whether two actions would do the same to the same object, whatever state of it they were planned for.
func sameChange(a, b v1alpha1.PlannedAction) bool {
	for _, action := range []*v1alpha1.PlannedAction{&a, &b} {
		action.Object.Generation = 0
		if action.Type != v1alpha1.ActionPatch { // a Service has no generation: its resourceVersion tells of an edit
			action.Object.ResourceVersion = ""
		}
		action.Permission, action.Risk, action.Reversible, action.Reason = "", "", false, ""
	}
	return equality.Semantic.DeepEqual(a, b)
}

// current is the action that was begun last.
func (h *heal) current() *v1alpha1.ActionResult {
	actions := h.status().Actions
	return &actions[len(actions)-1]
}

func (h *heal) stamp() remediation.Stamp {
	return remediation.Stamp{Request: h.request.UID, Attempt: len(h.status().Actions)}
}

// complete ends the request for good. The last word of the progress is the spec's, for the people who wait.
func (h *heal) complete(reason, message string) {
	h.set(v1alpha1.ConditionComplete, metav1.ConditionTrue, reason, message)
	now := metav1.NewMicroTime(h.clock.Now())
	status := h.status()
	status.CompletedAt, status.BlockedUntil = &now, nil
	if status.StartedAt == nil { // it was held back to its end
		status.StartedAt = &now
	}
	status.Duration = now.Sub(status.StartedAt.Time).Round(time.Millisecond).String()
	h.say(h.lastWord(reason))
	h.tell(reason, message)
	h.finished()
}

func (h *heal) lastWord(reason string) string {
	name := h.request.Spec.TargetRef.Name
	switch {
	case reason == v1alpha1.ReasonDryRun:
		return fmt.Sprintf("Dry run of %s ended; nothing was changed", name)
	case reason == v1alpha1.ReasonDenied || reason == v1alpha1.ReasonCanceled:
		return fmt.Sprintf("The heal of %s was stopped by a person", name)
	case h.phase() == v1alpha1.PhaseSucceeded:
		return fmt.Sprintf("Service restored: %s answers", name)
	default:
		return fmt.Sprintf("Manual fix needed for %s", name)
	}
}

// finished: nothing is left to wake up for.
func (h *heal) finished() { h.wake = time.Time{} }

// pause waits for something that a watch tells.
func (h *heal) pause() { h.due = true }

// seal fills in what follows from the rest of the status.
func (h *heal) seal() {
	h.request.Status.Phase = h.phase()
	h.request.Status.ObservedGeneration = h.request.Generation
}

func (h *heal) requeueAfter() time.Duration {
	if h.wake.IsZero() {
		return 0
	}
	return remaining(h.clock.Now(), h.wake)
}
