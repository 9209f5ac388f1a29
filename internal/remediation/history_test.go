// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package remediation_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis"
	"github.com/ry-ops/cortex/internal/diagnosis/finding"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/policy"
	"github.com/ry-ops/cortex/internal/remediation"
	"github.com/ry-ops/cortex/internal/workload"
)

// past is one revision of a workload: its image, its age, and how many of its pods are ready and not.
type past struct {
	image      string
	age        time.Duration
	ready, ill int
}

// ran is the input of a plan for a workload that ran these revisions, oldest first. The last is its template now.
func ran(t *testing.T, kind v1alpha1.TargetKind, cause v1alpha1.Cause, revisions ...past) remediation.Input {
	t.Helper()
	object := ill(kind)
	w, _ := workload.From(object)
	*w.Template = template(revisions[len(revisions)-1].image)
	objects := &snapshot.Objects{}
	owner := []metav1.OwnerReference{{Kind: string(kind), Name: "sandfly", UID: "u1", Controller: ptr.To(true)}}
	for i, revision := range revisions {
		number := int64(i + 1)
		hash := fmt.Sprintf("h%d", number)
		meta := metav1.ObjectMeta{
			Namespace: namespace, Name: "sandfly-" + hash, UID: types.UID(hash), OwnerReferences: owner, CreationTimestamp: metav1.NewTime(now.Add(-revision.age)),
		}
		pods := pods{hash: hash, label: appsv1.ControllerRevisionHashLabelKey, owner: owner}
		if kind == v1alpha1.KindDeployment {
			kept := template(revision.image)
			kept.Labels[appsv1.DefaultDeploymentUniqueLabelKey] = hash
			meta.Labels = map[string]string{appsv1.DefaultDeploymentUniqueLabelKey: hash}
			meta.Annotations = map[string]string{"deployment.kubernetes.io/revision": fmt.Sprint(number)}
			objects.ReplicaSets = append(objects.ReplicaSets, appsv1.ReplicaSet{ObjectMeta: meta, Spec: appsv1.ReplicaSetSpec{Template: kept}})
			pods.label = appsv1.DefaultDeploymentUniqueLabelKey
			pods.owner = []metav1.OwnerReference{{Kind: "ReplicaSet", Name: meta.Name, UID: meta.UID, Controller: ptr.To(true)}}
		} else {
			meta.Labels = map[string]string{appsv1.ControllerRevisionHashLabelKey: hash}
			objects.ControllerRevisions = append(objects.ControllerRevisions, appsv1.ControllerRevision{ObjectMeta: meta, Revision: number, Data: runtime.RawExtension{Raw: kept(t, template(revision.image))}})
			if kind == v1alpha1.KindStatefulSet {
				pods.hash = meta.Name
			}
		}
		objects.Pods = append(objects.Pods, pods.made(revision.ready, revision.ill)...)
	}
	switch o := object.(type) {
	case *appsv1.Deployment:
		o.Spec.Paused = false
		objects.Deployments = []appsv1.Deployment{*o}
	case *appsv1.StatefulSet:
		objects.StatefulSets = []appsv1.StatefulSet{*o}
	case *appsv1.DaemonSet:
		objects.DaemonSets = []appsv1.DaemonSet{*o}
	}
	s := snapshot.Assemble(namespace, v1alpha1.TargetReference{Kind: kind, Name: "sandfly"}, objects)
	s.Now = now
	return remediation.Input{Snapshot: s, Policy: policy.Default(), Diagnosis: diagnosis.Diagnosis{
		Cause: cause, Workload: ptr.To(s.Workload.Reference()), Findings: []finding.Finding{{Finding: v1alpha1.Finding{Cause: cause, Object: s.Workload.Reference()}}},
	}}
}

type pods struct {
	label, hash string
	owner       []metav1.OwnerReference
}

func (p pods) made(well, ill int) []corev1.Pod {
	var made []corev1.Pod
	for i := range well + ill {
		one := pod(fmt.Sprintf("%s-%d", p.hash, i), corev1.PodRunning)
		one.Labels = map[string]string{"app": "sandfly", p.label: p.hash}
		one.OwnerReferences = p.owner
		if i < well {
			ready(one)
		}
		made = append(made, *one)
	}
	return made
}

