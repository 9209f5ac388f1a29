// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package snapshot

import (
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/workload"
)

// TestAhead changes a template in one way, and looks which containers' statuses the pods of the older one keep.
func TestAhead(t *testing.T) {
	waits := corev1.ContainerStatus{State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ErrImagePull"}}}
	crashes := corev1.ContainerStatus{RestartCount: 3, State: waits.State}
	crashed := corev1.ContainerStatus{State: waits.State, LastTerminationState: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 1}}}
	for name, row := range map[string]struct {
		status corev1.ContainerStatus
		change func(*corev1.PodTemplateSpec)
		// keeps are the containers whose status stays, in the order of their names.
		keeps string
		// same: no pod is of an older revision.
		same bool
	}{
		"nothing": {crashes, func(*corev1.PodTemplateSpec) {}, "", true},
		"a restart": {crashes, func(p *corev1.PodTemplateSpec) {
			p.Annotations = map[string]string{v1alpha1.AnnotationRestartedAt: "now"}
		}, "", true},
		"a label":                          {crashes, func(p *corev1.PodTemplateSpec) { p.Labels = map[string]string{"a": "b"} }, "mcp mesh side", false},
		"the image":                        {crashes, func(p *corev1.PodTemplateSpec) { p.Spec.Containers[0].Image = "mcp:2" }, "mesh side", false},
		"a variable":                       {crashes, func(p *corev1.PodTemplateSpec) { p.Spec.Containers[0].Env = []corev1.EnvVar{{Name: "A"}} }, "mesh side", false},
		"a variable, after one crash":      {crashed, func(p *corev1.PodTemplateSpec) { p.Spec.Containers[0].Env = []corev1.EnvVar{{Name: "A"}} }, "mesh side", false},
		"the pull policy":                  {waits, func(p *corev1.PodTemplateSpec) { p.Spec.Containers[0].ImagePullPolicy = corev1.PullNever }, "mesh side", false},
		"the volumes":                      {crashes, func(p *corev1.PodTemplateSpec) { p.Spec.Volumes = []corev1.Volume{{Name: "a"}} }, "mesh", false},
		"a container less":                 {crashes, func(p *corev1.PodTemplateSpec) { p.Spec.Containers = p.Spec.Containers[:1] }, "mcp mesh", false},
		"the image that is waited for":     {waits, func(p *corev1.PodTemplateSpec) { p.Spec.Containers[0].Image = "mcp:2" }, "mesh side", false},
		"a variable beside a wrong image":  {waits, func(p *corev1.PodTemplateSpec) { p.Spec.Containers[0].Env = []corev1.EnvVar{{Name: "A"}} }, "mcp mesh side", false},
		"the volumes beside a wrong image": {waits, func(p *corev1.PodTemplateSpec) { p.Spec.Volumes = []corev1.Volume{{Name: "a"}} }, "mcp mesh side", false},
		"the pull secrets": {waits, func(p *corev1.PodTemplateSpec) {
			p.Spec.ImagePullSecrets = []corev1.LocalObjectReference{{Name: "a"}}
		}, "mesh", false},
	} {
		t.Run(name, func(t *testing.T) {
			hash := map[string]string{appsv1.DefaultDeploymentUniqueLabelKey: "1"}
			old := corev1.PodTemplateSpec{Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "mcp", Image: "mcp:1"}, {Name: "side", Image: "side:1"}}}}
			pod := corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "mcp-1", Labels: hash}, Spec: *old.Spec.DeepCopy()}
			pod.Spec.NodeName, pod.Spec.Containers = "node-1", append(pod.Spec.Containers, corev1.Container{Name: "mesh"})
			for _, c := range pod.Spec.Containers {
				row.status.Name = c.Name
				pod.Status.ContainerStatuses = append(pod.Status.ContainerStatuses, row.status)
			}
			before := pod.DeepCopy()
			deployment := &appsv1.Deployment{Spec: appsv1.DeploymentSpec{Template: *old.DeepCopy()}}
			row.change(&deployment.Spec.Template)
			w, _ := workload.From(deployment)
			s := &Snapshot{Workload: w, Pods: []corev1.Pod{pod}, ReplicaSets: []appsv1.ReplicaSet{{ObjectMeta: metav1.ObjectMeta{Name: "mcp-1", Labels: hash}, Spec: appsv1.ReplicaSetSpec{Template: old}}}}

			ahead := s.Ahead()
			if (ahead == nil) != row.same {
				t.Fatalf("%+v", ahead)
			}
			if !slices.EqualFunc(s.Pods, []corev1.Pod{*before}, func(a, b corev1.Pod) bool { return a.String() == b.String() }) {
				t.Errorf("the snapshot itself has changed: %+v", s.Pods)
			}
			if ahead == nil {
				return
			}
			var keeps []string
			for _, c := range ContainersOf(&ahead.Pods[0]) {
				keeps = append(keeps, c.Spec.Name)
			}
			slices.Sort(keeps)
			if got := strings.Join(keeps, " "); got != row.keeps || ahead.Pods[0].Spec.NodeName != "node-1" {
				t.Errorf("keeps %q on node %q, want %q", got, ahead.Pods[0].Spec.NodeName, row.keeps)
			}
		})
	}
}

// TestAheadOfNobody: without a workload, or without the revision of a pod, nothing is known of another.
func TestAheadOfNobody(t *testing.T) {
	w, _ := workload.From(&appsv1.StatefulSet{})
	pods := []corev1.Pod{{ObjectMeta: metav1.ObjectMeta{Name: "mcp-0", Labels: map[string]string{appsv1.ControllerRevisionHashLabelKey: "mcp-old"}}}}
	for name, s := range map[string]*Snapshot{"no workload": {Pods: pods}, "no revision": {Pods: pods, Workload: w, All: &Objects{}}} {
		if ahead := s.Ahead(); ahead != nil {
			t.Errorf("%s: %+v", name, ahead)
		}
	}
}
