// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package healingrequest

import (
	"context"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/foreign"
	"github.com/ry-ops/cortex/internal/mcpserver"
	"github.com/ry-ops/cortex/internal/policy"
	"github.com/ry-ops/cortex/internal/remediation"
	"github.com/ry-ops/cortex/internal/verification"
)

// diagnose finds the root cause and decides what to do about it.
func (r *Reconciler) diagnose(ctx context.Context, h *heal) error {
	spec, began := h.request.Spec, h.clock.Now()
	snapshot, err := r.Gatherer.Gather(ctx, h.request.Namespace, spec.TargetRef, spec.Error)
	if err != nil {
		return fmt.Errorf("looking at %s %s: %w", spec.TargetRef.Kind, spec.TargetRef.Name, err)
	}
	h.fresh = true
	effective, err := r.effectiveOf(ctx, h, snapshot.Service)
	if err != nil {
		return err
	}
	h.status().Policies = effective.Names
	if h.started {
		h.within(effective.TotalOf(spec.Timeout))
	}
	diagnosed := diagnosis.Diagnose(snapshot)
	if ref := h.status().WorkloadRef; vanished(snapshot, ref) {
		h.lose(*ref)
		h.status().WorkloadRef = diagnosed.Workload
	}
	if diagnosed.Cause == v1alpha1.CauseHealthy && h.status().FixApplied != "" {
		// A fix took effect after it had been given up. The record keeps what it cured.
		h.lateEffect()
	} else {
		h.recordDiagnosis(snapshot, diagnosed)
	}
	h.took(stepDiagnose, began)
	began = h.clock.Now()
	defer func() { h.took(stepPlan, began) }()
	earlier, err := r.requests(ctx, r.Client, h.request.Namespace)
	if err != nil {
		return err
	}
	if asked := effective.Asked(h.clock.Now(), h.target(), earlier); asked != nil && sameTrouble(asked.Status, *h.status()) {
		h.asked = asked.Name
	}
	var tried []v1alpha1.ActionResult
	if diagnosed.Workload != nil {
		tried = effective.InVain(h.clock.Now(), h.target(), diagnosed.Cause, earlier)
	}
	return r.decide(ctx, h, remediation.Input{
		Snapshot: snapshot, Diagnosis: diagnosed, Policy: effective, Tried: append(tried, h.status().Actions...),
	})
}

// lateEffect marks the last change as the one that helped. One of a workload that is not the target's any more did not.
func (h *heal) lateEffect() {
	actions, workload := h.status().Actions, h.status().WorkloadRef
	for i := len(actions) - 1; i >= 0; i-- {
		of := actions[i].Object
		if of.Kind != string(v1alpha1.KindService) && (workload == nil || of.UID != workload.UID) {
			continue
		}
		if policy.ChangesTarget(actions[i].Type) && actions[i].State == v1alpha1.ActionIneffective {
			actions[i].State = v1alpha1.ActionVerified
			break
		}
	}
	h.status().Recommendation, h.status().SuggestedPatch = "", ""
	h.set(v1alpha1.ConditionDiagnosed, metav1.ConditionTrue, string(h.status().Cause), h.status().Diagnosis)
}

func (h *heal) recordDiagnosis(snapshot *snapshot.Snapshot, diagnosed diagnosis.Diagnosis) {
	for _, step := range diagnosed.Steps {
		h.say(step)
	}
	status := h.status()
	status.Cause = diagnosed.Cause
	status.Diagnosis = foreign.Line(diagnosed.Summary, 4096)
	status.WorkloadRef = diagnosed.Workload
	status.ServiceRef = nil
	if service := snapshot.Service; service != nil {
		status.ServiceRef = &v1alpha1.ObjectReference{Kind: string(v1alpha1.KindService), Name: service.Name, UID: service.UID, ResourceVersion: service.ResourceVersion}
	}
	status.Findings, status.Recommendation, status.SuggestedPatch = nil, "", ""
	for _, finding := range diagnosed.Findings {
		status.Findings = append(status.Findings, finding.Finding)
	}
	if len(diagnosed.Findings) > 0 {
		status.Recommendation = foreign.Line(diagnosed.Findings[0].Recommendation, 2048)
		status.SuggestedPatch = diagnosed.Findings[0].SuggestedPatch
	}
	h.set(v1alpha1.ConditionDiagnosed, metav1.ConditionTrue, string(diagnosed.Cause), diagnosed.Summary)
	if diagnosed.Cause != v1alpha1.CauseHealthy {
		h.say("Diagnosis: " + diagnosed.Summary)
	}
}

