// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package remediation_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/finding"
	"github.com/ry-ops/cortex/internal/remediation"
)

// target is a workload of two replicas whose only pod is not ready.
func target(t *testing.T, kind v1alpha1.TargetKind, cause v1alpha1.Cause, change ...func(*remediation.Input)) remediation.Input {
	t.Helper()
	in := ran(t, kind, cause, past{"v1", 48 * time.Hour, 0, 1})
	for _, c := range change {
		c(&in)
	}
	return in
}

// told is what a plan tells of an action, a line each.
func told(action v1alpha1.PlannedAction) string {
	return fmt.Sprintf("%s %s %s reversible=%t\n%s\n%s\n%s", action.Type, action.Permission, action.Risk, action.Reversible, action.Reason, action.Detail, action.Undo)
}

// permits sets the permission of an action.
func permits(actionType v1alpha1.ActionType, permission v1alpha1.Permission) func(*remediation.Input) {
	return func(in *remediation.Input) { in.Policy.Permissions[actionType] = permission }
}

// ends names so many pods in the root finding.
func ends(n int) func(*remediation.Input) {
	return func(in *remediation.Input) {
		for i := range n {
			in.Diagnosis.Findings[0].Pods = append(in.Diagnosis.Findings[0].Pods, v1alpha1.ObjectReference{Kind: "Pod", Name: fmt.Sprint("p", i), UID: "p", ResourceVersion: "4"})
		}
	}
}