func rollback(plan v1alpha1.Plan) *v1alpha1.PlannedAction {
	for i := range plan.Actions {
		if plan.Actions[i].Type == v1alpha1.ActionRollback {
			return &plan.Actions[i]
		}
	}
	return nil
}

func TestPlanRollback(t *testing.T) {
	const day, minute = 24 * time.Hour, time.Minute
	image, crash := v1alpha1.CauseImageNotFound, v1alpha1.CauseCrashLoop
	tests := map[string]struct {
		cause     v1alpha1.Cause
		revisions []past
		// to is the number of the revision that is returned to; 0: none.
		to int64
		// proven: something shows that it was healthy.
		proven bool
	}{
		"the one before serves":             {image, []past{{"v1", day, 1, 0}, {"v2", minute, 0, 1}}, 1, true},
		"the one before is only remembered": {image, []past{{"v1", day, 0, 0}, {"v2", minute, 0, 1}}, 1, false},
		"the one before fails too":          {image, []past{{"v1", day, 0, 1}, {"v2", minute, 0, 1}}, 0, false},
		"the one before fails in part":      {image, []past{{"v1", day, 1, 1}, {"v2", minute, 0, 1}}, 0, false},
		"an older one serves":               {image, []past{{"v1", day, 1, 0}, {"v2", day, 0, 0}, {"v3", minute, 0, 1}}, 1, true},
		"an older one is remembered":        {image, []past{{"v1", day, 0, 0}, {"v2", day, 0, 1}, {"v3", minute, 0, 1}}, 1, false},
		"the one before is the same":        {image, []past{{"v2", day, 1, 0}, {"v2", minute, 0, 1}}, 0, false},
		"the newest serves in part":         {image, []past{{"v1", day, 0, 0}, {"v2", minute, 1, 1}}, 0, false},
		"the newest has no pod yet":         {image, []past{{"v1", day, 0, 0}, {"v2", minute, 0, 0}}, 0, false},
		"there was none before":             {image, []past{{"v1", minute, 0, 1}}, 0, false},
		"a crash of a new revision":         {crash, []past{{"v1", day, 1, 0}, {"v2", minute, 0, 1}}, 1, true},
		"a crash of an old revision":        {crash, []past{{"v1", day, 1, 0}, {"v2", 2 * time.Hour, 0, 1}}, 0, false},
		"a crash of an old one, restarted":  {crash, []past{{"v1", day, 0, 0}, {"v2", 2 * time.Hour, 0, 0}, {"v2", minute, 0, 1}}, 0, false},
		"a selector is nobody's revision":   {v1alpha1.CauseSelectorMismatch, []past{{"v1", day, 1, 0}, {"v2", minute, 0, 1}}, 0, false},
	}
	for name, test := range tests {
		for _, kind := range kinds {
			t.Run(name+", "+string(kind), func(t *testing.T) {
				in := ran(t, kind, test.cause, test.revisions...)
				in.Policy.Permissions[v1alpha1.ActionRollback] = v1alpha1.PermissionAuto
				action := rollback(remediation.Plan(in))
				if action == nil || test.to == 0 {
					if action != nil || test.to != 0 {
						t.Fatalf("%+v, want revision %d", action, test.to)
					}
					return
				}
				want := v1alpha1.PlannedAction{Risk: v1alpha1.RiskMedium, Permission: v1alpha1.PermissionAuto}
				if !test.proven {
					want = v1alpha1.PlannedAction{Risk: v1alpha1.RiskHigh, Permission: v1alpha1.PermissionApproval}
				}
				number := len(test.revisions)
				if action.RevisionNumber != test.to || action.Revision.UID != types.UID(fmt.Sprintf("h%d", test.to)) || action.Risk != want.Risk || action.Permission != want.Permission {
					t.Errorf("%+v", action)
				}
				undo := fmt.Sprintf("kubectl rollout undo %s/sandfly -n %s --to-revision=%d", strings.ToLower(string(kind)), namespace, number)
				detail := fmt.Sprintf("Rolled %s sandfly back to revision %d (image %s -> v%d)", strings.ToLower(string(kind)), test.to, test.revisions[number-1].image, test.to)
				if action.Undo != undo || !strings.HasPrefix(action.Detail, detail) || action.Revision.ResourceVersion != "" {
					t.Errorf("undo %q, detail %q", action.Undo, action.Detail)
				}
				if proven := !strings.Contains(action.Reason, "not known"); proven != test.proven {
					t.Errorf("reason %q", action.Reason)
				}
				if held := len(action.Pods) > 0; held != (kind == v1alpha1.KindStatefulSet) {
					t.Errorf("pods %+v", action.Pods)
				}
			})
		}
	}
}

