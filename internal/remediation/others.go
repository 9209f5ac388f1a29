// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package remediation

import (
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/foreign"
	"github.com/ry-ops/cortex/internal/ownership"
	"github.com/ry-ops/cortex/internal/workload"
)

// This file is about living with others: scalers, GitOps tools, people who declare or pause. What they hold is not fought over.

// What is said of the others has to fit into the reason of an action (maxLength 512), beside why it is taken.
const (
	reasonLimit = 512
	othersLimit = 384
)

// ruling is what one of the others has to do with an action.
type ruling struct {
	// drop leaves the action out.
	drop bool
	// atLeast is the permission that it takes; empty asks for none.
	atLeast v1alpha1.Permission
	// said is a sentence for people, without its end.
	said string
	// quiet: there is nothing in the way, so said belongs to the reason of the action only.
	quiet bool
}

// subject is an action and what it changes.
type subject struct {
	in     Input
	action *v1alpha1.PlannedAction
	fields []path
	object metav1.Object
	// workload is nil for an object of another kind.
	workload *workload.Workload
}

// rules are asked in this order: who knows that the action is of no use first.
var rules = []func(subject) ruling{scaled, paused, kept, declared, budgeted}

// restrain leaves out of a plan what somebody else sees to, and asks a person about what somebody else holds.
func restrain(plan v1alpha1.Plan, in Input) v1alpha1.Plan {
	plan, _ = weigh(plan, in)
	return plan
}

// Notes tell people what of the plan was left out or needs an answer since somebody else holds it.
func Notes(in Input) []string {
	_, notes := weigh(draft(in), in)
	return notes
}

func weigh(plan v1alpha1.Plan, in Input) (v1alpha1.Plan, []string) {
	var left v1alpha1.Plan
	var notes []string
	for _, action := range plan.Actions {
		said, dropped := consider(&action, in)
		for _, note := range said {
			if !slices.Contains(notes, note) {
				notes = append(notes, note)
			}
		}
		if !dropped {
			left.Actions = append(left.Actions, action)
		}
	}
	return left, notes
}

// consider asks every rule about one action. The first that drops it is the last to speak.
func consider(action *v1alpha1.PlannedAction, in Input) (notes []string, dropped bool) {
	about := subject{in: in, action: action, fields: fieldsOf(*action)}
	about.object, about.workload = find(in.Snapshot, action.Object)
	if len(about.fields) == 0 || about.object == nil {
		return nil, false
	}
	var reasons []string
	for _, rule := range rules {
		r := rule(about)
		if r.said == "" {
			continue
		}
		if r.drop || r.atLeast == v1alpha1.PermissionNever {
			return append(notes, foreign.Line(undone[action.Type]+": "+r.said, reasonLimit)), true
		}
		action.Permission = stricterOf(action.Permission, r.atLeast)
		reasons = append(reasons, r.said)
		if !r.quiet {
			notes = append(notes, foreign.Line(string(action.Type)+": "+r.said, reasonLimit))
		}
	}
	if len(reasons) > 0 {
		others := foreign.Line(strings.Join(reasons, "; "), othersLimit)
		action.Reason = foreign.Line(action.Reason, reasonLimit-othersLimit) + "; " + others
		action.Reason = foreign.Line(strings.TrimPrefix(action.Reason, "; "), reasonLimit)
	}
	return notes, false
}

// undone says of each action that it was not taken.
var undone = map[v1alpha1.ActionType]string{
	v1alpha1.ActionScale:            "Not scaled",
	v1alpha1.ActionRestart:          "Not restarted",
	v1alpha1.ActionRollback:         "Not rolled back",
	v1alpha1.ActionResume:           "Not resumed",
	v1alpha1.ActionRaiseMemoryLimit: "Memory limit not raised",
	v1alpha1.ActionPatch:            "Not patched",
}

