// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package snapshot

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
)

// Ahead is the snapshot as it would be if each pod were of the template that its workload has: what is found there too, a rollout
// does not cure. It is nil where no pod is of a revision that the workload has left, as far as revisions were read.
func (s *Snapshot) Ahead() *Snapshot {
	ahead, left := *s, false
	ahead.Pods = slices.Clone(s.Pods)
	revisions := s.revisions()
	for i := range ahead.Pods {
		pod := &ahead.Pods[i]
		of := slices.IndexFunc(revisions, func(revision History) bool { return revision.made(pod) })
		if of >= 0 && !sameTemplate(revisions[of].Template, s.Workload.Template) {
			*pod, left = rolledOut(pod, &revisions[of].Template.Spec, &s.Workload.Template.Spec), true
		}
	}
	if !left {
		return nil
	}
	return &ahead
}

// rolledOut is a pod where it is, with the spec of another template than its own. What happened to its containers is kept where
// the other template changes nothing about that, and so is what neither has: who has put that into the pod will do so again.
func rolledOut(pod *corev1.Pod, from, to *corev1.PodSpec) corev1.Pod {
	added := func(c *corev1.Container) bool {
		return ContainerIn(from, c.Name) == nil && ContainerIn(to, c.Name) == nil
	}
	beside := sameBeside(from, to)
	kept := func(status *corev1.ContainerStatus) bool {
		a, b := ContainerIn(from, status.Name), ContainerIn(to, status.Name)
		if a == nil || b == nil {
			return a == b
		}
		return beside && equality.Semantic.DeepEqual(a, b) || neverBegan(status) && samePull(from, to, a, b)
	}
	after := *pod
	after.Spec = *to.DeepCopy()
	after.Spec.NodeName = pod.Spec.NodeName
	after.Spec.InitContainers = append(after.Spec.InitContainers, Keep(pod.Spec.InitContainers, added)...)
	after.Spec.Containers = append(after.Spec.Containers, Keep(pod.Spec.Containers, added)...)
	after.Status.InitContainerStatuses = Keep(pod.Status.InitContainerStatuses, kept)
	after.Status.ContainerStatuses = Keep(pod.Status.ContainerStatuses, kept)
	return after
}

// sameBeside compares all but the containers.
func sameBeside(a, b *corev1.PodSpec) bool {
	a, b = a.DeepCopy(), b.DeepCopy()
	a.InitContainers, a.Containers, b.InitContainers, b.Containers = nil, nil, nil, nil
	return equality.Semantic.DeepEqual(a, b)
}

// neverBegan: the container has waited from the first: for its image, or for what its spec names, which is looked up anew.
func neverBegan(status *corev1.ContainerStatus) bool {
	return status.State.Waiting != nil && status.LastTerminationState.Terminated == nil && status.RestartCount == 0
}

func samePull(from, to *corev1.PodSpec, a, b *corev1.Container) bool {
	return a.Image == b.Image && a.ImagePullPolicy == b.ImagePullPolicy && equality.Semantic.DeepEqual(from.ImagePullSecrets, to.ImagePullSecrets)
}
