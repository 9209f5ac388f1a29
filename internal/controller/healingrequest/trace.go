// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package healingrequest

import (
	"time"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/telemetry"
)

// The steps of a heal that have a span each. A verification is not among those that are taken in one reconcile: it goes on over many.
const (
	stepDiagnose = "diagnose"
	stepPlan     = "plan"
	stepApply    = "apply"
	stepVerify   = "verify"
)

// step is one that was taken, with what is known of it by then.
type step struct {
	name     string
	from, to time.Time
	cause    v1alpha1.Cause
	findings int
	plan     string
	action   v1alpha1.ActionResult
}

// took takes note of a step that ends now.
func (h *heal) took(name string, from time.Time) {
	s := step{name: name, from: from, to: h.clock.Now(), cause: h.status().Cause}
	switch name {
	case stepDiagnose:
		s.findings = len(h.status().Findings)
	case stepPlan:
		if plan := h.status().Plan; plan != nil {
			for i, action := range plan.Actions {
				if i > 0 {
					s.plan += ","
				}
				s.plan += string(action.Type)
			}
		}
	case stepApply:
		s.action = *h.current()
	}
	h.steps = append(h.steps, s)
}

// trace tells the spans of what a status write just made a fact: of each step once, however often it was looked at before, and of the
// whole heal at its end. What the spans hang from is in the request, so it does not matter who took the steps.
func trace(tracer *telemetry.Tracer, h *heal) {
	request := h.request
	if tracer == nil || request.Status.StartedAt == nil {
		return
	}
	ctx, whole := tracer.Heal(request)
	for _, s := range append(h.steps, verified(h)...) {
		_, span := tracer.StartAt(ctx, s.name, request.Spec.TargetRef.Name, s.from, "")
		span.String(telemetry.Cause, string(s.cause))
		switch s.name {
		case stepDiagnose:
			span.Int(telemetry.Findings, s.findings)
		case stepPlan:
			span.String(telemetry.Actions, s.plan)
		default:
			span.String(telemetry.Action, string(s.action.Type))
			span.String(telemetry.ActionObject, s.action.Object.Kind+"/"+s.action.Object.Name)
			span.String(telemetry.ActionState, string(s.action.State))
		}
		if s.action.State == v1alpha1.ActionFailed || s.action.State == v1alpha1.ActionIneffective {
			span.Fail(string(s.action.State))
		}
		if verification := request.Status.Verification; s.name == stepVerify && verification != nil {
			span.String(telemetry.Verdict, string(verification.Verdict))
			if n := len(verification.Checks); n > 0 {
				span.String(telemetry.Check, verification.Checks[n-1].Name)
			}
		}
		span.EndAt(s.to)
	}
	h.steps = nil
	if !request.Done() {
		return // whoever ends the heal tells its span
	}
	whole.String(telemetry.Namespace, request.Namespace)
	whole.String(telemetry.Request, request.Name)
	whole.String(telemetry.Cause, string(request.Status.Cause))
	whole.String(telemetry.Outcome, completeReason(request))
	if request.DerivePhase() == v1alpha1.PhaseFailed {
		whole.Fail(completeReason(request))
	}
	whole.EndAt(request.Status.CompletedAt.Time)
}

// verified are the verifications that came to their end: each began when its action was applied.
func verified(h *heal) []step {
	var steps []step
	before, after := h.stored.Status.Actions, h.request.Status.Actions
	for i, action := range after {
		pending := i < len(before) && before[i].State == v1alpha1.ActionApplied
		if pending && action.AppliedAt != nil && (action.State != v1alpha1.ActionApplied || h.request.Done()) {
			steps = append(steps, step{name: stepVerify, from: action.AppliedAt.Time, to: h.clock.Now(), cause: h.request.Status.Cause, action: action})
		}
	}
	return steps
}
