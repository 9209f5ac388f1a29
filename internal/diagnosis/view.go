// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package diagnosis

import (
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/workload"
)

// This file holds the questions that several checks ask of a snapshot.

// isLive reports whether a pod is meant to run: not on its way out, and not ended for good.
func isLive(pod *corev1.Pod) bool {
	return pod.DeletionTimestamp == nil && pod.Status.Phase != corev1.PodSucceeded && pod.Status.Phase != corev1.PodFailed
}

func isReady(pod *corev1.Pod) bool {
	return slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
	})
}

// livePods are the pods that are meant to run: those of the newest revision first, since a new fault came with it.
func (s *Snapshot) livePods() []corev1.Pod {
	live := keep(s.Pods, isLive)
	slices.SortStableFunc(live, func(a, b corev1.Pod) int { return first(s.isNewest(&a), s.isNewest(&b)) })
	return live
}

// readyPods counts the pods that are ready.
func (s *Snapshot) readyPods() int { return len(keep(s.livePods(), isReady)) }

// isNewest reports whether a pod is of the newest revision of its workload. Where that is not known, every pod is.
func (s *Snapshot) isNewest(pod *corev1.Pod) bool {
	if len(s.ReplicaSets) > 0 {
		return pod.Labels[appsv1.DefaultDeploymentUniqueLabelKey] == s.ReplicaSets[0].Labels[appsv1.DefaultDeploymentUniqueLabelKey]
	}
	if s.Workload == nil {
		return true
	}
	if set, ok := s.Workload.Object.(*appsv1.StatefulSet); ok && set.Status.UpdateRevision != "" {
		return pod.Labels[appsv1.ControllerRevisionHashLabelKey] == set.Status.UpdateRevision
	}
	return true
}

// readyEndpoints counts the endpoints that the Service sends callers to. A pod counts once, though a dual-stack Service
// has it in two slices.
func (s *Snapshot) readyEndpoints() int {
	ready, _ := s.countEndpoints()
	return ready
}

func (s *Snapshot) countEndpoints() (ready, all int) {
	readyOnes, allOnes := map[string]bool{}, map[string]bool{}
	for _, slice := range s.EndpointSlices {
		for _, endpoint := range slice.Endpoints {
			key := endpointKey(endpoint)
			allOnes[key] = true
			// "A nil value should be interpreted as true" (EndpointConditions.Ready).
			if endpoint.Conditions.Ready == nil || *endpoint.Conditions.Ready {
				readyOnes[key] = true
			}
		}
	}
	return len(readyOnes), len(allOnes)
}

func endpointKey(endpoint discoveryv1.Endpoint) string {
	if endpoint.TargetRef != nil {
		return endpoint.TargetRef.Kind + "/" + endpoint.TargetRef.Name
	}
	return slices.Concat(endpoint.Addresses, []string{""})[0]
}

// atZero reports whether the workload is asked for no pods at all.
func (s *Snapshot) atZero() bool {
	return s.Workload != nil && s.Workload.Scalable() && s.Workload.Replicas == 0
}

// shouldAnswer reports whether there is something behind the Service that ought to answer: only then is a handshake
// worth its time. Pods that still run of a workload that is scaled to zero are on their way out, whatever they answer.
func (s *Snapshot) shouldAnswer() bool {
	if s.Service == nil || s.atZero() {
		return false
	}
	return s.readyEndpoints() > 0 || !hasSelector(s.Service) || !s.Complete(kindEndpointSlice)
}

// age is how long ago a moment was; never negative, since clocks differ between machines.
func (s *Snapshot) age(moment time.Time) time.Duration { return max(0, s.Now.Sub(moment)) }

// culprit names what a fault of the running program is the fault of: the workload, or what comes nearest to it.
func (s *Snapshot) culprit() v1alpha1.ObjectReference {
	switch {
	case s.Workload != nil:
		return s.Workload.Reference()
	case s.Service != nil:
		return s.serviceReference()
	default:
		return s.targetReference()
	}
}

// targetReference names the target itself, which need not exist.
func (s *Snapshot) targetReference() v1alpha1.ObjectReference {
	return v1alpha1.ObjectReference{Kind: string(s.Target.Kind), Name: s.Target.Name}
}

func (s *Snapshot) serviceReference() v1alpha1.ObjectReference {
	return v1alpha1.ObjectReference{
		Kind:            kindService,
		Name:            s.Service.Name,
		UID:             s.Service.UID,
		ResourceVersion: s.Service.ResourceVersion,
		Generation:      s.Service.Generation,
	}
}

// workloadsComplete reports whether every workload of the namespace was read.
func (s *Snapshot) workloadsComplete() bool {
	return s.Complete(kindDeployment) && s.Complete(kindStatefulSet) && s.Complete(kindDaemonSet)
}

// selected are the workloads whose pods the Service selects.
func (s *Snapshot) selected() []*workload.Workload {
	return slices.DeleteFunc(slices.Clone(s.Workloads), func(w *workload.Workload) bool {
		return !selects(s.Service, w.Template.Labels)
	})
}
