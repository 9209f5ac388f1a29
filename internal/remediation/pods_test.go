// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package remediation_test

import (
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

// pod of a phase, on the node n1.
func pod(name string, phase corev1.PodPhase, change ...func(*corev1.Pod)) *corev1.Pod {
	p := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, UID: types.UID("uid-" + name)},
		Spec:       corev1.PodSpec{NodeName: "n1"},
		Status:     corev1.PodStatus{Phase: phase},
	}
	for _, c := range change {
		c(p)
	}
	return p
}

func ready(p *corev1.Pod) {
	p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
}

// ending was told to go a minute ago. The fake API server keeps such a pod only with a finalizer.
func ending(p *corev1.Pod) {
	p.DeletionTimestamp, p.Finalizers = &metav1.Time{Time: now.Add(-time.Minute)}, []string{"example.com/test"}
}

func named(action v1alpha1.PlannedAction, names ...string) v1alpha1.PlannedAction {
	for _, name := range names {
		action.Pods = append(action.Pods, v1alpha1.ObjectReference{Kind: "Pod", Name: name, UID: types.UID("uid-" + name)})
	}
	return action
}

func TestDeletePods(t *testing.T) {
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "n1"}}
	tests := map[string]struct {
		of      v1alpha1.ActionType
		objects []client.Object
		// deleted are the pods that a delete is sent for.
		deleted int
		state   v1alpha1.ActionState
	}{
		"one that has failed":              {v1alpha1.ActionDeletePods, []client.Object{pod("a", corev1.PodFailed)}, 1, v1alpha1.ActionApplied},
		"one that has come to its end":     {v1alpha1.ActionDeletePods, []client.Object{pod("a", corev1.PodSucceeded)}, 1, v1alpha1.ActionApplied},
		"one that is gone":                 {v1alpha1.ActionDeletePods, nil, 0, v1alpha1.ActionApplied},
		"another of its name":              {v1alpha1.ActionDeletePods, []client.Object{pod("a", corev1.PodFailed, func(p *corev1.Pod) { p.UID = "new" })}, 0, v1alpha1.ActionApplied},
		"one that serves":                  {v1alpha1.ActionDeletePods, []client.Object{pod("a", corev1.PodRunning, ready)}, 0, v1alpha1.ActionSkipped},
		"one that holds a rollout up":      {v1alpha1.ActionDeletePods, []client.Object{pod("a", corev1.PodRunning)}, 1, v1alpha1.ActionApplied},
		"one whose node is gone":           {v1alpha1.ActionDeletePods, []client.Object{pod("a", corev1.PodRunning, ending)}, 1, v1alpha1.ActionApplied},
		"one whose node is back":           {v1alpha1.ActionDeletePods, []client.Object{node, pod("a", corev1.PodRunning, ending)}, 0, v1alpha1.ActionSkipped},
		"a restart and one that is ill":    {v1alpha1.ActionRestart, []client.Object{pod("a", corev1.PodRunning)}, 1, v1alpha1.ActionApplied},
		"a restart and one that serves":    {v1alpha1.ActionRestart, []client.Object{pod("a", corev1.PodRunning, ready)}, 0, v1alpha1.ActionApplied},
		"a restart and one that is ending": {v1alpha1.ActionRestart, []client.Object{pod("a", corev1.PodRunning, ending)}, 0, v1alpha1.ActionApplied},
		"a rollback and one that is ill":   {v1alpha1.ActionRollback, []client.Object{pod("a", corev1.PodPending)}, 1, v1alpha1.ActionApplied},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			kind := v1alpha1.KindStatefulSet
			p, applier := newPlace(slices.Concat(test.objects, []client.Object{ill(kind), earlier(t, kind)})...)
			action := named(planned(kind, test.of), "a")
			for range 2 {
				result, err := applier.Apply(t.Context(), namespace, stamp, action)
				if err != nil || result.State != test.state {
					t.Fatalf("%+v, %v", result, err)
				}
			}
			stamps := p.read(t, kind).GetAnnotations()[v1alpha1.AnnotationAppliedBy]
			// A pod that is kept by its finalizer is asked to go each time.
			if deleted := p.writes - 1; deleted < test.deleted || test.deleted == 0 && deleted > 0 || stamps != stamp.String() {
				t.Errorf("%d deletions, want %d; stamp %q", deleted, test.deleted, stamps)
			}
		})
	}
}

