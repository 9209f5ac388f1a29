// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package snapshot

import (
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

// RevisionOf returns the ReplicaSet that made the pod.
func (s *Snapshot) RevisionOf(pod *corev1.Pod) *appsv1.ReplicaSet {
	for i := range s.ReplicaSets {
		if s.ReplicaSets[i].Labels[appsv1.DefaultDeploymentUniqueLabelKey] == pod.Labels[appsv1.DefaultDeploymentUniqueLabelKey] {
			return &s.ReplicaSets[i]
		}
	}
	return nil
}

// Before returns the revision to go back to, if the pod is of the newest one: the last that was another than a restart
// of it. ReplicaSets that no longer want a pod are kept for just that.
func (s *Snapshot) Before(pod *corev1.Pod) *appsv1.ReplicaSet {
	if !s.IsNewest(pod) {
		return nil
	}
	for i := range s.ReplicaSets {
		if !sameTemplate(&s.ReplicaSets[i].Spec.Template, &s.ReplicaSets[0].Spec.Template) {
			return &s.ReplicaSets[i]
		}
	}
	return nil
}

// NewestSince is when the newest template came into use. Restarts make revisions of their own and change nothing.
func (s *Snapshot) NewestSince() time.Time {
	var since time.Time
	for i := range s.ReplicaSets {
		if !sameTemplate(&s.ReplicaSets[i].Spec.Template, &s.ReplicaSets[0].Spec.Template) {
			break
		}
		since = s.ReplicaSets[i].CreationTimestamp.Time
	}
	return since
}

// LikeNewest reports whether a pod is of the newest revision, or of one that it is but a restart of.
func (s *Snapshot) LikeNewest(pod *corev1.Pod) bool {
	rs := s.RevisionOf(pod)
	return s.IsNewest(pod) || rs != nil && sameTemplate(&rs.Spec.Template, &s.ReplicaSets[0].Spec.Template)
}

// TellRevision tells since which revision the container is as it is.
func (s *Snapshot) TellRevision(c Container) string {
	rs := s.RevisionOf(c.Pod)
	if rs == nil {
		return ""
	}
	return fmt.Sprintf("it is of revision %d (ReplicaSet %s, created %s)", Revision(rs), rs.Name, s.Ago(rs.CreationTimestamp.Time))
}

// ImageIn returns the image of the container of that name in a revision.
func ImageIn(rs *appsv1.ReplicaSet, name string) string {
	for _, specs := range [][]corev1.Container{rs.Spec.Template.Spec.InitContainers, rs.Spec.Template.Spec.Containers} {
		for _, spec := range specs {
			if spec.Name == name {
				return spec.Image
			}
		}
	}
	return ""
}

// Undo is the command that goes back to a revision. Without a number kubectl takes the one before the newest. Only a
// Deployment's revisions are read.
func (s *Snapshot) Undo(to *appsv1.ReplicaSet) string {
	if s.Workload == nil || s.Workload.Kind != v1alpha1.KindDeployment {
		return ""
	}
	command := fmt.Sprintf("kubectl rollout undo deployment/%s -n %s", s.Workload.Object.GetName(), s.Namespace)
	if to.Name != s.ReplicaSets[1].Name {
		command += fmt.Sprintf(" --to-revision=%d", Revision(to))
	}
	return command
}
