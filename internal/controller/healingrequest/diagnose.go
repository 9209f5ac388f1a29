// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package healingrequest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/foreign"
	"github.com/ry-ops/cortex/internal/mcpserver"
	"github.com/ry-ops/cortex/internal/policy"
	"github.com/ry-ops/cortex/internal/remediation"
	"github.com/ry-ops/cortex/internal/verification"
)

// diagnose finds the root cause and decides what to do about it. Both are written before anything is touched.
func (r *Reconciler) diagnose(ctx context.Context, h *heal) error {
	if h.phase() != v1alpha1.PhaseDiagnosing {
		return nil
	}
	h.stepped = true
	spec := h.request.Spec
	snapshot, err := r.Gatherer.Gather(ctx, h.request.Namespace, spec.TargetRef, spec.Error)
	if err != nil {
		return fmt.Errorf("looking at %s %s: %w", spec.TargetRef.Kind, spec.TargetRef.Name, err)
	}
	diagnosed := diagnosis.Diagnose(snapshot)
	if diagnosed.Cause == v1alpha1.CauseHealthy && h.status().FixApplied != "" {
		// A fix took effect after it had been given up. The record keeps what it cured.
		h.lateEffect()
	} else {
		h.recordDiagnosis(snapshot, diagnosed)
	}
	tried, err := r.inVain(ctx, h.request, diagnosed.Workload)
	if err != nil {
		return err
	}
	h.decide(snapshot, diagnosed, append(tried, h.status().Actions...))
	return nil
}

// memory is how long a fix that did not help is not tried again on an unchanged workload: a server that cannot start would
// be restarted with every question, and each restart pushes the last good revision further out of its history.
const memory = 10 * time.Minute

// inVain are the actions of earlier requests on the same workload that did not help, and after which nobody has changed it.
func (r *Reconciler) inVain(ctx context.Context, request *v1alpha1.HealingRequest, workload *v1alpha1.ObjectReference) ([]v1alpha1.ActionResult, error) {
	if workload == nil {
		return nil, nil
	}
	var earlier v1alpha1.HealingRequestList
	if err := r.Live.List(ctx, &earlier, client.InNamespace(request.Namespace)); err != nil {
		return nil, fmt.Errorf("listing the earlier requests: %w", err)
	}
	var tried []v1alpha1.ActionResult
	for i := range earlier.Items {
		for _, action := range earlier.Items[i].Status.Actions {
			recent := action.AppliedAt != nil && r.Clock.Since(action.AppliedAt.Time) < memory
			// The action itself made the next generation.
			unchanged := action.Object.UID == workload.UID && workload.Generation <= action.Object.Generation+1
			if action.State == v1alpha1.ActionIneffective && recent && unchanged && earlier.Items[i].UID != request.UID {
				tried = append(tried, action)
			}
		}
	}
	return tried, nil
}