// TestTellsHowManyPodsWereDeleted: what is told is what was done, and not what was planned.
func TestTellsHowManyPodsWereDeleted(t *testing.T) {
	kind := v1alpha1.KindStatefulSet
	failed, serving := pod("a", corev1.PodFailed), pod("b", corev1.PodRunning, ready)
	tests := map[string]struct {
		of     v1alpha1.ActionType
		detail string
		pods   []client.Object
		want   string
	}{
		"all": {
			v1alpha1.ActionDeletePods, "Deleted 2 pods of statefulset s that had ended", []client.Object{failed, pod("b", corev1.PodFailed)},
			"Deleted 2 pods of statefulset s that had ended",
		},
		"one of them serves": {
			v1alpha1.ActionDeletePods, "Deleted 2 pods of statefulset s that had ended", []client.Object{failed, serving},
			"Deleted 1 of 2 pods of statefulset s that had ended",
		},
		"a restart, and one of them is well by now": {
			v1alpha1.ActionRestart, "Restarted statefulset s; deleted 2 pods that its rollout waits for", []client.Object{pod("a", corev1.PodRunning), serving},
			"Restarted statefulset s; deleted 1 of 2 pods that its rollout waits for",
		},
		"a restart, and both are well by now": {
			v1alpha1.ActionRestart, "Restarted statefulset s; deleted 2 pods that its rollout waits for", []client.Object{pod("a", corev1.PodRunning, ready), serving},
			"Restarted statefulset s; deleted 0 of 2 pods that its rollout waits for",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, applier := newPlace(append(test.pods, ill(kind))...)
			action := named(planned(kind, test.of), "a", "b")
			action.Detail = test.detail
			result, err := applier.Apply(t.Context(), namespace, stamp, action)
			if err != nil || result.Detail != test.want {
				t.Errorf("applied: %q, %v", result.Detail, err)
			}
			found, err := applier.Applied(t.Context(), namespace, stamp, action) // after a crash
			if err != nil || found == nil || found.Detail != test.want {
				t.Errorf("found to be applied: %+v, %v", found, err)
			}
		})
	}
}

// TestPodThatMovesIsLookedAtAgain: somebody writes to the pod between reading and deleting.
func TestPodThatMovesIsLookedAtAgain(t *testing.T) {
	p, applier := newPlace(ill(v1alpha1.KindDeployment), pod("a", corev1.PodFailed))
	action := named(planned(v1alpha1.KindDeployment, v1alpha1.ActionDeletePods), "a")
	p.before = func() { // the stamp
		p.before = func() { // the deletion
			moved := pod("a", corev1.PodFailed)
			moved.Labels = map[string]string{"kept": "for a look"}
			if err := p.Update(t.Context(), moved); err != nil {
				t.Error(err)
			}
		}
	}
	if result, err := applier.Apply(t.Context(), namespace, stamp, action); !apierrors.IsConflict(err) {
		t.Errorf("%+v, %v", result, err)
	}
	if before, err := applier.Applied(t.Context(), namespace, stamp, action); err != nil || before != nil {
		t.Errorf("no pod is gone: %+v, %v", before, err)
	}
	if result, err := applier.Apply(t.Context(), namespace, stamp, action); err != nil || result.State != v1alpha1.ActionApplied {
		t.Errorf("%+v, %v", result, err)
	}
}

