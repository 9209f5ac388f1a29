// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package workload_test

import (
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ry-ops/cortex/internal/workload"
)

func deployment(generation int64, want int32, status appsv1.DeploymentStatus) client.Object {
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Generation: generation},
		Spec:       appsv1.DeploymentSpec{Replicas: ptr.To(want)},
		Status:     status,
	}
}

func TestRollout(t *testing.T) {
	tests := map[string]struct {
		obj      client.Object
		complete bool
		message  string
	}{
		"complete": {
			deployment(2, 2, appsv1.DeploymentStatus{ObservedGeneration: 2, Replicas: 2, UpdatedReplicas: 2, AvailableReplicas: 2}),
			true, "2 of 2 replicas ready",
		},
		"the counts speak of an older spec": {
			deployment(3, 2, appsv1.DeploymentStatus{ObservedGeneration: 2, Replicas: 2, UpdatedReplicas: 2, AvailableReplicas: 2}),
			false, "waiting for the controller to see the new spec",
		},
		"new replicas missing": {
			deployment(2, 2, appsv1.DeploymentStatus{ObservedGeneration: 2, Replicas: 2, UpdatedReplicas: 1, AvailableReplicas: 2}),
			false, "1 of 2 new replicas created",
		},
		"old replicas left": {
			deployment(2, 2, appsv1.DeploymentStatus{ObservedGeneration: 2, Replicas: 3, UpdatedReplicas: 2, AvailableReplicas: 3}),
			false, "1 old replicas still to go",
		},
		"not available": {
			deployment(2, 2, appsv1.DeploymentStatus{ObservedGeneration: 2, Replicas: 2, UpdatedReplicas: 2, AvailableReplicas: 1}),
			false, "1 of 2 replicas available",
		},
		"no replicas asked for": {
			deployment(1, 0, appsv1.DeploymentStatus{ObservedGeneration: 1}),
			true, "0 of 0 replicas ready",
		},
		"StatefulSet whose update has not begun": {
			&appsv1.StatefulSet{
				ObjectMeta: metav1.ObjectMeta{Generation: 1},
				Status:     appsv1.StatefulSetStatus{ObservedGeneration: 1, Replicas: 1, AvailableReplicas: 1, CurrentRevision: "a", UpdateRevision: "b"},
			},
			false, "0 of 1 new replicas created",
		},
		"StatefulSet on one revision": {
			&appsv1.StatefulSet{
				ObjectMeta: metav1.ObjectMeta{Generation: 1},
				Status:     appsv1.StatefulSetStatus{ObservedGeneration: 1, Replicas: 1, AvailableReplicas: 1, CurrentRevision: "b", UpdateRevision: "b"},
			},
			true, "1 of 1 replicas ready",
		},
		"DaemonSet with a pod to go": {
			&appsv1.DaemonSet{
				ObjectMeta: metav1.ObjectMeta{Generation: 1},
				Status:     appsv1.DaemonSetStatus{ObservedGeneration: 1, DesiredNumberScheduled: 3, CurrentNumberScheduled: 3, UpdatedNumberScheduled: 3, NumberAvailable: 2},
			},
			false, "2 of 3 replicas available",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w, ok := workload.From(test.obj)
			if !ok {
				t.Fatalf("From(%T) is no workload", test.obj)
			}
			if w.Rollout.Complete != test.complete || w.Rollout.Message != test.message {
				t.Errorf("Rollout = %+v, want {%t %s}", w.Rollout, test.complete, test.message)
			}
		})
	}
}

func TestFromOtherKind(t *testing.T) {
	if _, ok := workload.From(&corev1.Pod{}); ok {
		t.Error("a Pod is taken for a workload")
	}
	if workload.New("Pod") != nil {
		t.Error("New(Pod) is not nil")
	}
}

func TestOwnerOf(t *testing.T) {
	pod := func(kind, name, hash string) *corev1.Pod {
		return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{
			Labels:          map[string]string{appsv1.DefaultDeploymentUniqueLabelKey: hash},
			OwnerReferences: []metav1.OwnerReference{{Kind: kind, Name: name, Controller: ptr.To(true)}},
		}}
	}
	tests := map[string]struct {
		pod  *corev1.Pod
		want string
	}{
		"Deployment by way of its ReplicaSet":  {pod("ReplicaSet", "sandfly-7d4f", "7d4f"), "Deployment/sandfly"},
		"ReplicaSet without a Deployment":      {pod("ReplicaSet", "lonely", ""), ""},
		"ReplicaSet whose name lacks the hash": {pod("ReplicaSet", "sandfly-other", "7d4f"), ""},
		"StatefulSet":                          {pod("StatefulSet", "db", ""), "StatefulSet/db"},
		"DaemonSet":                            {pod("DaemonSet", "agent", ""), "DaemonSet/agent"},
		"a kind that Cortex does not know":     {pod("Job", "once", ""), ""},
		"nobody":                               {&corev1.Pod{}, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			kind, owner, ok := workload.OwnerOf(test.pod)
			got := ""
			if ok {
				got = kind + "/" + owner
			}
			if got != test.want {
				t.Errorf("OwnerOf = %q, want %q", got, test.want)
			}
		})
	}
}
