// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package snapshot

import (
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/util/duration"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/workload"
)

// Recent is how long something that happened still counts as happening. The kubelet's longest back-off is 5 minutes, so a
// loop shows again within it.
const Recent = 10 * time.Minute

// This file holds the questions that several checks ask of a snapshot.

// IsLive reports whether a pod is meant to run: not on its way out, and not ended for good.
func IsLive(pod *corev1.Pod) bool {
	return pod.DeletionTimestamp == nil && pod.Status.Phase != corev1.PodSucceeded && pod.Status.Phase != corev1.PodFailed
}

// IsReady reports whether a pod is ready.
func IsReady(pod *corev1.Pod) bool {
	return slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
	})
}

// LivePods are the pods that are meant to run: those of the newest revision first, since a new fault came with it.
func (s *Snapshot) LivePods() []corev1.Pod {
	live := Keep(s.Pods, IsLive)
	slices.SortStableFunc(live, func(a, b corev1.Pod) int { return first(s.IsNewest(&a), s.IsNewest(&b)) })
	return live
}

// ReadyPods counts the pods that are ready.
func (s *Snapshot) ReadyPods() int { return len(Keep(s.LivePods(), IsReady)) }

// IsNewest reports whether a pod is of the newest revision of its workload. Where that is not known, every pod is.
func (s *Snapshot) IsNewest(pod *corev1.Pod) bool {
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

// ReadyEndpoints counts the endpoints that the Service sends callers to. A pod counts once, though a dual-stack Service
// has it in two slices.
func (s *Snapshot) ReadyEndpoints() int {
	ready, _ := s.CountEndpoints()
	return ready
}

// CountEndpoints counts the endpoints that callers are sent to, and all of them.
func (s *Snapshot) CountEndpoints() (ready, all int) {
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

// AtZero reports whether the workload is asked for no pods at all.
func (s *Snapshot) AtZero() bool {
	return s.Workload != nil && s.Workload.Scalable() && s.Workload.Replicas == 0
}

// Complains reports whether a tool of the target says that it cannot reach what it depends on. Those are words of a tool: they say
// that the target suffers, and never from what.
func (s *Snapshot) Complains() bool {
	return s.Error != nil && s.Error.Class == v1alpha1.ErrorDependencyDown
}

// ShouldAnswer reports whether there is something behind the Service that ought to answer: only then is a handshake
// worth its time. Pods that still run of a workload that is scaled to zero are on their way out, whatever they answer.
func (s *Snapshot) ShouldAnswer() bool {
	if s.Service == nil || s.AtZero() {
		return false
	}
	return s.ReadyEndpoints() > 0 || !HasSelector(s.Service) || !s.Complete(KindEndpointSlice)
}

// Age is how long ago a moment was; never negative, since clocks differ between machines.
func (s *Snapshot) Age(moment time.Time) time.Duration { return max(0, s.Now.Sub(moment)) }

// Ago tells an age the way kubectl does: 12m ago, 3h5m ago.
func (s *Snapshot) Ago(moment time.Time) string {
	return duration.HumanDuration(s.Age(moment)) + " ago"
}

// Culprit names what a fault of the running program is the fault of: the workload, or what comes nearest to it.
func (s *Snapshot) Culprit() v1alpha1.ObjectReference {
	switch {
	case s.Workload != nil:
		return s.Workload.Reference()
	case s.Service != nil:
		return s.ServiceReference()
	default:
		return s.TargetReference()
	}
}

// TargetReference names the target itself, which need not exist.
func (s *Snapshot) TargetReference() v1alpha1.ObjectReference {
	return v1alpha1.ObjectReference{Kind: string(s.Target.Kind), Name: s.Target.Name}
}

// ServiceReference names the Service for a finding.
func (s *Snapshot) ServiceReference() v1alpha1.ObjectReference {
	return v1alpha1.ObjectReference{
		Kind:            KindService,
		Name:            s.Service.Name,
		UID:             s.Service.UID,
		ResourceVersion: s.Service.ResourceVersion,
		Generation:      s.Service.Generation,
	}
}

// WorkloadsComplete reports whether every workload of the namespace was read.
func (s *Snapshot) WorkloadsComplete() bool {
	return s.Complete(KindDeployment) && s.Complete(KindStatefulSet) && s.Complete(KindDaemonSet)
}

// Selected are the workloads whose pods the Service selects.
func (s *Snapshot) Selected() []*workload.Workload {
	return slices.DeleteFunc(slices.Clone(s.Workloads), func(w *workload.Workload) bool {
		return !Selects(s.Service, w.Template.Labels)
	})
}

// Title is what callers know the server by.
func (s *Snapshot) Title() string {
	if s.Service != nil {
		return "Service " + s.Service.Name
	}
	return string(s.Target.Kind) + " " + s.Target.Name
}

// LogOf is the log to judge a container by: that of the run that ended, else that of the run that is on.
func (s *Snapshot) LogOf(pod *corev1.Pod, container string) string {
	log := s.Logs[ContainerKey{Pod: pod.Name, Container: container}]
	if log.Previous != "" {
		return log.Previous
	}
	return log.Current
}
