// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package diagnosis

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/workload"
)

// annotationRevision is where the deployment controller numbers the revisions of a Deployment.
const annotationRevision = "deployment.kubernetes.io/revision"

// assemble makes a snapshot of the lists. Its result does not depend on the order of the lists.
func assemble(namespace string, target v1alpha1.TargetReference, o *objects) *Snapshot {
	s := &Snapshot{Namespace: namespace, Target: target, Gaps: o.gaps, Unread: o.unread}
	s.Services = slices.SortedFunc(slices.Values(o.services), func(a, b corev1.Service) int { return cmp.Compare(a.Name, b.Name) })
	s.Workloads = o.workloads()
	s.resolve(o.pods)
	s.EndpointSlices = o.slicesOf(s.Service)
	s.ReplicaSets = o.replicaSetsOf(s.Workload)
	s.Pods = o.podsOf(s.Service, s.Workload)
	s.Events = o.eventsAbout(s)
	return s
}

// workloads gives the three kinds one face, ordered by kind and name.
func (o *objects) workloads() []*workload.Workload {
	var found []client.Object
	for i := range o.deployments {
		found = append(found, &o.deployments[i])
	}
	for i := range o.statefulSets {
		found = append(found, &o.statefulSets[i])
	}
	for i := range o.daemonSets {
		found = append(found, &o.daemonSets[i])
	}
	var all []*workload.Workload
	for _, obj := range found {
		if w, ok := workload.From(obj); ok {
			all = append(all, w)
		}
	}
	slices.SortFunc(all, func(a, b *workload.Workload) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Object.GetName(), b.Object.GetName()))
	})
	return all
}

func (o *objects) slicesOf(service *corev1.Service) []discoveryv1.EndpointSlice {
	if service == nil {
		return nil
	}
	found := keep(o.slices, func(slice *discoveryv1.EndpointSlice) bool {
		return slice.Labels[discoveryv1.LabelServiceName] == service.Name
	})
	slices.SortFunc(found, func(a, b discoveryv1.EndpointSlice) int { return cmp.Compare(a.Name, b.Name) })
	return found
}

// replicaSetsOf returns the workload's ReplicaSets, newest revision first.
func (o *objects) replicaSetsOf(w *workload.Workload) []appsv1.ReplicaSet {
	if w == nil {
		return nil
	}
	found := keep(o.replicaSets, func(rs *appsv1.ReplicaSet) bool {
		return metav1.IsControlledBy(rs, w.Object)
	})
	slices.SortFunc(found, func(a, b appsv1.ReplicaSet) int {
		return cmp.Or(cmp.Compare(revision(&b), revision(&a)), newestFirst(&a, &b))
	})
	return found
}

// podsOf returns the workload's pods, newest first; without a workload, those that the Service selects.
func (o *objects) podsOf(service *corev1.Service, w *workload.Workload) []corev1.Pod {
	found := keep(o.pods, func(pod *corev1.Pod) bool {
		if w == nil {
			return selects(service, pod.Labels)
		}
		kind, name, ok := workload.OwnerOf(pod)
		return ok && kind == string(w.Kind) && name == w.Object.GetName()
	})
	slices.SortFunc(found, func(a, b corev1.Pod) int { return newestFirst(&a, &b) })
	return found
}

// eventsAbout returns the events about the objects of the snapshot, newest first. An event names its object by UID, so
// one about an earlier object of the same name is left out.
func (o *objects) eventsAbout(s *Snapshot) []corev1.Event {
	about := map[types.UID]bool{}
	if s.Service != nil {
		about[s.Service.UID] = true
	}
	if s.Workload != nil {
		about[s.Workload.Object.GetUID()] = true
	}
	for i := range s.ReplicaSets {
		about[s.ReplicaSets[i].UID] = true
	}
	for i := range s.Pods {
		about[s.Pods[i].UID] = true
	}
	found := keep(o.events, func(event *corev1.Event) bool { return about[event.InvolvedObject.UID] })
	slices.SortFunc(found, func(a, b corev1.Event) int {
		return cmp.Or(eventTime(&b).Compare(eventTime(&a)), cmp.Compare(a.Name, b.Name))
	})
	return found
}

// eventTime is when an event was last seen. Which field says so depends on the API that recorded it.
func eventTime(event *corev1.Event) time.Time {
	switch {
	case event.Series != nil && !event.Series.LastObservedTime.IsZero():
		return event.Series.LastObservedTime.Time
	case !event.LastTimestamp.IsZero():
		return event.LastTimestamp.Time
	case !event.EventTime.IsZero():
		return event.EventTime.Time
	default:
		return event.CreationTimestamp.Time
	}
}

// revision is the number of a ReplicaSet's revision, or 0 where it has none.
func revision(rs *appsv1.ReplicaSet) int64 {
	number, err := strconv.ParseInt(rs.Annotations[annotationRevision], 10, 64)
	if err != nil {
		return 0
	}
	return number
}

func newestFirst(a, b metav1.Object) int {
	return cmp.Or(b.GetCreationTimestamp().Compare(a.GetCreationTimestamp().Time), cmp.Compare(a.GetName(), b.GetName()))
}

func keep[T any](all []T, wanted func(*T) bool) []T {
	var kept []T
	for i := range all {
		if wanted(&all[i]) {
			kept = append(kept, all[i])
		}
	}
	return kept
}