// decide turns the diagnosis into a plan, or into the end of the request.
func (r *Reconciler) decide(ctx context.Context, h *heal, in remediation.Input) error {
	plan := remediation.Plan(in)
	for _, note := range remediation.Notes(in) {
		h.say(note)
	}
	shown := h.status().Plan
	mode := in.Policy.ModeOf(h.request.Spec.Mode)
	if h.request.Spec.Approval == v1alpha1.ApprovalApproved && len(plan.Actions) > 1 {
		// A step that comes into the plan after the answer was not part of the question: it must not look as if it had been.
		plan.Actions = append(plan.Actions[:1:1], slices.DeleteFunc(plan.Actions[1:], func(a v1alpha1.PlannedAction) bool {
			return needsApproval(mode, a) && !h.approved(shown, a)
		})...)
	}
	h.status().Plan = nil
	if len(plan.Actions) > 0 {
		h.status().Plan = &plan
	}
	service := in.Snapshot.Service
	switch {
	case in.Diagnosis.Cause == v1alpha1.CauseHealthy:
		h.healthy(in.Snapshot, in.Diagnosis)
	case service == nil || len(plan.Actions) == 0 || len(h.status().Actions) >= maxAttempts:
		h.giveUp(in.Tried)
	case !mcpserver.OptedIn(service):
		h.refuse(service)
	case mode == v1alpha1.ModeDryRun:
		h.set(v1alpha1.ConditionPlanned, metav1.ConditionTrue, v1alpha1.ReasonActionsPlanned, h.plan())
		h.complete(v1alpha1.ReasonDryRun, "Dry run: would "+h.plan()+". Nothing was changed.")
	case needsApproval(mode, plan.Actions[0]) && !h.approved(shown, plan.Actions[0]):
		h.ask(in.Policy, shown)
	default:
		return r.admit(ctx, h, in)
	}
	return nil
}

// admit lets the plan run, if nothing holds it back.
func (r *Reconciler) admit(ctx context.Context, h *heal, in remediation.Input) error {
	if policy.ChangesTarget(h.next().Type) {
		block, err := r.limits(ctx, h, in.Policy)
		if err != nil {
			return err
		}
		if block != nil && block.Reason == v1alpha1.ReasonAttemptsExhausted {
			requests, err := r.requests(ctx, r.Client, h.request.Namespace)
			if err != nil {
				return err
			}
			// Once is enough: who was asked about the target within the window is not asked again.
			asked := in.Policy.Asked(h.clock.Now(), h.target(), requests)
			if asked == nil || h.begun() || block.Until.IsZero() {
				h.exhausted(*block, in.Tried)
				return nil
			}
		}
		if block != nil {
			h.block(*block)
			return nil
		}
	}
	h.set(v1alpha1.ConditionPlanned, metav1.ConditionTrue, v1alpha1.ReasonActionsPlanned, h.plan())
	return nil
}

func needsApproval(mode v1alpha1.Mode, action v1alpha1.PlannedAction) bool {
	return action.Permission == v1alpha1.PermissionApproval || mode == v1alpha1.ModeApproval && policy.ChangesTarget(action.Type)
}

// ask waits for a person's answer to the plan. The time of the heal does not run meanwhile.
func (h *heal) ask(effective policy.Effective, shown *v1alpha1.Plan) {
	if h.request.Spec.Approval != "" && shown != nil {
		h.complete(v1alpha1.ReasonPlanChanged, "The approved plan no longer fits, and what would fit was not approved: "+h.plan())
		return
	}
	if h.request.Spec.Approval != "" { // given before there was a plan to look at
		h.complete(v1alpha1.ReasonPlanChanged, "An approval holds for a plan that was shown. This one was not: "+h.plan())
		return
	}
	h.set(v1alpha1.ConditionPlanned, metav1.ConditionFalse, v1alpha1.ReasonAwaitingApproval, h.plan())
	h.say(fmt.Sprintf("Waiting for approval to %s: kubectl cortex approve %s -n %s", h.plan(), h.request.Name, h.request.Namespace))
	h.tell(v1alpha1.ReasonAwaitingApproval, "Waiting for approval to "+h.plan())
	h.within(effective.Timeouts.Approval)
	h.pause()
}

// approved reports whether a person has approved just this change, of just this object.
func (h *heal) approved(shown *v1alpha1.Plan, action v1alpha1.PlannedAction) bool {
	return h.request.Spec.Approval == v1alpha1.ApprovalApproved && shown != nil && slices.ContainsFunc(shown.Actions, func(a v1alpha1.PlannedAction) bool {
		return sameChange(a, action)
	})
}

// exhausted hands the request over to a person: what may be tried in a while has been tried.
func (h *heal) exhausted(block policy.Block, tried []v1alpha1.ActionResult) {
	h.set(v1alpha1.ConditionPlanned, metav1.ConditionFalse, block.Reason, block.Message)
	h.tellTried(tried)
	h.tellAsked()
	h.complete(v1alpha1.ReasonAttemptsExhausted, fmt.Sprintf("%s. A person has to look: %s", block.Message, h.status().Diagnosis))
}

// maxAttempts bounds the actions of one request, those included whose object kept moving (status.actions, maxItems).
const maxAttempts = 8

