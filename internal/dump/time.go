// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package dump

import (
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
)

// Namespace is the one that `kubectl cortex dump` was asked for; empty for any other file.
func (r *Reader) Namespace() string { return r.extra.Namespace }

// Time is when the file was written: what it says itself, or else the newest moment that any of its objects tells. It is
// the zero time if none tells one.
func (r *Reader) Time() time.Time {
	if !r.extra.Time.IsZero() {
		return r.extra.Time.Time
	}
	var newest time.Time
	later := func(moments ...time.Time) {
		for _, moment := range moments {
			if moment.After(newest) {
				newest = moment
			}
		}
	}
	o := &r.objects
	for i := range o.Events {
		later(snapshot.EventTime(&o.Events[i]))
	}
	for i := range o.Pods {
		later(podTimes(&o.Pods[i])...)
	}
	for i := range o.Nodes {
		for _, condition := range o.Nodes[i].Status.Conditions {
			later(condition.LastHeartbeatTime.Time, condition.LastTransitionTime.Time)
		}
	}
	for i := range o.Leases {
		if renewed := o.Leases[i].Spec.RenewTime; renewed != nil {
			later(renewed.Time)
		}
	}
	for i := range o.Deployments {
		later(writtenAt(&o.Deployments[i])...)
		for _, condition := range o.Deployments[i].Status.Conditions {
			later(condition.LastUpdateTime.Time, condition.LastTransitionTime.Time)
		}
	}
	for i := range o.ReplicaSets {
		later(writtenAt(&o.ReplicaSets[i])...)
	}
	for i := range o.StatefulSets {
		later(writtenAt(&o.StatefulSets[i])...)
	}
	for i := range o.DaemonSets {
		later(writtenAt(&o.DaemonSets[i])...)
	}
	for i := range o.Services {
		later(writtenAt(&o.Services[i])...)
	}
	for i := range o.PodMetrics {
		later(o.PodMetrics[i].Timestamp.Time)
	}
	return newest
}

// writtenAt are the moments at which an object was made and changed.
func writtenAt(object metav1.Object) []time.Time {
	moments := []time.Time{object.GetCreationTimestamp().Time}
	for _, entry := range object.GetManagedFields() {
		if entry.Time != nil {
			moments = append(moments, entry.Time.Time)
		}
	}
	return moments
}

func podTimes(pod *corev1.Pod) []time.Time {
	moments := writtenAt(pod)
	for _, condition := range pod.Status.Conditions {
		moments = append(moments, condition.LastTransitionTime.Time)
	}
	for _, container := range slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses) {
		for _, state := range []corev1.ContainerState{container.State, container.LastTerminationState} {
			if state.Running != nil {
				moments = append(moments, state.Running.StartedAt.Time)
			}
			if state.Terminated != nil {
				moments = append(moments, state.Terminated.FinishedAt.Time)
			}
		}
	}
	return moments
}
