// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package snapshot

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/workload"
)

// annotationRevision is where the deployment controller numbers the revisions of a Deployment.
const annotationRevision = "deployment.kubernetes.io/revision"

// Assemble makes a snapshot of the lists. Its result does not depend on the order of the lists. An object without a name,
// which only a file that was edited can hold, is left out: nothing could be said of it.
func Assemble(namespace string, target v1alpha1.TargetReference, o *Objects) *Snapshot {
	s := &Snapshot{Namespace: namespace, Target: target, All: o}
	s.Services = Keep(o.Services, func(service *corev1.Service) bool { return service.Namespace == namespace && service.Name != "" })
	slices.SortFunc(s.Services, func(a, b corev1.Service) int { return cmp.Compare(a.Name, b.Name) })
	s.Workloads = o.workloads(namespace)
	s.resolve()
	s.EndpointSlices = o.slicesOf(s.Service)
	s.ReplicaSets = o.replicaSetsOf(s.Workload)
	s.Pods = o.podsOf(namespace, s.Service, s.Workload)
	s.Events = o.eventsAbout(s)
	return s
}

// workloads gives the three kinds one face, ordered by kind and name.
func (o *Objects) workloads(namespace string) []*workload.Workload {
	var found []client.Object
	for i := range o.Deployments {
		found = append(found, &o.Deployments[i])
	}
	for i := range o.StatefulSets {
		found = append(found, &o.StatefulSets[i])
	}
	for i := range o.DaemonSets {
		found = append(found, &o.DaemonSets[i])
	}
	var all []*workload.Workload
	for _, obj := range found {
		if w, ok := workload.From(obj); ok && obj.GetNamespace() == namespace && obj.GetName() != "" {
			all = append(all, w)
		}
	}
	slices.SortFunc(all, func(a, b *workload.Workload) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Object.GetName(), b.Object.GetName()))
	})
	return all
}

func (o *Objects) slicesOf(service *corev1.Service) []discoveryv1.EndpointSlice {
	if service == nil {
		return nil
	}
	found := Keep(o.EndpointSlices, func(slice *discoveryv1.EndpointSlice) bool {
		return slice.Namespace == service.Namespace && slice.Labels[discoveryv1.LabelServiceName] == service.Name
	})
	slices.SortFunc(found, func(a, b discoveryv1.EndpointSlice) int { return cmp.Compare(a.Name, b.Name) })
	return found
}

// replicaSetsOf returns the workload's ReplicaSets, newest revision first.
func (o *Objects) replicaSetsOf(w *workload.Workload) []appsv1.ReplicaSet {
	if w == nil {
		return nil
	}
	orphan := orphansOf(w)
	found := Keep(o.ReplicaSets, func(rs *appsv1.ReplicaSet) bool {
		return rs.Namespace == w.Object.GetNamespace() && (controlledBy(rs, string(w.Kind), w.Object) || orphan(rs))
	})
	slices.SortFunc(found, func(a, b appsv1.ReplicaSet) int {
		return cmp.Or(cmp.Compare(Revision(&b), Revision(&a)), NewestFirst(&a, &b))
	})
	return found
}

// podsOf returns the workload's pods, newest first; without a workload, those that the Service selects.
func (o *Objects) podsOf(namespace string, service *corev1.Service, w *workload.Workload) []corev1.Pod {
	orphan := orphansOf(w)
	found := Keep(o.Pods, func(pod *corev1.Pod) bool {
		if pod.Namespace != namespace || pod.Name == "" {
			return false
		}
		if w == nil {
			return Selects(service, pod.Labels)
		}
		kind, name, ok := workload.OwnerOf(pod)
		return ok && kind == string(w.Kind) && name == w.Object.GetName() || orphan(pod)
	})
	slices.SortFunc(found, func(a, b corev1.Pod) int { return NewestFirst(&a, &b) })
	return found
}

