// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package diagnosis

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

// revisionOf returns the ReplicaSet that made the pod.
func (s *Snapshot) revisionOf(pod *corev1.Pod) *appsv1.ReplicaSet {
	for i := range s.ReplicaSets {
		if s.ReplicaSets[i].Labels[appsv1.DefaultDeploymentUniqueLabelKey] == pod.Labels[appsv1.DefaultDeploymentUniqueLabelKey] {
			return &s.ReplicaSets[i]
		}
	}
	return nil
}

// before returns the revision that `kubectl rollout undo` goes back to, if the pod is of the newest one. ReplicaSets
// that no longer wanted a pod are kept for just that.
func (s *Snapshot) before(pod *corev1.Pod) *appsv1.ReplicaSet {
	if len(s.ReplicaSets) < 2 || !s.isNewest(pod) {
		return nil
	}
	return &s.ReplicaSets[1]
}

// tellRevision tells since which revision the container is as it is.
func (s *Snapshot) tellRevision(c container) string {
	rs := s.revisionOf(c.pod)
	if rs == nil {
		return ""
	}
	return fmt.Sprintf("it is of revision %d (ReplicaSet %s, created %s)", revision(rs), rs.Name, s.ago(rs.CreationTimestamp.Time))
}

// imageIn returns the image of the container of that name in a revision.
func imageIn(rs *appsv1.ReplicaSet, name string) string {
	for _, specs := range [][]corev1.Container{rs.Spec.Template.Spec.InitContainers, rs.Spec.Template.Spec.Containers} {
		for _, spec := range specs {
			if spec.Name == name {
				return spec.Image
			}
		}
	}
	return ""
}

// undo is the command that goes back to the revision before. Only a Deployment's revisions are read.
func (s *Snapshot) undo() string {
	if s.Workload == nil || s.Workload.Kind != v1alpha1.KindDeployment {
		return ""
	}
	return fmt.Sprintf("kubectl rollout undo deployment/%s -n %s", s.Workload.Object.GetName(), s.Namespace)
}
