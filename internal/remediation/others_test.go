// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package remediation

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis"
	"github.com/ry-ops/cortex/internal/diagnosis/finding"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/policy"
)

const testNamespace = "mcp"

// world is a Deployment of that many replicas, of which as many pods are ready, and what stands around it.
type world struct {
	objects    snapshot.Objects
	deployment *appsv1.Deployment
	policy     policy.Effective
}

func newWorld(replicas int32, with ...func(*world)) Input {
	labels := map[string]string{"app": "sandfly"}
	w := &world{policy: policy.Default(), deployment: &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Namespace: testNamespace, Name: "sandfly", UID: "u1"},
		Spec: appsv1.DeploymentSpec{
			Replicas: &replicas, Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}},
		},
	}}
	for i := range replicas {
		w.objects.Pods = append(w.objects.Pods, corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Namespace: testNamespace, Name: fmt.Sprintf("sandfly-7d9c-%d", i), Labels: map[string]string{appsv1.DefaultDeploymentUniqueLabelKey: "7d9c"},
				OwnerReferences: []metav1.OwnerReference{{Kind: "ReplicaSet", Name: "sandfly-7d9c", Controller: ptr.To(true)}}},
			Status: corev1.PodStatus{Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}},
		})
	}
	for _, change := range with {
		change(w)
	}
	w.objects.Deployments = []appsv1.Deployment{*w.deployment}
	w.objects.Services = []corev1.Service{{ObjectMeta: metav1.ObjectMeta{Namespace: testNamespace, Name: "sandfly"}, Spec: corev1.ServiceSpec{Selector: labels}}}
	s := snapshot.Assemble(testNamespace, v1alpha1.TargetReference{Kind: v1alpha1.KindService, Name: "sandfly"}, &w.objects)
	return Input{Snapshot: s, Policy: w.policy}
}

func at(object v1alpha1.ObjectReference, actionType v1alpha1.ActionType) v1alpha1.PlannedAction {
	action := v1alpha1.PlannedAction{Type: actionType, Object: object, Permission: v1alpha1.PermissionAuto, Reason: "it helps", Container: "server"}
	if actionType == v1alpha1.ActionScale {
		action.Replicas = ptr.To[int32](2)
	}
	return action
}

var sandflyRef = v1alpha1.ObjectReference{Kind: "Deployment", Name: "sandfly", UID: "u1"}

func hpa(minimum, maximum, wants int32, labels map[string]string) func(*world) {
	return func(w *world) {
		w.objects.Autoscalers = []autoscalingv2.HorizontalPodAutoscaler{{
			ObjectMeta: metav1.ObjectMeta{Namespace: testNamespace, Name: "sandfly", Labels: labels},
			Spec:       autoscalingv2.HorizontalPodAutoscalerSpec{MinReplicas: &minimum, MaxReplicas: maximum, ScaleTargetRef: autoscalingv2.CrossVersionObjectReference{Kind: "Deployment", Name: "sandfly"}},
			Status:     autoscalingv2.HorizontalPodAutoscalerStatus{DesiredReplicas: wants},
		}}
	}
}

// disabled is what the HPA controller says of a workload at 0.
func disabled(w *world) {
	w.objects.Autoscalers[0].Status.Conditions = []autoscalingv2.HorizontalPodAutoscalerCondition{{Type: autoscalingv2.ScalingActive, Status: corev1.ConditionFalse, Reason: "ScalingDisabled"}}
}

func managed(manager string, operation metav1.ManagedFieldsOperationType, fields string) func(*world) {
	return func(w *world) {
		at := metav1.NewTime(time.Date(2026, 11, 23, 14, 0, 0, 0, time.UTC))
		w.deployment.ManagedFields = append(w.deployment.ManagedFields, metav1.ManagedFieldsEntry{Manager: manager, Operation: operation, Time: &at, FieldsV1: metav1.NewFieldsV1(fields)})
	}
}

func argo(w *world) {
	w.deployment.Annotations = map[string]string{"argocd.argoproj.io/tracking-id": "shop:apps/Deployment:mcp/sandfly"}
	managed("argocd-controller", metav1.ManagedFieldsOperationApply, `{"f:spec":{"f:replicas":{},"f:template":{"f:spec":{"f:containers":{"k:{\"name\":\"server\"}":{".":{},"f:image":{},"f:resources":{"f:limits":{"f:memory":{}}}}}}}}}`)(w)
}

func pausedRollout(w *world) { w.deployment.Spec.Paused = true }

func recreate(w *world) { w.deployment.Spec.Strategy.Type = appsv1.RecreateDeploymentStrategyType }

