// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package history

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/words"
	"github.com/ry-ops/cortex/internal/page"
)

// Plan writes all of what a request means to do, for a person who answers for it.
func Plan(to io.Writer, r *v1alpha1.HealingRequest, style Style) error {
	p := style.page()
	planLines(p, r)
	_, err := p.WriteTo(to)
	return err
}

func planLines(p *page.Page, r *v1alpha1.HealingRequest) {
	if r.Status.Plan == nil || len(r.Status.Plan.Actions) == 0 {
		p.Line("%s", p.In(page.Bold, "There is no plan yet."))
		return
	}
	p.Line("%s", p.In(page.Bold, "Plan:"))
	for i, move := range PlanOf(r) {
		p.Line("  %d. %s", i+1, p.In(page.Bold, move.Does))
		p.Line("     %s", p.In(page.Dim, move.Hazard))
		if move.Reason != "" {
			p.Line("     %s", move.Reason)
		}
		if move.Patch != "" {
			p.Line("     %s", move.Patch)
		}
	}
	if len(r.Status.Plan.Actions) > 1 {
		p.Line("  %s", p.In(page.Dim, "The first runs. Only if it does not help the service is looked at again, and another of these may follow."))
	}
}

// Move is an action of a plan, fit to show to a person who answers for it.
type Move struct {
	Does   string `json:"does"`
	Hazard string `json:"hazard"`
	Reason string `json:"reason"`
	// Patch in full, with its type; empty if the action is none.
	Patch string `json:"patch"`
}

// PlanOf gives all of what a request means to do; never nil.
func PlanOf(r *v1alpha1.HealingRequest) []Move {
	moves := []Move{}
	if r.Status.Plan == nil {
		return moves
	}
	for _, a := range r.Status.Plan.Actions {
		move := Move{Does: Do(a), Hazard: hazard(a), Reason: line(a.Reason, maxDetail)}
		if a.Patch != nil {
			move.Patch = line(string(a.Patch.Type), maxName) + " patch: " + Exact(a.Patch.Data)
		}
		moves = append(moves, move)
	}
	return moves
}

// Do says in the imperative what an action does.
func Do(a v1alpha1.PlannedAction) string {
	object := objectOf(a.Object)
	switch a.Type {
	case v1alpha1.ActionScale:
		if a.Replicas != nil {
			return fmt.Sprintf("Scale %s to %s", object, words.Count(int(*a.Replicas), "replica"))
		}
	case v1alpha1.ActionRollback:
		if a.Revision != nil {
			return fmt.Sprintf("Roll %s back to %s", object, objectOf(*a.Revision))
		}
	case v1alpha1.ActionResume:
		return "Resume the rollout of " + object
	case v1alpha1.ActionRaiseMemoryLimit:
		if a.MemoryLimit != nil {
			return fmt.Sprintf("Raise the memory limit of container %s of %s to %s", line(a.Container, maxName), object, a.MemoryLimit)
		}
	case v1alpha1.ActionDeletePods:
		return fmt.Sprintf("Delete %s of %s: %s", words.Count(len(a.Pods), "pod"), object, strings.Join(podNames(a.Pods), ", "))
	case v1alpha1.ActionHealDependency:
		return fmt.Sprintf("Heal Service %s, which %s cannot do without", line(a.Dependency, maxName), object)
	case v1alpha1.ActionWait:
		return "Wait for " + object
	}
	return line(string(a.Type), maxName) + " " + object
}

func podNames(pods []v1alpha1.ObjectReference) []string {
	return words.Names(pods, func(pod *v1alpha1.ObjectReference) string { return line(pod.Name, maxName) })
}

// hazard says how much an action can hurt: "risk medium · can be undone · needs approval".
func hazard(a v1alpha1.PlannedAction) string {
	parts := []string{"risk " + strings.ToLower(line(string(cmp.Or(a.Risk, "unknown")), maxName))}
	switch {
	case a.Type == v1alpha1.ActionWait, a.Type == v1alpha1.ActionHealDependency:
		parts = append(parts, "changes nothing itself")
	case a.Reversible:
		parts = append(parts, "can be undone")
	default:
		parts = append(parts, "cannot be undone")
	}
	if a.Permission == v1alpha1.PermissionApproval {
		parts = append(parts, "needs approval")
	}
	return strings.Join(parts, " · ")
}
