// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package diagnosis

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

// container is one container of a pod: its spec and its status.
type container struct {
	pod    *corev1.Pod
	spec   corev1.Container
	status corev1.ContainerStatus
	init   bool
}

// containersOf are a pod's containers that have a status, init containers first, in the order of the spec.
func containersOf(pod *corev1.Pod) []container {
	var all []container
	add := func(specs []corev1.Container, statuses []corev1.ContainerStatus, init bool) {
		for _, spec := range specs {
			for _, status := range statuses {
				if status.Name == spec.Name {
					all = append(all, container{pod, spec, status, init})
				}
			}
		}
	}
	add(pod.Spec.InitContainers, pod.Status.InitContainerStatuses, true)
	add(pod.Spec.Containers, pod.Status.ContainerStatuses, false)
	return all
}

// containers are the containers of all live pods, those of the newest revision first.
func (s *Snapshot) containers() []container {
	var all []container
	pods := s.livePods()
	for i := range pods {
		all = append(all, containersOf(&pods[i])...)
	}
	return all
}

func (c container) String() string {
	if c.init {
		return "init container " + c.spec.Name
	}
	return "container " + c.spec.Name
}

// in names the container by what a person would edit: the workload, or a pod of its own.
func (s *Snapshot) in(c container) string {
	if s.Workload != nil {
		return fmt.Sprintf("%s of %s", c, s.Workload)
	}
	return fmt.Sprintf("%s of Pod %s", c, c.pod.Name)
}

// owner is the object to change for a fault of the container: the workload, or a pod of its own.
func (s *Snapshot) owner(c container) v1alpha1.ObjectReference {
	if s.Workload != nil {
		return s.Workload.Reference()
	}
	return v1alpha1.ObjectReference{Kind: kindPod, Name: c.pod.Name, UID: c.pod.UID, ResourceVersion: c.pod.ResourceVersion}
}

// waits returns why the container waits, or "" if it does not.
func (c container) waits() (reason, message string) {
	if c.status.State.Waiting == nil {
		return "", ""
	}
	return c.status.State.Waiting.Reason, c.status.State.Waiting.Message
}