// scaled is about what sets the replica count. A scaler is never fought: what it holds at a count has that count by its rules.
// Only a HorizontalPodAutoscaler that does not act on a workload at 0 waits for somebody to scale it up, to a count of its.
func scaled(s subject) ruling {
	if s.workload == nil || !s.changes(replicasField) {
		return ruling{}
	}
	scaler, ok := ownership.ScalerOf(s.workload, s.in.Snapshot.AutoscalerOf(s.workload))
	if !ok {
		return ruling{}
	}
	if scaler.LeavesZero() && s.workload.Replicas == 0 {
		count := max(scaler.Min, min(ptr.Deref(s.action.Replicas, scaler.Min), scaler.Max))
		if s.action.Type == v1alpha1.ActionScale {
			s.action.Replicas = &count
		}
		says := ""
		if scaler.Disabled {
			says = " (it says ScalingDisabled)"
		}
		return ruling{said: fmt.Sprintf("%s does not act on a workload at 0%s and takes over from %d", scaler, says, count), quiet: true}
	}
	said := fmt.Sprintf("%s scales it, between %d and %d", scaler, scaler.Min, scaler.Max)
	switch {
	case scaler.Kind == ownership.KEDA:
		said = scaler.String() + " scales it by its triggers, to 0 by design where there is nothing to do"
	case scaler.Kind == ownership.KubeDownscaler:
		said = scaler.String() + " scaled it down by its schedule"
	case scaler.Min == 0 && s.workload.Replicas == 0:
		said = scaler.String() + " has minReplicas 0 and scaled it there; set minReplicas to at least 1"
	case scaler.Wants >= scaler.Max:
		said = fmt.Sprintf("%s scales it and is at its maxReplicas of %d; raise that for more", scaler, scaler.Max)
	}
	return ruling{drop: true, said: said}
}

// paused is about a rollout that somebody has paused. What is changed in the template meanwhile is not rolled out, so kubectl
// refuses to restart or to roll back such a Deployment too. The rest is as the policy says.
func paused(s subject) ruling {
	deployment, ok := s.object.(*appsv1.Deployment)
	if !ok || !deployment.Spec.Paused {
		return ruling{}
	}
	if s.action.Type != v1alpha1.ActionPatch && s.changes(templateField) {
		return ruling{drop: true, said: fmt.Sprintf("%s is paused, so nothing of its template is rolled out; resume it first", s.workload)}
	}
	said := fmt.Sprintf("somebody paused %s (spec.paused)", s.workload)
	if s.in.Policy.PausedRollouts == v1alpha1.PermissionNever {
		said += ", and the policy leaves paused rollouts alone"
	}
	return ruling{atLeast: s.in.Policy.PausedRollouts, said: said}
}

// kept is about an object that Argo CD or Flux keeps as Git says.
func kept(s subject) ruling {
	var keeper ownership.Keeper
	var sure, unsure []string
	for _, field := range s.fields {
		by, hold := ownership.HoldsField(s.object, field...)
		switch hold {
		case ownership.Holds:
			keeper, sure = by, append(sure, field.String())
		case ownership.MayHold:
			keeper, unsure = by, append(unsure, field.String())
		}
	}
	var said string
	switch {
	case len(sure) > 0:
		said = fmt.Sprintf("%s will undo it; change %s in Git", keeper, strings.Join(sure, ", "))
	case len(unsure) > 0:
		said = fmt.Sprintf("%s will undo it if Git holds %s; then change it there", keeper, strings.Join(unsure, ", "))
	default:
		return ruling{}
	}
	if s.in.Policy.GitOps == v1alpha1.PermissionNever {
		said += " (the policy leaves to Git what Git holds)"
	}
	return ruling{atLeast: s.in.Policy.GitOps, said: said}
}

// declared is about a field that somebody else declares by server-side apply. The next apply would take it back, or fail.
func declared(s subject) ruling {
	keeper, _ := ownership.GitOps(s.object)
	for _, field := range s.fields {
		owner, ok := ownership.FieldOwner(s.object, field...)
		if ok && owner.Applied && owner.Manager != v1alpha1.FieldManager && owner.Manager != keeper.Manager() {
			return ruling{atLeast: v1alpha1.PermissionApproval, said: fmt.Sprintf("%s declares %s by server-side apply and may take it back", owner.Manager, field)}
		}
	}
	return ruling{}
}

func (s subject) changes(field path) bool {
	return slices.ContainsFunc(s.fields, func(f path) bool { return f.under(field) })
}

// find returns the object that an action changes: a workload or a Service. Any other has no declared fields that are known.
func find(s *snapshot.Snapshot, ref v1alpha1.ObjectReference) (metav1.Object, *workload.Workload) {
	if s == nil || ref.Namespace != "" && ref.Namespace != s.Namespace {
		return nil, nil
	}
	if service := snapshot.ServiceNamed(s.Services, ref.Name); service != nil && ref.Kind == snapshot.KindService {
		return service, nil
	}
	for _, w := range s.Workloads {
		if string(w.Kind) == ref.Kind && w.Object.GetName() == ref.Name {
			return w.Object, w
		}
	}
	return nil, nil
}

// stricterOf two permissions. The empty one is the loosest.
func stricterOf(a, b v1alpha1.Permission) v1alpha1.Permission {
	order := []v1alpha1.Permission{"", v1alpha1.PermissionAuto, v1alpha1.PermissionApproval, v1alpha1.PermissionNever}
	if slices.Index(order, b) > slices.Index(order, a) {
		return b
	}
	return a
}
