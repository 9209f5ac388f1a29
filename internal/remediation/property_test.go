// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package remediation_test

import (
	"encoding/json"
	"math/rand/v2"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/finding"
	"github.com/ry-ops/cortex/internal/policy"
	"github.com/ry-ops/cortex/internal/remediation"
)

// plans is how many plans of random targets and policies are made.
const plans = 20_000

// TestEveryPlan holds for the plan of any cause, history, policy and past: what is forbidden is not in it, what needs a person says so,
// every change names the one object and the state of it that it is for, and all of it can be stored and told.
func TestEveryPlan(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	seen := map[v1alpha1.ActionType]int{}
	for range plans {
		in := anything(t, random)
		plan := remediation.Plan(in)
		if len(plan.Actions) > 8 || len(plan.Actions) > 0 && remediation.Describe(plan) == "" {
			t.Errorf("%d actions: %s", len(plan.Actions), remediation.Describe(plan))
		}
		for _, action := range plan.Actions {
			seen[action.Type]++
			if why := wrong(in, action); why != "" {
				raw, err := json.MarshalIndent(action, "", "  ")
				t.Fatalf("%s %s: %s %v", in.Diagnosis.Cause, why, raw, err)
			}
		}
	}
	t.Logf("%d plans: %v", plans, seen)
	for _, actionType := range v1alpha1.ActionTypes() {
		if seen[actionType] == 0 && actionType != v1alpha1.ActionHealDependency { // that has a test of its own
			t.Errorf("no plan has a %s", actionType)
		}
	}
}

// wrong says what is wrong with a planned action; "" if nothing is.
func wrong(in remediation.Input, action v1alpha1.PlannedAction) string {
	allowed := in.Policy.Permission(action.Type)
	asks := action.Permission == v1alpha1.PermissionApproval
	switch {
	case allowed == v1alpha1.PermissionNever || action.Permission == v1alpha1.PermissionNever:
		return "is forbidden"
	case action.Permission == "" || allowed == v1alpha1.PermissionApproval && !asks:
		return "asks for less than the policy"
	case (action.Type == v1alpha1.ActionPatch || action.Risk == v1alpha1.RiskHigh) && !asks:
		return "asks nobody"
	case action.Object.UID == "" || action.Object.Name == "":
		return "names no object"
	case action.Object.Kind == string(v1alpha1.KindService) && action.Object.ResourceVersion == "",
		action.Object.Kind != string(v1alpha1.KindService) && action.Object.Generation == 0:
		return "names no state of its object"
	case action.Risk == "" || action.Reason == "" || action.Detail == "":
		return "does not say why, or what, or how risky"
	case len(action.Reason) > 512 || len(action.Detail) > 512 || len(action.Undo) > 1024 || len(action.Pods) > 32:
		return "cannot be stored"
	case action.Reversible && action.Type != v1alpha1.ActionWait && action.Undo == "":
		return "can be undone, and nobody is told how"
	case action.Revision != nil && action.Revision.UID == in.Snapshot.Workload.Object.GetUID():
		return "returns to itself"
	}
	for _, ref := range action.Pods {
		if ref.UID == "" || ref.Name == "" {
			return "deletes a pod that is not known"
		}
	}
	for _, tried := range in.Tried {
		if tried.Type == action.Type && tried.Object.UID == action.Object.UID && tried.State != v1alpha1.ActionSkipped {
			return "was tried in vain"
		}
	}
	return ""
}

// anything is a random target with a random cause, past and policy.
func anything(t *testing.T, random *rand.Rand) remediation.Input {
	t.Helper()
	var revisions []past
	for range 1 + random.IntN(4) {
		revisions = append(revisions, past{
			image: string(rune('a' + random.IntN(3))), age: time.Duration(random.IntN(48)) * time.Hour, ready: random.IntN(3), ill: random.IntN(3),
		})
	}
	causes := v1alpha1.Causes()
	cause := causes[random.IntN(len(causes))]
	in := ran(t, kinds[random.IntN(len(kinds))], cause, revisions...)
	root := &in.Diagnosis.Findings[0]
	root.Replicas, root.Stuck = int32(random.IntN(4)), random.IntN(4) == 0
	root.Container = []string{"", "server", "sidecar", "nobody"}[random.IntN(4)]
	root.Recommendation = "Do it."
	root.Pods = somePods(random)
	if random.IntN(2) == 0 {
		in.Snapshot.Service = &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "sandfly", UID: "s1", ResourceVersion: "7"}}
		root.Patch = finding.MergePatch(in.Snapshot.ServiceReference(), namespace, map[string]any{"spec": map[string]any{"type": "ClusterIP"}})
	}
	if d := in.Snapshot.All.Deployments; len(d) > 0 {
		d[0].Spec.Paused = random.IntN(4) == 0
	}
	in.Policy = somePolicy(random)
	for range random.IntN(3) {
		in.Tried = append(in.Tried, v1alpha1.ActionResult{
			Type: anyOf(random, v1alpha1.ActionTypes()), Object: v1alpha1.ObjectReference{UID: "u1"},
			State: anyOf(random, []v1alpha1.ActionState{v1alpha1.ActionIneffective, v1alpha1.ActionFailed, v1alpha1.ActionSkipped}),
		})
	}
	return in
}

func somePods(random *rand.Rand) []v1alpha1.ObjectReference {
	var refs []v1alpha1.ObjectReference
	for range random.IntN(40) {
		p := pod("p", corev1.PodFailed)
		refs = append(refs, v1alpha1.ObjectReference{Kind: "Pod", Name: p.Name, UID: p.UID, ResourceVersion: "1"})
	}
	return refs
}

// somePolicy is any permissions.
func somePolicy(random *rand.Rand) policy.Effective {
	permissions := []v1alpha1.Permission{v1alpha1.PermissionAuto, v1alpha1.PermissionApproval, v1alpha1.PermissionNever}
	of := policy.Default()
	of.Permissions = map[v1alpha1.ActionType]v1alpha1.Permission{}
	for _, actionType := range v1alpha1.ActionTypes() {
		of.Permissions[actionType] = anyOf(random, permissions)
	}
	of.GitOps, of.PausedRollouts = anyOf(random, permissions), anyOf(random, permissions)
	return of
}

func anyOf[T any](random *rand.Rand, of []T) T { return of[random.IntN(len(of))] }