// TestACrashBetweenAChangeAndItsPods: whoever finds the stamp ends what was begun.
func TestACrashBetweenAChangeAndItsPods(t *testing.T) {
	kind := v1alpha1.KindStatefulSet
	stamped := ill(kind)
	stamped.SetAnnotations(map[string]string{v1alpha1.AnnotationAppliedBy: stamp.String()})
	p, applier := newPlace(stamped, pod("a", corev1.PodRunning), pod("b", corev1.PodRunning, ready))
	action := named(planned(kind, v1alpha1.ActionRestart), "a", "b")
	for range 2 {
		result, err := applier.Applied(t.Context(), namespace, stamp, action)
		if err != nil || result == nil || result.State != v1alpha1.ActionApplied {
			t.Fatalf("%+v, %v", result, err)
		}
	}
	var left corev1.PodList
	if err := p.List(t.Context(), &left); err != nil || len(left.Items) != 1 || left.Items[0].Name != "b" || p.writes != 1 {
		t.Errorf("%d pods, %d writes, %v", len(left.Items), p.writes, err)
	}
}

// TestACrashBetweenTwoPods: one of them is gone, or on its way, so it was begun; whoever finds that deletes the other as well.
func TestACrashBetweenTwoPods(t *testing.T) {
	kind := v1alpha1.KindDeployment
	told := func(at time.Duration) func(*corev1.Pod) {
		return func(p *corev1.Pod) {
			ending(p)
			p.DeletionTimestamp, p.DeletionGracePeriodSeconds = &metav1.Time{Time: now.Add(at + 30*time.Second)}, ptr.To[int64](30)
		}
	}
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "n1"}}
	tests := map[string]struct {
		objects []client.Object
		begun   bool
		writes  int
	}{
		"none is gone":                      {[]client.Object{pod("a", corev1.PodFailed), pod("b", corev1.PodFailed)}, false, 0},
		"one is gone":                       {[]client.Object{pod("b", corev1.PodFailed)}, true, 1},
		"one is another by now":             {[]client.Object{pod("a", corev1.PodRunning, func(p *corev1.Pod) { p.UID = "new" }), pod("b", corev1.PodFailed)}, true, 1},
		"one is on its way":                 {[]client.Object{pod("a", corev1.PodRunning, told(0)), pod("b", corev1.PodFailed)}, true, 1},
		"one was told to go before":         {[]client.Object{pod("a", corev1.PodRunning, told(-time.Second)), pod("b", corev1.PodFailed)}, false, 0},
		"one is gone, the other serves now": {[]client.Object{pod("b", corev1.PodRunning, ready)}, true, 0},
		"both are gone":                     {nil, true, 0},
		"both are on their way":             {[]client.Object{pod("a", corev1.PodRunning, told(0)), pod("b", corev1.PodRunning, told(time.Second))}, true, 0},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			stamped := ill(kind)
			stamped.SetAnnotations(map[string]string{v1alpha1.AnnotationAppliedBy: stamp.String()})
			stamped.SetManagedFields([]metav1.ManagedFieldsEntry{{
				Manager: v1alpha1.FieldManager, Operation: metav1.ManagedFieldsOperationUpdate, APIVersion: "apps/v1", FieldsType: "FieldsV1", FieldsV1: metav1.NewFieldsV1(`{}`), Time: &metav1.Time{Time: now},
			}})
			p, applier := newPlace(slices.Concat(test.objects, []client.Object{stamped, node})...)
			action := named(planned(kind, v1alpha1.ActionDeletePods), "a", "b")
			result, err := applier.Applied(t.Context(), namespace, stamp, action)
			if err != nil || (result != nil) != test.begun || p.writes != test.writes {
				t.Fatalf("%+v, %v, %d writes", result, err, p.writes)
			}
			if result, err := applier.Apply(t.Context(), namespace, stamp, action); err != nil || result.State != v1alpha1.ActionApplied {
				t.Errorf("%+v, %v", result, err)
			}
			var left corev1.PodList
			if err := p.List(t.Context(), &left); err != nil {
				t.Fatal(err)
			}
			for _, one := range left.Items {
				if one.Status.Phase == corev1.PodFailed {
					t.Errorf("Pod %s is left", one.Name)
				}
			}
		})
	}
}
