// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

// Package remediation turns a diagnosis into actions as data, and applies an action exactly once.
package remediation

import (
	"fmt"
	"slices"

	"k8s.io/utils/ptr"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis"
	"github.com/ry-ops/cortex/internal/diagnosis/finding"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/policy"
)

// ladders tell, for each cause that is safe to fix without a person, what is tried, in order. A cause that is not
// here is reported only: what is wrong with it is a decision of a person (an image, a selector, a Secret).
var ladders = map[v1alpha1.Cause][]v1alpha1.ActionType{
	v1alpha1.CauseScaledToZero: {v1alpha1.ActionScale},
	v1alpha1.CauseCrashLoop:    {v1alpha1.ActionRestart},
	v1alpha1.CauseOOMKilled:    {v1alpha1.ActionRestart},
	v1alpha1.CauseUnresponsive: {v1alpha1.ActionRestart},
	// A server that is stuck may come up anew. What the probe itself is wrong about is another cause, and reported only.
	v1alpha1.CauseInitContainerFailed:   {v1alpha1.ActionRestart},
	v1alpha1.CauseLivenessProbeFailing:  {v1alpha1.ActionRestart},
	v1alpha1.CauseReadinessProbeFailing: {v1alpha1.ActionRestart},
	v1alpha1.CauseStartupProbeFailing:   {v1alpha1.ActionRestart},
	v1alpha1.CauseNoReadyEndpoints:      {v1alpha1.ActionWait, v1alpha1.ActionRestart},
	// What nobody understands may be over in a moment, such as a container that has just been restarted. It gets
	// time, and nothing else.
	v1alpha1.CauseUnknown: {v1alpha1.ActionWait},
}

// Input is all that a plan is made from.
type Input struct {
	Snapshot  *snapshot.Snapshot
	Diagnosis diagnosis.Diagnosis
	Policy    policy.Effective
	// Tried are the actions that did not help: of this request, and of earlier ones on the same workload that is still as
	// they left it.
	Tried []v1alpha1.ActionResult
}

// Plan decides what to do about a diagnosis. What was tried before and did not help is not tried again, and what the policy
// forbids is left out, and so is what somebody else sees to. An empty plan means that there is nothing that Cortex may do.
func Plan(in Input) v1alpha1.Plan { return restrain(draft(in), in) }

// draft is the plan before what others hold is left out of it.
func draft(in Input) v1alpha1.Plan {
	diagnosed := in.Diagnosis
	if diagnosed.Workload == nil || len(diagnosed.Findings) == 0 {
		return v1alpha1.Plan{}
	}
	root := diagnosed.Findings[0]
	var plan v1alpha1.Plan
	for _, actionType := range ladders[diagnosed.Cause] {
		permission := in.Policy.Permission(actionType)
		if permission == v1alpha1.PermissionNever || root.Stuck && actionType == v1alpha1.ActionRestart {
			continue
		}
		if !ineffective(actionType, diagnosed.Workload, in.Tried) {
			action := planned(actionType, root, *diagnosed.Workload)
			action.Permission = permission
			plan.Actions = append(plan.Actions, action)
		}
	}
	return plan
}

func planned(actionType v1alpha1.ActionType, root finding.Finding, object v1alpha1.ObjectReference) v1alpha1.PlannedAction {
	action := v1alpha1.PlannedAction{Type: actionType, Object: object}
	switch actionType {
	case v1alpha1.ActionScale:
		action.Replicas = ptr.To(root.Replicas)
		action.Risk, action.Reversible = v1alpha1.RiskLow, true
		action.Reason = fmt.Sprintf("%s %s has no replicas; %d ran before", object.Kind, object.Name, root.Replicas)
	case v1alpha1.ActionRestart:
		action.Risk = v1alpha1.RiskLow
		action.Reason = fmt.Sprintf("new pods of %s %s start from a clean state", object.Kind, object.Name)
	case v1alpha1.ActionWait:
		action.Risk, action.Reversible = v1alpha1.RiskNone, true
		action.Reason = "the pods may become ready by themselves"
	}
	return action
}

func ineffective(actionType v1alpha1.ActionType, object *v1alpha1.ObjectReference, tried []v1alpha1.ActionResult) bool {
	for _, result := range tried {
		if result.Type == actionType && result.Object.UID == object.UID && result.State != v1alpha1.ActionSkipped {
			return true
		}
	}
	return false
}

// Ladder is what is tried for a cause without a person, in order. It is empty for a cause that is reported only.
func Ladder(cause v1alpha1.Cause) []v1alpha1.ActionType { return slices.Clone(ladders[cause]) }