// healthy: the target answers, either because the last action took effect after all, or by itself.
func (h *heal) healthy(snapshot *snapshot.Snapshot, diagnosed diagnosis.Diagnosis) {
	if snapshot.Handshake != nil {
		h.status().Verification = &v1alpha1.Verification{
			Verdict: snapshot.Handshake.Verdict,
			Checks:  []v1alpha1.CheckResult{{Name: verification.CheckHandshake, Verdict: snapshot.Handshake.Verdict, Message: foreign.Line(snapshot.Handshake.Message, 512)}},
		}
		h.set(v1alpha1.ConditionVerified, metav1.ConditionTrue, v1alpha1.ReasonHandshakePassed, snapshot.Handshake.Message)
	}
	h.set(v1alpha1.ConditionPlanned, metav1.ConditionTrue, v1alpha1.ReasonNothingToDo, "the target answers")
	if h.status().FixApplied != "" {
		h.complete(v1alpha1.ReasonHealed, h.status().FixApplied)
		return
	}
	h.complete(v1alpha1.ReasonHealthy, diagnosed.Summary)
}

// refuse: the diagnosis is free, a change is not.
func (h *heal) refuse(service *corev1.Service) {
	message := fmt.Sprintf("Service %s carries neither the label %s=true nor %s=true, so nothing was changed",
		service.Name, v1alpha1.LabelMCPServer, v1alpha1.LabelDependency)
	server, plain := optIn(service, v1alpha1.LabelMCPServer), optIn(service, v1alpha1.LabelDependency)
	h.status().Plan = nil
	h.status().Recommendation = foreign.Line(fmt.Sprintf("Label the Service to let Cortex heal it: %s if an MCP server answers there, %s if none does. %s",
		server, plain, h.status().Recommendation), 2048)
	h.status().SuggestedPatch = server
	if _, meant := service.Labels[v1alpha1.LabelDependency]; meant || h.request.Spec.Trigger == v1alpha1.TriggerDependency {
		h.status().SuggestedPatch = plain
	}
	h.set(v1alpha1.ConditionPlanned, metav1.ConditionFalse, v1alpha1.ReasonNotOptedIn, message)
	h.complete(v1alpha1.ReasonNotOptedIn, message)
}

// optIn is the command that gives a Service a label which it does not carry, or with another value.
func optIn(service *corev1.Service, label string) string {
	overwrite := ""
	if _, ok := service.Labels[label]; ok {
		overwrite = "--overwrite "
	}
	return fmt.Sprintf("kubectl label service %s -n %s %s%s=true", service.Name, service.Namespace, overwrite, label)
}

// unable begins the message of a request that a person has to go on with, in the spec's words.
const unable = "Unable to fix automatically: "

// giveUp hands the request over to a person, with all that was found and tried.
func (h *heal) giveUp(tried []v1alpha1.ActionResult) {
	h.set(v1alpha1.ConditionPlanned, metav1.ConditionFalse, v1alpha1.ReasonNoSafeAction, "no action is left that is safe without a person")
	h.tellTried(tried)
	if h.status().FixApplied == "" {
		h.tellAsked()
		h.complete(v1alpha1.ReasonManualFixNeeded, unable+h.status().Diagnosis)
		return
	}
	h.complete(v1alpha1.ReasonFixIneffective, fmt.Sprintf("%s, and it did not help: %s", h.status().FixApplied, h.status().Diagnosis))
}

// tellAsked says that a person was asked about just this before. The Event that tells of the end is no warning then: who asks again and
// again of a target that nobody mends does not raise an alarm each time.
func (h *heal) tellAsked() {
	if h.asked != "" && !h.begun() {
		h.say(fmt.Sprintf("As before: HealingRequest %s has found the same, and nothing has changed since", h.asked))
		h.asBefore = true
	}
}

// sameTrouble reports whether two requests have found the same cause in the same objects, which nobody has edited in between.
func sameTrouble(a, b v1alpha1.HealingRequestStatus) bool {
	same := func(a, b *v1alpha1.ObjectReference) bool {
		if a == nil || b == nil {
			return a == b
		}
		edited := a.Generation != b.Generation
		if a.Kind == string(v1alpha1.KindService) { // it has no generation
			edited = a.ResourceVersion != b.ResourceVersion
		}
		return a.UID == b.UID && !edited
	}
	return a.Cause == b.Cause && same(a.WorkloadRef, b.WorkloadRef) && same(a.ServiceRef, b.ServiceRef)
}

// tellTried says what was tried, by this request and by others, and how it ended.
func (h *heal) tellTried(tried []v1alpha1.ActionResult) {
	for _, action := range tried {
		if action.Type != v1alpha1.ActionWait && action.AppliedAt != nil {
			h.say(fmt.Sprintf("%s at %s: %s. It is not tried again", action.Detail, action.AppliedAt.UTC().Format(time.TimeOnly), outcomes[action.State]))
		}
	}
}

var outcomes = map[v1alpha1.ActionState]string{
	v1alpha1.ActionApplied:     "it is not known whether it helped",
	v1alpha1.ActionVerified:    "it helped, and did not last",
	v1alpha1.ActionIneffective: "it did not help",
	v1alpha1.ActionFailed:      "it was refused",
}