// TestPlanners is about what each action says of itself, and about when there is none. A rollback and a memory limit have tables of
// their own.
func TestPlanners(t *testing.T) {
	const deployment, set, daemons = v1alpha1.KindDeployment, v1alpha1.KindStatefulSet, v1alpha1.KindDaemonSet
	count := func(n int32) func(*remediation.Input) {
		return func(in *remediation.Input) { in.Snapshot.Workload.Replicas, in.Diagnosis.Findings[0].Replicas = 0, n }
	}
	stuck := func(in *remediation.Input) { in.Diagnosis.Findings[0].Stuck = true }
	pause := func(in *remediation.Input) { in.Snapshot.All.Deployments[0].Spec.Paused = true }
	nobody := func(in *remediation.Input) { in.Snapshot.Workload = nil }
	const zero, overload, crash, evicted, terminating = v1alpha1.CauseScaledToZero, v1alpha1.CauseCPUOverload, v1alpha1.CauseCrashLoop, v1alpha1.CauseEvicted, v1alpha1.CauseStuckTerminating
	auto, approval, never := v1alpha1.PermissionAuto, v1alpha1.PermissionApproval, v1alpha1.PermissionNever
	tests := map[string]struct {
		in remediation.Input
		// want is all that the plan tells; "" of an empty one.
		want string
		// words of Describe.
		words string
	}{
		"from zero": {
			target(t, deployment, zero, count(3)),
			"Scale Auto Low reversible=true\nDeployment sandfly has no replicas; 3 ran before\nScaled deployment sandfly from 0 to 3\nkubectl scale deployment/sandfly -n cortex-system --replicas=0",
			"scale deployment sandfly to 3",
		},
		"from zero, a StatefulSet": {
			target(t, set, zero, count(1)),
			"Scale Auto Low reversible=true\nStatefulSet sandfly has no replicas; 1 ran before\nScaled statefulset sandfly from 0 to 1\nkubectl scale statefulset/sandfly -n cortex-system --replicas=0",
			"scale statefulset sandfly to 1",
		},
		"from zero, asked":             {target(t, deployment, zero, count(3), permits(v1alpha1.ActionScale, approval)), "Scale Approval Low reversible=true\n", "scale deployment sandfly to 3"},
		"from zero, forbidden":         {target(t, deployment, zero, count(3), permits(v1alpha1.ActionScale, never)), "", ""},
		"from zero to nobody knows":    {target(t, deployment, zero, count(0)), "", ""},
		"a DaemonSet has no count":     {target(t, daemons, zero, count(3)), "", ""},
		"no workload to scale":         {target(t, deployment, zero, count(3), nobody), "", ""},
		"up, a matter of cost":         {target(t, deployment, overload, permits(v1alpha1.ActionScale, auto)), "Scale Approval Low reversible=true\nDeployment sandfly has used up its CPU with 2 replicas\nScaled deployment sandfly from 2 to 3\nkubectl scale deployment/sandfly -n cortex-system --replicas=2", "scale deployment sandfly to 3"},
		"up, a DaemonSet":              {target(t, daemons, overload), "", ""},
		"restart":                      {target(t, daemons, crash), "Restart Auto Low reversible=false\nnew pods of DaemonSet sandfly start from a clean state\nRestarted daemonset sandfly\n", "restart daemonset sandfly"},
		"restart where nothing starts": {target(t, deployment, crash, stuck), "", ""},
		"restart of nothing":           {target(t, deployment, crash, nobody), "", ""},
		"restart, forbidden":           {target(t, deployment, crash, permits(v1alpha1.ActionRestart, never)), "", ""},
		"resume": {
			target(t, deployment, v1alpha1.CauseRolloutPaused, pause, func(in *remediation.Input) { in.Policy.PausedRollouts = auto }, permits(v1alpha1.ActionResume, auto)),
			"Resume Auto Medium reversible=true\nthe rollout of Deployment sandfly is paused, and its newest template is not rolled out; somebody paused Deployment sandfly (spec.paused)\nResumed the rollout of deployment sandfly\nkubectl rollout pause deployment/sandfly -n cortex-system",
			"resume the rollout of deployment sandfly",
		},
		"resume, asked":          {target(t, deployment, v1alpha1.CauseRolloutPaused, pause, permits(v1alpha1.ActionResume, auto)), "Resume Approval Medium reversible=true\n", "resume the rollout of deployment sandfly"},
		"resume what goes on":    {target(t, deployment, v1alpha1.CauseRolloutPaused), "", ""},
		"resume a StatefulSet":   {target(t, set, v1alpha1.CauseRolloutPaused), "", ""},
		"evicted":                {target(t, deployment, evicted, ends(2)), "DeletePods Auto Low reversible=false\n2 pods of Deployment sandfly ended and did not go\nDeleted 2 pods of deployment sandfly that had ended\n", "delete 2 pods of deployment sandfly"},
		"evicted, one":           {target(t, set, evicted, ends(1)), "DeletePods Auto Low reversible=false\n1 pod of StatefulSet sandfly ended and did not go\nDeleted 1 pod of statefulset sandfly that had ended\n", "delete 1 pod of statefulset sandfly"},
		"evicted, nobody named":  {target(t, deployment, evicted), "", ""},
		"evicted, no workload":   {target(t, deployment, evicted, ends(1), nobody), "", ""},
		"by force, always asked": {target(t, set, terminating, ends(2), permits(v1alpha1.ActionDeletePods, auto)), "DeletePods Approval High reversible=false\nthe node of 2 pods of StatefulSet sandfly is gone, so nobody can report an end\nDeleted 2 pods of statefulset sandfly whose node is gone, by force\n", "delete 2 pods of statefulset sandfly"},
		"by force, forbidden":    {target(t, set, terminating, ends(2), permits(v1alpha1.ActionDeletePods, never)), "", ""},
		"by force, no node gone": {target(t, set, terminating), "", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			plan := remediation.Plan(test.in)
			if test.want == "" {
				if len(plan.Actions) > 0 {
					t.Errorf("%+v", plan)
				}
				return
			}
			if len(plan.Actions) != 1 || !strings.HasPrefix(told(plan.Actions[0]), test.want) {
				t.Fatalf("%+v\nwant %s", plan, test.want)
			}
			if got := remediation.Describe(plan); got != test.words {
				t.Errorf("%q, want %q", got, test.words)
			}
			for _, ref := range plan.Actions[0].Pods {
				if ref.ResourceVersion != "" {
					t.Errorf("%+v names the state of a pod, which its kubelet writes", ref)
				}
			}
		})
	}
}

