// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package snapshot

import (
	"regexp"
	"slices"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Volume of the cluster.
func (s *Snapshot) Volume(name string) *corev1.PersistentVolume {
	return find(s.All.Volumes, "", name, func(o *corev1.PersistentVolume) metav1.Object { return o })
}

// Lease of a namespace.
func (s *Snapshot) Lease(namespace, name string) *coordinationv1.Lease {
	return find(s.All.Leases, namespace, name, func(o *coordinationv1.Lease) metav1.Object { return o })
}

// Unscheduled is what the scheduler last said of a pod that it places nowhere: in the condition, or in an event.
func (s *Snapshot) Unscheduled(pod *corev1.Pod) string {
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse && c.Message != "" {
			return c.Message
		}
	}
	for _, event := range s.EventsOf(pod) { // newest first
		if event.Reason == "FailedScheduling" && event.Message != "" {
			return event.Message
		}
	}
	return ""
}

// claimMissing is what the scheduler says (kubernetes pkg/scheduler/framework/plugins/volumebinding, podHasPVCs).
var claimMissing = regexp.MustCompile(`persistentvolumeclaim "([^"]{1,253})" not found`)

// SaidMissing reports whether the scheduler says that a claim is not there.
func (s *Snapshot) SaidMissing(pod *corev1.Pod, claim string) bool {
	match := claimMissing.FindStringSubmatch(s.Unscheduled(pod))
	return match != nil && match[1] == claim
}

// SeesAllPods reports whether the pods of all namespaces were read, so that what a node has left is known. Every cluster
// has pods of its own somewhere; where only the target's namespace holds pods, only that was read.
func (s *Snapshot) SeesAllPods() bool {
	return s.Complete(KindPod) && s.Complete(KindPodElsewhere) && slices.ContainsFunc(s.All.Pods, func(pod corev1.Pod) bool { return pod.Namespace != s.Namespace })
}
