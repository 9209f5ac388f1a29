// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package snapshot

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

// Container is one container of a pod: its spec and its status.
type Container struct {
	Pod    *corev1.Pod
	Spec   corev1.Container
	Status corev1.ContainerStatus
	Init   bool
}

// ContainersOf are a pod's containers that have a status, init containers first, in the order of the spec.
func ContainersOf(pod *corev1.Pod) []Container {
	var all []Container
	add := func(specs []corev1.Container, statuses []corev1.ContainerStatus, init bool) {
		for _, spec := range specs {
			for _, status := range statuses {
				if status.Name == spec.Name {
					all = append(all, Container{pod, spec, status, init})
				}
			}
		}
	}
	add(pod.Spec.InitContainers, pod.Status.InitContainerStatuses, true)
	add(pod.Spec.Containers, pod.Status.ContainerStatuses, false)
	return all
}

// Containers are the containers of all live pods, those of the newest revision first.
func (s *Snapshot) Containers() []Container {
	var all []Container
	pods := s.LivePods()
	for i := range pods {
		all = append(all, ContainersOf(&pods[i])...)
	}
	return all
}

func (c Container) String() string {
	if c.Init {
		return "init container " + c.Spec.Name
	}
	return "container " + c.Spec.Name
}

// In names the container by what a person would edit: the workload, or a pod of its own.
func (s *Snapshot) In(c Container) string {
	if s.Workload != nil {
		return fmt.Sprintf("%s of %s", c, s.Workload)
	}
	return fmt.Sprintf("%s of Pod %s", c, c.Pod.Name)
}

// Owner is the object to change for a fault of the container: the workload, or a pod of its own.
func (s *Snapshot) Owner(c Container) v1alpha1.ObjectReference {
	if s.Workload != nil {
		return s.Workload.Reference()
	}
	return v1alpha1.ObjectReference{Kind: KindPod, Name: c.Pod.Name, UID: c.Pod.UID, ResourceVersion: c.Pod.ResourceVersion}
}

// Waits returns why the container waits, or "" if it does not.
func (c Container) Waits() (reason, message string) {
	if c.Status.State.Waiting == nil {
		return "", ""
	}
	return c.Status.State.Waiting.Reason, c.Status.State.Waiting.Message
}