// TestPlanNamesSoManyPods and no more than a status holds.
func TestPlanNamesSoManyPods(t *testing.T) {
	plan := remediation.Plan(target(t, v1alpha1.KindDeployment, v1alpha1.CauseEvicted, ends(40)))
	if len(plan.Actions) != 1 || len(plan.Actions[0].Pods) != 32 || !strings.Contains(plan.Actions[0].Detail, "32 pods") {
		t.Errorf("%+v", plan)
	}
}

// TestPlanPatch: the patch that was suggested, of the target alone, and only when a person says so.
func TestPlanPatch(t *testing.T) {
	service := v1alpha1.ObjectReference{Kind: "Service", Name: "sandfly", UID: "s1", ResourceVersion: "7"}
	suggests := func(object v1alpha1.ObjectReference) func(*remediation.Input) {
		return func(in *remediation.Input) {
			in.Snapshot.Service = &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "sandfly", UID: "s1", ResourceVersion: "7"}}
			in.Diagnosis.Findings[0].Suggest(finding.MergePatch(object, namespace, map[string]any{"spec": map[string]any{"selector": map[string]any{"app": "x"}}}))
			in.Diagnosis.Findings[0].Recommendation = "Select the pods."
		}
	}
	auto := permits(v1alpha1.ActionPatch, v1alpha1.PermissionAuto)
	workload := v1alpha1.ObjectReference{Kind: "Deployment", Name: "sandfly", UID: "u1", Generation: 3}
	client := v1alpha1.ObjectReference{Kind: "Deployment", Name: "agent", UID: "u7", Generation: 1}
	anew := v1alpha1.ObjectReference{Kind: "Service", Name: "sandfly", UID: "s2", ResourceVersion: "9"}
	const selector, quota = v1alpha1.CauseSelectorMismatch, v1alpha1.CauseQuotaExceeded
	tests := map[string]struct {
		cause  v1alpha1.Cause
		change []func(*remediation.Input)
		want   *v1alpha1.ObjectReference
	}{
		"of the Service":                      {selector, []func(*remediation.Input){suggests(service), auto}, &service},
		"of the workload":                     {quota, []func(*remediation.Input){suggests(workload), auto}, &workload},
		"of a Service without a workload":     {selector, []func(*remediation.Input){suggests(service), auto, func(in *remediation.Input) { in.Snapshot.Workload = nil }}, &service},
		"of a client":                         {v1alpha1.CauseServicePortMismatch, []func(*remediation.Input){suggests(client), auto}, nil},
		"of another Service of the same name": {selector, []func(*remediation.Input){suggests(anew), auto}, nil},
		"forbidden":                           {selector, []func(*remediation.Input){suggests(service), permits(v1alpha1.ActionPatch, v1alpha1.PermissionNever)}, nil},
		"none":                                {selector, []func(*remediation.Input){auto}, nil},
		"a Scale covers it":                   {v1alpha1.CauseScaledToZero, []func(*remediation.Input){suggests(workload), auto}, nil},
		"a Resume covers it":                  {v1alpha1.CauseRolloutPaused, []func(*remediation.Input){suggests(workload), auto}, nil},
		"a RaiseMemoryLimit covers it":        {v1alpha1.CauseOOMKilled, []func(*remediation.Input){suggests(workload), auto}, nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			in := target(t, v1alpha1.KindDeployment, test.cause, test.change...)
			actions := remediation.Plan(in).Actions
			i := slices.IndexFunc(actions, func(a v1alpha1.PlannedAction) bool { return a.Type == v1alpha1.ActionPatch })
			if (i >= 0) != (test.want != nil) {
				t.Fatalf("%+v", actions)
			}
			if i < 0 {
				return
			}
			action, root := actions[i], in.Diagnosis.Findings[0]
			want := "Patch Approval Medium reversible=false\nSelect the pods.\nPatched " + strings.ToLower(test.want.Kind) + " sandfly as suggested: " + root.SuggestedPatch + "\n"
			if action.Object != *test.want || *action.Patch != root.Patch.Patch || told(action) != want {
				t.Errorf("%+v\n%s\nwant %s", action, told(action), want)
			}
		})
	}
}
