// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package snapshot

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
)

// This file holds what a pod that does not start is asked.

// labelTemplateGeneration is how the DaemonSet controller numbers the templates that its pods are of (k8s.io/api,
// apps/v1, DeprecatedTemplateGeneration without its prefix).
const labelTemplateGeneration = "pod-template-generation"

// Earlier is what a pod's workload ran before the pod's revision.
type Earlier struct {
	Spec *corev1.PodSpec
	// Told names it: "revision 2", or by a pod that is still of it.
	Told string
	// Undo is the command that goes back.
	Undo string
}

// EarlierThan is what to go back to from a pod's revision; nil if that is not known. A Deployment's revisions are its
// ReplicaSets. Those of the other kinds (ControllerRevisions) are not read: there a pod that is still of the earlier one
// tells what it was.
func (s *Snapshot) EarlierThan(pod *corev1.Pod) *Earlier {
	if s.Workload == nil {
		return nil
	}
	if rs := s.Before(pod); rs != nil {
		return &Earlier{&rs.Spec.Template.Spec, fmt.Sprintf("revision %d", Revision(rs)), s.Undo(rs)}
	}
	for i := range s.Pods {
		if older := &s.Pods[i]; IsLive(older) && s.isEarlier(older, pod) {
			undo := fmt.Sprintf("kubectl rollout undo %s/%s -n %s", strings.ToLower(string(s.Workload.Kind)), s.Workload.Object.GetName(), s.Namespace)
			return &Earlier{&older.Spec, "the earlier revision (Pod " + older.Name + ")", undo}
		}
	}
	return nil
}

// isEarlier reports whether a is of an earlier revision than b, which is of the newest.
func (s *Snapshot) isEarlier(a, b *corev1.Pod) bool {
	switch object := s.Workload.Object.(type) {
	case *appsv1.StatefulSet:
		return object.Status.UpdateRevision != "" && s.IsNewest(b) && !s.IsNewest(a)
	case *appsv1.DaemonSet:
		return templateGeneration(a) > 0 && templateGeneration(a) < templateGeneration(b)
	default:
		return false
	}
}

func templateGeneration(pod *corev1.Pod) int64 {
	number, err := strconv.ParseInt(pod.Labels[labelTemplateGeneration], 10, 64)
	if err != nil {
		return 0
	}
	return number
}

// ContainerIn returns the container of that name of a pod's spec, or nil.
func ContainerIn(spec *corev1.PodSpec, name string) *corev1.Container {
	for _, specs := range [][]corev1.Container{spec.InitContainers, spec.Containers} {
		for i := range specs {
			if specs[i].Name == name {
				return &specs[i]
			}
		}
	}
	return nil
}

// IsSidecar reports whether an init container is meant to run on beside the others (KEP-753).
func IsSidecar(c *corev1.Container) bool {
	return c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways
}

// IsHeld reports whether a live pod has a node and none of its containers has come so far as to have an image: its
// volumes or its sandbox are being made, or cannot be. PodReadyToStartContainers says that both are there (KEP-3085).
func IsHeld(pod *corev1.Pod) bool {
	if !IsLive(pod) || pod.Spec.NodeName == "" || hasCondition(pod, corev1.PodReadyToStartContainers) || hasCondition(pod, "PodHasNetwork") {
		return false
	}
	statuses := slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses)
	return !slices.ContainsFunc(statuses, func(status corev1.ContainerStatus) bool { return !isToCome(status) })
}

// isToCome: the kubelet has not tried the container yet (kubelet_pods.go, convertToAPIContainerStatuses).
func isToCome(status corev1.ContainerStatus) bool {
	if status.State.Running != nil || status.State.Terminated != nil {
		return false
	}
	waiting := status.State.Waiting
	return waiting == nil || slices.Contains([]string{"", "ContainerCreating", "PodInitializing"}, waiting.Reason)
}

func hasCondition(pod *corev1.Pod, condition corev1.PodConditionType) bool {
	return slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == condition && c.Status == corev1.ConditionTrue
	})
}

// Said is the text of an event without what client-go puts before it where it has joined several (tools/record,
// EventAggregatorByReasonMessageFunc).
func Said(event *corev1.Event) string {
	return strings.TrimPrefix(event.Message, "(combined from similar events): ")
}

// EventsOfPod are the events about a pod, newest first, without those of an earlier pod of its name, of which a
// StatefulSet makes many and which a dump without UIDs does not tell apart.
func (s *Snapshot) EventsOfPod(pod *corev1.Pod) []corev1.Event {
	events := s.EventsOf(pod)
	return Keep(events, func(event *corev1.Event) bool { return !EventTime(event).Before(pod.CreationTimestamp.Time) })
}

// StandingEvents are the events of a pod with one of the reasons, newest first, but for those that a newer event of the
// pod with one of the reasons healed contradicts.
func (s *Snapshot) StandingEvents(pod *corev1.Pod, reasons, healed []string) []corev1.Event {
	var standing []corev1.Event
	var since time.Time // the newest sign that all is well
	for _, event := range s.EventsOfPod(pod) {
		switch {
		case slices.Contains(healed, event.Reason) && since.IsZero():
			since = EventTime(&event)
		case slices.Contains(reasons, event.Reason) && !EventTime(&event).Before(since):
			standing = append(standing, event)
		}
	}
	return standing
}