func budget(allowed int32) func(*world) {
	return func(w *world) {
		w.objects.Budgets = []policyv1.PodDisruptionBudget{{
			ObjectMeta: metav1.ObjectMeta{Namespace: testNamespace, Name: "sandfly"},
			Spec:       policyv1.PodDisruptionBudgetSpec{Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "sandfly"}}},
			Status:     policyv1.PodDisruptionBudgetStatus{DisruptionsAllowed: allowed},
		}}
	}
}

func TestRestrain(t *testing.T) {
	const auto, approval, never = v1alpha1.PermissionAuto, v1alpha1.PermissionApproval, v1alpha1.PermissionNever
	gitOps := func(p v1alpha1.Permission) func(*world) { return func(w *world) { w.policy.GitOps = p } }
	pausing := func(p v1alpha1.Permission) func(*world) { return func(w *world) { w.policy.PausedRollouts = p } }
	patch := func(data string) v1alpha1.PlannedAction {
		action := at(sandflyRef, v1alpha1.ActionPatch)
		action.Patch = &v1alpha1.Patch{Type: v1alpha1.PatchStrategic, Data: data}
		return action
	}
	tests := map[string]struct {
		in     Input
		action v1alpha1.PlannedAction
		// want is the permission that is left; Never: the action was dropped.
		want v1alpha1.Permission
		// reason ends the reason of an action that was kept; notes are all that people are told.
		reason string
		notes  []string
	}{
		"nobody else": {newWorld(0), at(sandflyRef, v1alpha1.ActionScale), auto, "it helps", nil},
		"an HPA that leaves 0 alone": {newWorld(0, hpa(1, 5, 0, nil)), at(sandflyRef, v1alpha1.ActionScale), auto,
			"; HorizontalPodAutoscaler sandfly does not act on a workload at 0 and takes over from 2", nil},
		"an HPA that says so": {newWorld(0, hpa(1, 5, 0, nil), disabled), at(sandflyRef, v1alpha1.ActionScale), auto,
			"; HorizontalPodAutoscaler sandfly does not act on a workload at 0 (it says ScalingDisabled) and takes over from 2", nil},
		"an HPA that leaves 0 alone, and has more": {newWorld(0, hpa(3, 5, 0, nil)), at(sandflyRef, v1alpha1.ActionScale), auto, "takes over from 3", nil},
		"an HPA that is at work": {newWorld(2, hpa(1, 5, 2, nil)), at(sandflyRef, v1alpha1.ActionScale), never, "",
			[]string{"Not scaled: HorizontalPodAutoscaler sandfly scales it, between 1 and 5"}},
		"an HPA at its end": {newWorld(5, hpa(1, 5, 5, nil)), at(sandflyRef, v1alpha1.ActionScale), never, "",
			[]string{"Not scaled: HorizontalPodAutoscaler sandfly scales it and is at its maxReplicas of 5; raise that for more"}},
		"an HPA that may go to 0": {newWorld(0, hpa(0, 5, 0, nil)), at(sandflyRef, v1alpha1.ActionScale), never, "",
			[]string{"Not scaled: HorizontalPodAutoscaler sandfly has minReplicas 0 and scaled it there; set minReplicas to at least 1"}},
		"KEDA": {newWorld(0, hpa(1, 5, 0, map[string]string{"scaledobject.keda.sh/name": "queue"})), at(sandflyRef, v1alpha1.ActionScale), never, "",
			[]string{"Not scaled: KEDA ScaledObject queue scales it by its triggers, to 0 by design where there is nothing to do"}},
		"KEDA does not mind a restart": {newWorld(2, hpa(1, 5, 2, map[string]string{"scaledobject.keda.sh/name": "queue"})), at(sandflyRef, v1alpha1.ActionRestart), auto, "it helps", nil},
		"a patch of the count that an HPA sets": {newWorld(2, hpa(1, 5, 2, nil)), patch(`{"spec":{"replicas":4}}`), never, "",
			[]string{"Not patched: HorizontalPodAutoscaler sandfly scales it, between 1 and 5"}},

		"Git holds the count": {newWorld(0, argo), at(sandflyRef, v1alpha1.ActionScale), approval,
			"it helps; Argo CD application shop will undo it; change spec.replicas in Git",
			[]string{"Scale: Argo CD application shop will undo it; change spec.replicas in Git"}},
		"Git holds the count, and the policy allows": {newWorld(0, argo, gitOps(auto)), at(sandflyRef, v1alpha1.ActionScale), auto, "change spec.replicas in Git",
			[]string{"Scale: Argo CD application shop will undo it; change spec.replicas in Git"}},
		"Git holds the count, and the policy forbids": {newWorld(0, argo, gitOps(never)), at(sandflyRef, v1alpha1.ActionScale), never, "",
			[]string{"Not scaled: Argo CD application shop will undo it; change spec.replicas in Git (the policy leaves to Git what Git holds)"}},
		"Git may hold the field": {newWorld(0, argo), at(sandflyRef, v1alpha1.ActionResume), approval, "Argo CD application shop will undo it if Git holds spec.paused; then change it there",
			[]string{"Resume: Argo CD application shop will undo it if Git holds spec.paused; then change it there"}},
		"Git holds no restart": {newWorld(2, argo, gitOps(never)), at(sandflyRef, v1alpha1.ActionRestart), auto, "it helps", nil},
		"Git holds the template": {newWorld(2, argo), at(sandflyRef, v1alpha1.ActionRollback), approval, "change spec.template in Git",
			[]string{"Rollback: Argo CD application shop will undo it; change spec.template in Git"}},
		"Git holds the limit": {newWorld(2, argo), at(sandflyRef, v1alpha1.ActionRaiseMemoryLimit), approval, "change spec.template.spec.containers[server].resources.limits.memory in Git",
			[]string{"RaiseMemoryLimit: Argo CD application shop will undo it; change spec.template.spec.containers[server].resources.limits.memory in Git"}},
		"Git holds what is patched": {newWorld(2, argo, gitOps(never)), patch(`{"spec":{"template":{"spec":{"containers":[{"name":"server","image":"x"}]}}}}`), never, "",
			[]string{"Not patched: Argo CD application shop will undo it; change spec.template.spec.containers[server].image in Git (the policy leaves to Git what Git holds)"}},
		"Git minds no wait": {newWorld(2, argo, gitOps(never)), at(sandflyRef, v1alpha1.ActionWait), auto, "it helps", nil},

		"somebody declares the count": {newWorld(0, managed("kubectl", metav1.ManagedFieldsOperationApply, `{"f:spec":{"f:replicas":{}}}`)), at(sandflyRef, v1alpha1.ActionScale), approval,
			"kubectl declares spec.replicas by server-side apply and may take it back",
			[]string{"Scale: kubectl declares spec.replicas by server-side apply and may take it back"}},
		"somebody once wrote the count":   {newWorld(0, managed("kubectl", metav1.ManagedFieldsOperationUpdate, `{"f:spec":{"f:replicas":{}}}`)), at(sandflyRef, v1alpha1.ActionScale), auto, "it helps", nil},
		"somebody declares another field": {newWorld(0, managed("kubectl", metav1.ManagedFieldsOperationApply, `{"f:spec":{"f:template":{}}}`)), at(sandflyRef, v1alpha1.ActionScale), auto, "it helps", nil},

		"a paused rollout": {newWorld(2, pausedRollout), at(sandflyRef, v1alpha1.ActionResume), approval, "somebody paused Deployment sandfly (spec.paused)",
			[]string{"Resume: somebody paused Deployment sandfly (spec.paused)"}},
		"a paused rollout, allowed": {newWorld(2, pausedRollout, pausing(auto)), at(sandflyRef, v1alpha1.ActionResume), auto, "somebody paused Deployment sandfly (spec.paused)",
			[]string{"Resume: somebody paused Deployment sandfly (spec.paused)"}},
		"a paused rollout, forbidden": {newWorld(0, pausedRollout, pausing(never)), at(sandflyRef, v1alpha1.ActionScale), never, "",
			[]string{"Not scaled: somebody paused Deployment sandfly (spec.paused), and the policy leaves paused rollouts alone"}},
		"a restart while paused": {newWorld(2, pausedRollout, pausing(auto)), at(sandflyRef, v1alpha1.ActionRestart), never, "",
			[]string{"Not restarted: Deployment sandfly is paused, so nothing of its template is rolled out; resume it first"}},

		"all pods at once, and a budget": {newWorld(2, recreate, budget(1)), at(sandflyRef, v1alpha1.ActionRestart), approval,
			"the rollout takes all pods of Deployment sandfly at once, and PodDisruptionBudget sandfly lets 1 of 2 ready pods go",
			[]string{"Restart: the rollout takes all pods of Deployment sandfly at once, and PodDisruptionBudget sandfly lets 1 of 2 ready pods go"}},
		"all pods at once, and a budget that nobody has looked at": {newWorld(2, recreate, budget(2), func(w *world) { w.objects.Budgets[0].Generation = 1 }), at(sandflyRef, v1alpha1.ActionRestart), approval, "lets 0 of 2 ready pods go",
			[]string{"Restart: the rollout takes all pods of Deployment sandfly at once, and PodDisruptionBudget sandfly lets 0 of 2 ready pods go"}},
		"all pods at once, and a budget of another namespace": {newWorld(2, recreate, budget(0), func(w *world) { w.objects.Budgets[0].Namespace = "other" }), at(sandflyRef, v1alpha1.ActionRestart), auto, "it helps", nil},
		"all pods at once, and a budget of other pods":        {newWorld(2, recreate, budget(0), func(w *world) { w.objects.Budgets[0].Spec.Selector.MatchLabels["app"] = "proxmox" }), at(sandflyRef, v1alpha1.ActionRestart), auto, "it helps", nil},
		"all pods at once, and none is ready": {newWorld(2, recreate, budget(0), func(w *world) {
			for i := range w.objects.Pods {
				w.objects.Pods[i].Status.Conditions = nil
			}
		}), at(sandflyRef, v1alpha1.ActionRestart), auto, "it helps", nil},
		"all pods at once, and a budget for it": {newWorld(2, recreate, budget(2)), at(sandflyRef, v1alpha1.ActionRestart), auto, "it helps", nil},
		"all pods at once, and no budget":       {newWorld(2, recreate), at(sandflyRef, v1alpha1.ActionRestart), auto, "it helps", nil},
		"one by one, and a budget":              {newWorld(2, budget(0)), at(sandflyRef, v1alpha1.ActionRestart), auto, "it helps", nil},
		"a budget is not asked for scaling up":  {newWorld(2, recreate, budget(0)), at(sandflyRef, v1alpha1.ActionScale), auto, "it helps", nil},

		"another object": {newWorld(0, argo, gitOps(never)), at(v1alpha1.ObjectReference{Kind: "StatefulSet", Name: "sandfly"}, v1alpha1.ActionScale), auto, "it helps", nil},
		"no snapshot":    {Input{Policy: policy.Default()}, at(sandflyRef, v1alpha1.ActionScale), auto, "it helps", nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			before := *test.action.DeepCopy()
			left, notes := weigh(v1alpha1.Plan{Actions: []v1alpha1.PlannedAction{test.action}}, test.in)
			got, reason := v1alpha1.PermissionNever, ""
			if len(left.Actions) == 1 {
				got, reason = left.Actions[0].Permission, left.Actions[0].Reason
			}
			if got != test.want || !strings.HasSuffix(reason, test.reason) {
				t.Errorf("%s: %q", got, reason)
			}
			if diff := cmp.Diff(test.notes, notes); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(before, test.action); diff != "" {
				t.Errorf("the plan that was given is changed:\n%s", diff)
			}
		})
	}
}

