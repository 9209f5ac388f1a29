// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package remediation

import (
	"fmt"
	"strings"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/words"
)

// Describe says what a plan would do, for people: "restart deployment x, then roll deployment x back to revision 3".
func Describe(plan v1alpha1.Plan) string {
	told := make([]string, 0, len(plan.Actions))
	for _, action := range plan.Actions {
		told = append(told, describe(action))
	}
	return strings.Join(told, ", then ")
}

func describe(action v1alpha1.PlannedAction) string {
	object := lower(action.Object)
	switch {
	case action.Type == v1alpha1.ActionWait:
		return "wait for " + object
	case action.Type == v1alpha1.ActionScale && action.Replicas != nil:
		return fmt.Sprintf("scale %s to %d", object, *action.Replicas)
	case action.Type == v1alpha1.ActionRollback && action.Revision != nil:
		return fmt.Sprintf("roll %s back to revision %d", object, action.RevisionNumber)
	case action.Type == v1alpha1.ActionResume:
		return "resume the rollout of " + object
	case action.Type == v1alpha1.ActionRaiseMemoryLimit && action.MemoryLimit != nil:
		return fmt.Sprintf("raise the memory limit of container %s of %s to %s", action.Container, object, action.MemoryLimit)
	case action.Type == v1alpha1.ActionDeletePods:
		return fmt.Sprintf("delete %s of %s", words.Count(len(action.Pods), "pod"), object)
	case action.Type == v1alpha1.ActionHealDependency:
		return fmt.Sprintf("heal service %s first", action.Dependency)
	default:
		return strings.ToLower(string(action.Type)) + " " + object
	}
}

// lower names an object in a sentence, as the spec's events do: "deployment sandfly-mcp-server".
func lower(ref v1alpha1.ObjectReference) string { return strings.ToLower(ref.Kind) + " " + ref.Name }

// slashed names an object to kubectl: "deployment/sandfly-mcp-server".
func slashed(ref v1alpha1.ObjectReference) string { return strings.ToLower(ref.Kind) + "/" + ref.Name }
