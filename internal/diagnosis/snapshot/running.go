// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package snapshot

import (
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// This file holds what the checks of running containers ask.

// EventsIn are the events about one container of a pod, newest first. The kubelet names the container in the field path
// "spec.containers{mcp}"; where a dump has lost that, the event belongs to the pod's only container.
func (s *Snapshot) EventsIn(c Container) []corev1.Event {
	only := len(c.Pod.Spec.Containers)+len(c.Pod.Spec.InitContainers) == 1
	return Keep(s.EventsOf(c.Pod), func(event *corev1.Event) bool {
		path := event.InvolvedObject.FieldPath
		if path == "" {
			return only
		}
		return strings.HasSuffix(path, "{"+c.Spec.Name+"}")
	})
}

// EventCount is how often an event was seen.
func EventCount(event *corev1.Event) int32 {
	if event.Series != nil {
		return max(event.Series.Count, event.Count, 1)
	}
	return max(event.Count, 1)
}

// Running is since when the container runs; the zero time if it does not.
func (c Container) Running() time.Time {
	if c.Status.State.Running == nil {
		return time.Time{}
	}
	return c.Status.State.Running.StartedAt.Time
}

// Ended is how the container ended the last time; nil if it never did, or if that is not told.
func (c Container) Ended() *corev1.ContainerStateTerminated {
	if c.Status.State.Terminated != nil {
		return c.Status.State.Terminated
	}
	return c.Status.LastTerminationState.Terminated
}

// TargetPorts are the ports of a pod that the Service sends its callers to, as far as the pod has them.
func (s *Snapshot) TargetPorts(spec *corev1.PodSpec) []int32 {
	if s.Service == nil {
		return nil
	}
	var ports []int32
	for _, port := range s.Service.Spec.Ports {
		switch {
		case port.TargetPort.StrVal != "":
			if number, ok := NamedPort(spec.Containers, port.TargetPort.StrVal); ok {
				ports = append(ports, number)
			}
		case port.TargetPort.IntVal != 0:
			ports = append(ports, port.TargetPort.IntVal)
		default: // "If this is not specified, the value of the 'port' field is used" (ServicePort)
			ports = append(ports, port.Port)
		}
	}
	return ports
}

// NamedPort finds a port of containers by its name.
func NamedPort(containers []corev1.Container, name string) (int32, bool) {
	for _, c := range containers {
		for _, port := range c.Ports {
			if port.Name == name {
				return port.ContainerPort, true
			}
		}
	}
	return 0, false
}