// TestPlanRollbackOfAStatefulSet: its status tells which revision every pod was ready of.
func TestPlanRollbackOfAStatefulSet(t *testing.T) {
	in := ran(t, v1alpha1.KindStatefulSet, v1alpha1.CauseImageNotFound, past{"v1", 3 * time.Hour, 0, 0}, past{"v2", 2 * time.Hour, 0, 0}, past{"v3", time.Minute, 0, 1})
	in.Snapshot.Workload.Object.(*appsv1.StatefulSet).Status.CurrentRevision = "sandfly-h2"
	action := rollback(remediation.Plan(in))
	if action == nil || action.RevisionNumber != 2 || action.Risk != v1alpha1.RiskMedium || !strings.Contains(action.Reason, "status.currentRevision") {
		t.Errorf("%+v", action)
	}
}

// TestPlanRollbackOfARecreatedDeployment: of its pods, which are of one revision at a time, the condition tells until when they were
// available.
func TestPlanRollbackOfARecreatedDeployment(t *testing.T) {
	const replaced = time.Minute // ago
	for name, test := range map[string]struct {
		until  time.Duration // ago
		edit   func(*appsv1.Deployment)
		proven bool
	}{
		"as it was stopped":                     {until: replaced + 10*time.Second, proven: true},
		"in the second in which it was stopped": {until: replaced, proven: true},
		"broken before":                         {until: replaced + 2*time.Minute},
		"broken before the revision was there":  {until: 3 * time.Hour},
		"the new one was available too":         {until: replaced - time.Second},
		"it is available": {until: replaced + 10*time.Second, edit: func(d *appsv1.Deployment) {
			d.Status.Conditions[0].Status = corev1.ConditionTrue
		}},
		"of several revisions at once": {until: replaced + 10*time.Second, edit: func(d *appsv1.Deployment) {
			d.Spec.Strategy.Type = appsv1.RollingUpdateDeploymentStrategyType
		}},
		"a longer grace": {until: replaced + 2*time.Minute, proven: true, edit: func(d *appsv1.Deployment) {
			d.Spec.Template.Spec.TerminationGracePeriodSeconds = ptr.To[int64](600)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			in := ran(t, v1alpha1.KindDeployment, v1alpha1.CauseImageNotFound, past{"v1", 3 * time.Hour, 0, 0}, past{"v2", 2 * time.Hour, 0, 0}, past{"v3", replaced, 0, 1})
			deployment := in.Snapshot.Workload.Object.(*appsv1.Deployment)
			deployment.Spec.Strategy.Type = appsv1.RecreateDeploymentStrategyType
			deployment.Status.Conditions = []appsv1.DeploymentCondition{{
				Type: appsv1.DeploymentAvailable, Status: corev1.ConditionFalse, LastTransitionTime: metav1.NewTime(now.Add(-test.until)),
			}}
			if test.edit != nil {
				test.edit(deployment)
				for i := range in.Snapshot.ReplicaSets {
					in.Snapshot.ReplicaSets[i].Spec.Template.Spec.TerminationGracePeriodSeconds = deployment.Spec.Template.Spec.TerminationGracePeriodSeconds
				}
			}
			action := rollback(remediation.Plan(in))
			if action == nil || action.RevisionNumber != 2 || (action.Risk == v1alpha1.RiskMedium) != test.proven {
				t.Fatalf("%+v", action)
			}
			if strings.Contains(action.Reason, "was replaced at") != test.proven {
				t.Errorf("reason %q", action.Reason)
			}
		})
	}
}

