// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package healingrequest

import (
	"github.com/go-logr/logr"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

// report tells people and machines what the write just made a fact.
func (r *Reconciler) report(log logr.Logger, h *heal) {
	for _, entry := range h.request.Status.Progress[len(h.stored.Status.Progress):] {
		log.Info("[HEAL-WORKER] "+entry.Message, "target", h.request.Spec.TargetRef.Name, "phase", entry.Phase)
	}
	audit(log.WithName("audit"), h)
	// A dry run changes nothing but its own status. An Event is an object too.
	if len(h.events) > 0 && completeReason(h.request) != v1alpha1.ReasonDryRun {
		// Of what became known in one write, the last note tells all.
		h.events[len(h.events)-1].record(r.Recorder, h.request)
	}
	r.Metrics.observe(h.stored, h.request)
	trace(r.Tracer, h)
}

// audit writes a line for each change that was made, refused or proven, and for each answer of a person: who asked, what was
// done and why, from what to what, and how it ended.
func audit(log logr.Logger, h *heal) {
	request := h.request
	who := []any{
		"request", request.Name, "uid", request.UID, "trigger", request.Spec.Trigger,
		"requestedBy", request.Spec.RequestedBy, "approval", request.Spec.Approval, "approvedBy", request.Spec.ApprovedBy,
		"target", request.Spec.TargetRef.Name, "cause", request.Status.Cause,
	}
	for i, action := range request.Status.Actions {
		before := h.stored.Status.Actions
		if i < len(before) && before[i].State == action.State {
			continue
		}
		log.Info("change", append(who, "action", action.Type, "kind", action.Object.Kind, "object", action.Object.Name,
			"objectUID", action.Object.UID, "state", action.State, "detail", action.Detail)...)
	}
	if request.Done() {
		log.Info("end", append(who, "outcome", completeReason(request), "fixApplied", request.Status.FixApplied)...)
	}
}