// orphansOf matches what a workload has made, of a file that has lost the ownerReferences: the label that only the
// controllers of workloads set is there, and the selector matches.
func orphansOf(w *workload.Workload) func(metav1.Object) bool {
	if w == nil || w.Selector == nil {
		return func(metav1.Object) bool { return false }
	}
	label := appsv1.ControllerRevisionHashLabelKey
	if w.Kind == v1alpha1.KindDeployment {
		label = appsv1.DefaultDeploymentUniqueLabelKey
	}
	selector, err := metav1.LabelSelectorAsSelector(w.Selector)
	return func(obj metav1.Object) bool {
		return err == nil && len(obj.GetOwnerReferences()) == 0 && obj.GetLabels()[label] != "" && !selector.Empty() && selector.Matches(labels.Set(obj.GetLabels()))
	}
}

// controlledBy is metav1.IsControlledBy for dumps too, which may have lost their UIDs.
func controlledBy(obj metav1.Object, kind string, owner metav1.Object) bool {
	controller := metav1.GetControllerOfNoCopy(obj)
	if controller == nil {
		return false
	}
	if controller.UID != "" && owner.GetUID() != "" {
		return controller.UID == owner.GetUID()
	}
	return controller.Kind == kind && controller.Name == owner.GetName()
}

// eventsAbout returns the events about the objects of the snapshot, newest first. An event names its object by UID, so
// one about an earlier object of the same name is left out. So are Cortex's own: what it has told of an earlier heal is no evidence.
func (o *Objects) eventsAbout(s *Snapshot) []corev1.Event {
	about := map[eventSubject]bool{}
	add := func(kind string, obj metav1.Object) {
		about[eventSubject{kind, obj.GetName(), obj.GetUID()}] = true
		about[eventSubject{kind, obj.GetName(), ""}] = true // of a dump that has lost its UIDs
	}
	if s.Service != nil {
		add(KindService, s.Service)
	}
	if s.Workload != nil {
		add(string(s.Workload.Kind), s.Workload.Object)
	}
	for i := range s.ReplicaSets {
		add(KindReplicaSet, &s.ReplicaSets[i])
	}
	for i := range s.Pods {
		add(KindPod, &s.Pods[i])
	}
	return o.eventsOf(s.Namespace, about)
}

type eventSubject struct {
	kind, name string
	uid        types.UID
}

func (o *Objects) eventsOf(namespace string, about map[eventSubject]bool) []corev1.Event {
	found := Keep(o.Events, func(event *corev1.Event) bool {
		of := event.InvolvedObject
		return event.Namespace == namespace && event.ReportingController != v1alpha1.FieldManager && about[eventSubject{of.Kind, of.Name, of.UID}]
	})
	sortEvents(found)
	return found
}

// sortEvents puts the newest first.
func sortEvents(events []corev1.Event) {
	slices.SortFunc(events, func(a, b corev1.Event) int {
		return cmp.Or(EventTime(&b).Compare(EventTime(&a)), cmp.Compare(a.Name, b.Name))
	})
}

// EventTime is when an event was last seen. Which field says so depends on the API that recorded it.
func EventTime(event *corev1.Event) time.Time {
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

// Revision is the number of a ReplicaSet's revision, or 0 where it has none.
func Revision(rs *appsv1.ReplicaSet) int64 {
	number, err := strconv.ParseInt(rs.Annotations[annotationRevision], 10, 64)
	if err != nil {
		return 0
	}
	return number
}

// NewestFirst orders objects by their creation, the newest first.
func NewestFirst(a, b metav1.Object) int {
	return cmp.Or(b.GetCreationTimestamp().Compare(a.GetCreationTimestamp().Time), cmp.Compare(a.GetName(), b.GetName()))
}

// Keep copies what is wanted of a list, and nothing else of it: lists are long, and objects large.
func Keep[T any](all []T, wanted func(*T) bool) []T {
	var places []int
	for i := range all {
		if wanted(&all[i]) {
			places = append(places, i)
		}
	}
	if places == nil {
		return nil
	}
	kept := make([]T, len(places))
	for i, place := range places {
		kept[i] = all[place]
	}
	return kept
}

func sortedKeys[T any](m map[string]T) []string { return slices.Sorted(maps.Keys(m)) }