// TestAnothersRevisions are not returned to.
func TestAnothersRevisions(t *testing.T) {
	in := ran(t, v1alpha1.KindStatefulSet, v1alpha1.CauseImageNotFound, past{"v1", time.Hour, 0, 0}, past{"v2", time.Minute, 0, 1})
	other := in.Snapshot.All.ControllerRevisions[0].DeepCopy()
	other.Name, other.UID, other.Revision, other.Data.Raw = "redis-9", "redis-9", 9, kept(t, template("redis:9"))
	other.OwnerReferences[0].Name, other.OwnerReferences[0].UID = "redis", "redis"
	in.Snapshot.All.ControllerRevisions = append(in.Snapshot.All.ControllerRevisions, *other)
	if action := rollback(remediation.Plan(in)); action == nil || action.Revision.Name != "sandfly-h1" {
		t.Errorf("%+v", action)
	}
}

// TestTheFirstRevisionOfAStatefulSetProvesNothing: its status names it from the beginning, ready or not.
func TestTheFirstRevisionOfAStatefulSetProvesNothing(t *testing.T) {
	in := ran(t, v1alpha1.KindStatefulSet, v1alpha1.CauseImageNotFound, past{"v1", time.Hour, 0, 0}, past{"v2", time.Minute, 0, 1})
	in.Snapshot.Workload.Object.(*appsv1.StatefulSet).Status.CurrentRevision = "sandfly-h1"
	if action := rollback(remediation.Plan(in)); action == nil || action.Permission != v1alpha1.PermissionApproval || action.Risk != v1alpha1.RiskHigh {
		t.Errorf("%+v", action)
	}
}

// TestPodsThatAreOverTellNothing: one that was evicted of an earlier revision does not make it a bad one.
func TestPodsThatAreOverTellNothing(t *testing.T) {
	in := ran(t, v1alpha1.KindDeployment, v1alpha1.CauseImageNotFound, past{"v1", time.Hour, 1, 1}, past{"v2", time.Minute, 0, 1})
	for i := range in.Snapshot.Pods {
		if p := &in.Snapshot.Pods[i]; p.Name == "h1-1" {
			p.Status.Phase = corev1.PodFailed
		}
	}
	if action := rollback(remediation.Plan(in)); action == nil || action.RevisionNumber != 1 {
		t.Errorf("%+v", action)
	}
}

// TestPodsThatHoldAChangeUp are named with it: those that are not ready, where the controller would wait for them.
func TestPodsThatHoldAChangeUp(t *testing.T) {
	onDelete := func(w *workload.Workload) {
		switch o := w.Object.(type) {
		case *appsv1.StatefulSet:
			o.Spec.UpdateStrategy.Type = appsv1.OnDeleteStatefulSetStrategyType
		case *appsv1.DaemonSet:
			o.Spec.UpdateStrategy.Type = appsv1.OnDeleteDaemonSetStrategyType
		}
	}
	parallel := func(w *workload.Workload) {
		w.Object.(*appsv1.StatefulSet).Spec.PodManagementPolicy = appsv1.ParallelPodManagement
	}
	tests := map[string]struct {
		kind   v1alpha1.TargetKind
		change func(*workload.Workload)
		want   []string
	}{
		"a Deployment":                     {v1alpha1.KindDeployment, nil, nil},
		"a StatefulSet in order":           {v1alpha1.KindStatefulSet, nil, []string{"sandfly-h1-1"}},
		"a StatefulSet in any order":       {v1alpha1.KindStatefulSet, parallel, nil},
		"a StatefulSet that replaces none": {v1alpha1.KindStatefulSet, func(w *workload.Workload) { parallel(w); onDelete(w) }, []string{"sandfly-h1-1"}},
		"a DaemonSet":                      {v1alpha1.KindDaemonSet, nil, nil},
		"a DaemonSet that replaces none":   {v1alpha1.KindDaemonSet, onDelete, []string{"h1-1"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			in := ran(t, test.kind, v1alpha1.CauseReadinessProbeFailing, past{"v1", time.Hour, 1, 1})
			if test.change != nil {
				test.change(in.Snapshot.Workload)
			}
			plan := remediation.Plan(in)
			if len(plan.Actions) != 1 || plan.Actions[0].Type != v1alpha1.ActionRestart {
				t.Fatalf("%+v", plan)
			}
			var got []string
			for _, ref := range plan.Actions[0].Pods {
				got = append(got, ref.Name)
			}
			if !slices.Equal(got, test.want) || strings.Contains(plan.Actions[0].Detail, "deleted 1 pod") != (test.want != nil) {
				t.Errorf("%v, want %v; %s", got, test.want, plan.Actions[0].Detail)
			}
		})
	}
}
