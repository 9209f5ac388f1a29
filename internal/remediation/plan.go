// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

// Package remediation turns a diagnosis into actions as data, and applies an action exactly once. Each action has a file of its
// own: when it is planned, and what it changes.
package remediation

import (
	"slices"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis"
	"github.com/ry-ops/cortex/internal/diagnosis/finding"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/foreign"
	"github.com/ry-ops/cortex/internal/policy"
)

// ladders tell, for each cause, what is tried, in order. What is safe without a person comes first; whether a person is asked is
// the policy's. A cause that is not here is reported, with the patch that its finding suggests: what is wrong with it is a decision
// of a person (a selector, a port, a quota).
var ladders = map[v1alpha1.Cause][]v1alpha1.ActionType{
	v1alpha1.CauseScaledToZero:  {v1alpha1.ActionScale},
	v1alpha1.CauseRolloutPaused: {v1alpha1.ActionResume},
	v1alpha1.CauseRolloutStuck:  {v1alpha1.ActionDeletePods, v1alpha1.ActionRollback},
	v1alpha1.CauseCrashLoop:     {v1alpha1.ActionRestart, v1alpha1.ActionRollback},
	v1alpha1.CauseOOMKilled:     {v1alpha1.ActionRestart, v1alpha1.ActionRaiseMemoryLimit},
	v1alpha1.CauseUnresponsive:  {v1alpha1.ActionRestart},
	v1alpha1.CauseCPUOverload:   {v1alpha1.ActionScale},
	// A server that is stuck may come up anew. What the probe itself is wrong about is another cause.
	v1alpha1.CauseInitContainerFailed:   {v1alpha1.ActionRestart},
	v1alpha1.CauseLivenessProbeFailing:  {v1alpha1.ActionRestart},
	v1alpha1.CauseReadinessProbeFailing: {v1alpha1.ActionRestart},
	v1alpha1.CauseStartupProbeFailing:   {v1alpha1.ActionRestart},
	v1alpha1.CauseNoReadyEndpoints:      {v1alpha1.ActionWait, v1alpha1.ActionRestart},
	v1alpha1.CauseEvicted:               {v1alpha1.ActionDeletePods},
	v1alpha1.CauseStuckTerminating:      {v1alpha1.ActionDeletePods},
	// What a new revision names and nobody has: the revision before it may have run.
	v1alpha1.CauseImageNotFound:         {v1alpha1.ActionRollback},
	v1alpha1.CauseImagePullUnauthorized: {v1alpha1.ActionRollback},
	v1alpha1.CauseRegistryUnreachable:   {v1alpha1.ActionRollback},
	v1alpha1.CauseInvalidImageName:      {v1alpha1.ActionRollback},
	v1alpha1.CauseConfigMapNotFound:     {v1alpha1.ActionRollback},
	v1alpha1.CauseSecretNotFound:        {v1alpha1.ActionRollback},
	v1alpha1.CauseConfigKeyNotFound:     {v1alpha1.ActionRollback},
	v1alpha1.CauseContainerCannotRun:    {v1alpha1.ActionRollback},
	v1alpha1.CauseDependencyUnavailable: {v1alpha1.ActionHealDependency},
	// What nobody understands may be over in a moment, such as a container that has just been restarted. It gets
	// time, and nothing else.
	v1alpha1.CauseUnknown: {v1alpha1.ActionWait},
}

// Ladder is what is tried for a cause, in order. It is empty for a cause that is reported only.
func Ladder(cause v1alpha1.Cause) []v1alpha1.ActionType { return slices.Clone(ladders[cause]) }

// Input is all that a plan is made from.
type Input struct {
	Snapshot  *snapshot.Snapshot
	Diagnosis diagnosis.Diagnosis
	Policy    policy.Effective
	// Tried are the actions that did not help: of this request, and of earlier ones on the same workload that is still as
	// they left it.
	Tried []v1alpha1.ActionResult
}

// root is the finding that is acted on.
func (in Input) root() finding.Finding { return in.Diagnosis.Findings[0] }

// planners make an action of a type for the root cause, or say that there is none to be made.
var planners = map[v1alpha1.ActionType]func(Input) (v1alpha1.PlannedAction, bool){
	v1alpha1.ActionScale:            planScale,
	v1alpha1.ActionRestart:          planRestart,
	v1alpha1.ActionWait:             planWait,
	v1alpha1.ActionRollback:         planRollback,
	v1alpha1.ActionResume:           planResume,
	v1alpha1.ActionRaiseMemoryLimit: planRaiseMemoryLimit,
	v1alpha1.ActionDeletePods:       planDeletePods,
	v1alpha1.ActionPatch:            planPatch,
	v1alpha1.ActionHealDependency:   planDependency,
}

// Plan decides what to do about a diagnosis. What was tried before and did not help is not tried again, what the policy forbids is
// left out, and what others hold is left to them. An empty plan means that there is nothing that Cortex may do.
func Plan(in Input) v1alpha1.Plan { return restrain(draft(in), in) }

// draft is the plan before it is known who else has a hand in its objects.
func draft(in Input) v1alpha1.Plan {
	if len(in.Diagnosis.Findings) == 0 {
		return v1alpha1.Plan{}
	}
	var plan v1alpha1.Plan
	for _, actionType := range append(Ladder(in.Diagnosis.Cause), v1alpha1.ActionPatch) {
		permission := in.Policy.Permission(actionType)
		if permission == v1alpha1.PermissionNever {
			continue
		}
		action, ok := planners[actionType](in)
		action.Type = actionType
		if !ok || ineffective(action, in.Tried) {
			continue
		}
		action.Permission = stricterOf(permission, action.Permission)
		action.Reason, action.Detail = foreign.Line(action.Reason, reasonLimit), foreign.Line(action.Detail, reasonLimit)
		if len(action.Undo) > maxUndo {
			action.Undo = "" // half a command is worse than none
		}
		plan.Actions = append(plan.Actions, action)
	}
	return plan
}

// maxUndo bounds a command, in bytes (PlannedAction.undo, maxLength).
const maxUndo = 1024

// ineffective reports whether an action of the type was tried on the object. One that was skipped was not.
func ineffective(action v1alpha1.PlannedAction, tried []v1alpha1.ActionResult) bool {
	return slices.ContainsFunc(tried, func(result v1alpha1.ActionResult) bool {
		return result.Type == action.Type && result.Object.UID == action.Object.UID && result.State != v1alpha1.ActionSkipped
	})
}