func TestRestrainKeepsScaleWithinTheHPA(t *testing.T) {
	for want, bounds := range map[int32]func(*world){2: hpa(1, 5, 0, nil), 3: hpa(3, 5, 0, nil), 1: hpa(1, 1, 0, nil)} {
		plan := restrain(v1alpha1.Plan{Actions: []v1alpha1.PlannedAction{at(sandflyRef, v1alpha1.ActionScale)}}, newWorld(0, bounds))
		if got := *plan.Actions[0].Replicas; got != want {
			t.Errorf("%d, want %d", got, want)
		}
	}
}

// TestReasonStaysWithinItsBound has everybody speak at once.
func TestReasonStaysWithinItsBound(t *testing.T) {
	action := at(sandflyRef, v1alpha1.ActionResume)
	action.Reason = strings.Repeat("because ", 100)
	in := newWorld(2, argo, pausedRollout, managed(strings.Repeat("manager-", 16), metav1.ManagedFieldsOperationApply, `{"f:spec":{"f:paused":{}}}`))
	plan := restrain(v1alpha1.Plan{Actions: []v1alpha1.PlannedAction{action}}, in)
	reason := plan.Actions[0].Reason
	if len([]rune(reason)) > reasonLimit || !strings.HasPrefix(reason, "because because") || !strings.Contains(reason, "in Git") && !strings.Contains(reason, "Git holds") {
		t.Errorf("%d characters: %s", len([]rune(reason)), reason)
	}
}

func TestNotesTellWhatIsNotInThePlan(t *testing.T) {
	in := newWorld(0, hpa(1, 5, 0, map[string]string{"scaledobject.keda.sh/name": "queue"}))
	in.Diagnosis = diagnosis.Diagnosis{Cause: v1alpha1.CauseScaledToZero, Workload: &sandflyRef,
		Findings: []finding.Finding{{Finding: v1alpha1.Finding{Cause: v1alpha1.CauseScaledToZero}, Replicas: 2}}}
	if plan := Plan(in); len(plan.Actions) != 0 {
		t.Errorf("%+v", plan)
	}
	if notes := Notes(in); len(notes) != 1 || !strings.HasPrefix(notes[0], "Not scaled: KEDA ScaledObject queue") {
		t.Errorf("%q", notes)
	}
}