// lateEffect marks the last change as the one that helped.
func (h *heal) lateEffect() {
	actions := h.status().Actions
	for i := len(actions) - 1; i >= 0; i-- {
		if actions[i].Type != v1alpha1.ActionWait && actions[i].State == v1alpha1.ActionIneffective {
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
func (h *heal) decide(snapshot *snapshot.Snapshot, diagnosed diagnosis.Diagnosis, tried []v1alpha1.ActionResult) {
	plan := remediation.Plan(remediation.Input{Snapshot: snapshot, Diagnosis: diagnosed, Policy: policy.Default(), Tried: tried})
	shown := h.status().Plan
	h.status().Plan = nil
	if len(plan.Actions) > 0 {
		h.status().Plan = &plan
	}
	service := snapshot.Service
	switch {
	case diagnosed.Cause == v1alpha1.CauseHealthy:
		h.healthy(snapshot, diagnosed)
	case service == nil || len(plan.Actions) == 0 || len(h.status().Actions) >= maxAttempts:
		h.giveUp(tried)
	case !mcpserver.OptedIn(service):
		h.refuse(service.Namespace, service.Name)
	case h.request.Spec.Mode == v1alpha1.ModeDryRun:
		h.set(v1alpha1.ConditionPlanned, metav1.ConditionTrue, v1alpha1.ReasonActionsPlanned, describe(plan))
		h.complete(v1alpha1.ReasonDryRun, "Dry run: would "+describe(plan)+". Nothing was changed.")
	case h.request.Spec.Mode == v1alpha1.ModeApproval && plan.Actions[0].Type != v1alpha1.ActionWait && !h.approved(shown, plan.Actions[0]):
		if h.request.Spec.Approval != "" && shown != nil {
			h.complete(v1alpha1.ReasonPlanChanged, "The approved plan no longer fits, and what would fit was not approved: "+describe(plan))
			return
		}
		h.set(v1alpha1.ConditionPlanned, metav1.ConditionFalse, v1alpha1.ReasonAwaitingApproval, describe(plan))
		h.say("Waiting for approval to " + describe(plan))
		h.tell(v1alpha1.ReasonAwaitingApproval, "Waiting for approval to "+describe(plan))
	default:
		h.set(v1alpha1.ConditionPlanned, metav1.ConditionTrue, v1alpha1.ReasonActionsPlanned, describe(plan))
	}
}

// approved reports whether a person has approved just this action, on just this object.
func (h *heal) approved(shown *v1alpha1.Plan, action v1alpha1.PlannedAction) bool {
	return h.request.Spec.Approval == v1alpha1.ApprovalApproved && shown != nil && slices.ContainsFunc(shown.Actions, func(a v1alpha1.PlannedAction) bool {
		return a.Type == action.Type && a.Object.UID == action.Object.UID && ptr.Equal(a.Replicas, action.Replicas)
	})
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
func (h *heal) refuse(namespace, service string) {
	message := fmt.Sprintf("Service %s does not carry the label %s=true, so nothing was changed", service, v1alpha1.LabelMCPServer)
	h.status().Plan = nil
	h.status().Recommendation = foreign.Line(fmt.Sprintf("Label the Service to let Cortex heal it. %s", h.status().Recommendation), 2048)
	h.status().SuggestedPatch = fmt.Sprintf("kubectl label service %s -n %s %s=true", service, namespace, v1alpha1.LabelMCPServer)
	h.set(v1alpha1.ConditionPlanned, metav1.ConditionFalse, v1alpha1.ReasonNotOptedIn, message)
	h.complete(v1alpha1.ReasonNotOptedIn, message)
}

// giveUp hands the request over to a person, with all that was found and tried.
func (h *heal) giveUp(tried []v1alpha1.ActionResult) {
	h.set(v1alpha1.ConditionPlanned, metav1.ConditionFalse, v1alpha1.ReasonNoSafeAction, "no action is left that is safe without a person")
	if h.status().FixApplied == "" {
		for _, action := range tried {
			if action.Type != v1alpha1.ActionWait && action.AppliedAt != nil {
				h.say(fmt.Sprintf("%s at %s did not help and is not tried again", action.Detail, action.AppliedAt.UTC().Format(time.TimeOnly)))
			}
		}
		h.complete(v1alpha1.ReasonManualFixNeeded, "Unable to fix automatically: "+h.status().Diagnosis)
		return
	}
	h.complete(v1alpha1.ReasonFixIneffective, fmt.Sprintf("%s, and it did not help: %s", h.status().FixApplied, h.status().Diagnosis))
}

// describe says what a plan would do, for people.
func describe(plan v1alpha1.Plan) string {
	words := make([]string, 0, len(plan.Actions))
	for _, action := range plan.Actions {
		object := strings.ToLower(action.Object.Kind) + " " + action.Object.Name
		switch {
		case action.Type == v1alpha1.ActionWait:
			words = append(words, "wait for "+object)
		case action.Replicas != nil:
			words = append(words, fmt.Sprintf("scale %s to %d", object, *action.Replicas))
		default:
			words = append(words, strings.ToLower(string(action.Type))+" "+object)
		}
	}
	return strings.Join(words, ", then ")
}
