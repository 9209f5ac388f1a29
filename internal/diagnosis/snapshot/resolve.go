// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package snapshot

import (
	"cmp"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/mcpserver"
	"github.com/ry-ops/cortex/internal/workload"
)

// resolve finds the Service and the workload that the target stands for: a Service leads to what it selects, a workload
// to the Service that selects it.
func (s *Snapshot) resolve() {
	pods := s.podsOfNamespace()
	if s.Target.Kind == v1alpha1.KindService {
		s.Service = ServiceNamed(s.Services, s.Target.Name)
		s.Workload = workloadBehind(s.Service, pods, s.Workloads)
		return
	}
	s.Workload = WorkloadNamed(s.Workloads, string(s.Target.Kind), s.Target.Name)
	s.Service = serviceBefore(s.Workload, s.Services, pods)
}

// podsOfNamespace points to the pods of the namespace: a large one has many, and few of them are the target's.
func (s *Snapshot) podsOfNamespace() []*corev1.Pod {
	var pods []*corev1.Pod
	for i := range s.All.Pods {
		if s.All.Pods[i].Namespace == s.Namespace {
			pods = append(pods, &s.All.Pods[i])
		}
	}
	return pods
}

// workloadBehind finds the workload that a Service leads to. The owner of the pods that it selects now tells it best;
// a workload scaled to zero has no pods, and is told by its template.
func workloadBehind(service *corev1.Service, pods []*corev1.Pod, all []*workload.Workload) *workload.Workload {
	if service == nil {
		return nil
	}
	var selected, living []*corev1.Pod
	for _, pod := range pods {
		if !Selects(service, pod.Labels) {
			continue
		}
		selected = append(selected, pod)
		if IsLive(pod) {
			living = append(living, pod)
		}
	}
	for _, group := range [][]*corev1.Pod{living, selected} {
		if w := ownerOfMost(service.Name, group, all); w != nil {
			return w
		}
	}
	matching := slices.DeleteFunc(slices.Clone(all), func(w *workload.Workload) bool {
		return !Selects(service, w.Template.Labels)
	})
	if w := WithName(matching, service.Name); w != nil || len(matching) != 1 {
		// Of several, such as an old and a new colour, only a person knows which one should run.
		return w
	}
	return matching[0]
}

// ownerOfMost returns the owner of pods: the one of the given name, else the one of the most pods, else the first.
func ownerOfMost(name string, pods []*corev1.Pod, all []*workload.Workload) *workload.Workload {
	owned := map[*workload.Workload]int{}
	for _, pod := range pods {
		if kind, owner, ok := workload.OwnerOf(pod); ok {
			owned[WorkloadNamed(all, kind, owner)]++
		}
	}
	var owners []*workload.Workload
	for _, w := range all { // not over the map, whose order changes
		if owned[w] > 0 {
			owners = append(owners, w)
		}
	}
	if w := WithName(owners, name); w != nil || len(owners) == 0 {
		return w
	}
	return slices.MaxFunc(owners, func(a, b *workload.Workload) int { return cmp.Compare(owned[a], owned[b]) })
}

// serviceBefore finds the Service that selects a workload: one that is opted in, else one of the same name, else the
// first by name. Where none selects it, the Service of its name is taken if it selects nothing else: it has the wrong
// selector.
func serviceBefore(w *workload.Workload, all []corev1.Service, pods []*corev1.Pod) *corev1.Service {
	if w == nil {
		return nil
	}
	matching := Keep(all, func(service *corev1.Service) bool { return Selects(service, w.Template.Labels) })
	if len(matching) == 0 {
		named := ServiceNamed(all, w.Object.GetName())
		if slices.ContainsFunc(pods, func(pod *corev1.Pod) bool { return Selects(named, pod.Labels) }) {
			return nil
		}
		return named
	}
	best := slices.MinFunc(matching, func(a, b corev1.Service) int {
		return cmp.Or(
			first(mcpserver.OptedIn(&a), mcpserver.OptedIn(&b)),
			first(a.Name == w.Object.GetName(), b.Name == w.Object.GetName()),
			cmp.Compare(a.Name, b.Name))
	})
	return &best
}

// first orders true before false.
func first(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	default:
		return 1
	}
}

// ServiceNamed finds a Service by its name; nil if there is none.
func ServiceNamed(all []corev1.Service, name string) *corev1.Service {
	i := slices.IndexFunc(all, func(service corev1.Service) bool { return service.Name == name })
	if i < 0 {
		return nil
	}
	return &all[i]
}

// WorkloadNamed finds a workload by its kind and name; nil if there is none.
func WorkloadNamed(all []*workload.Workload, kind, name string) *workload.Workload {
	return One(all, func(w *workload.Workload) bool { return string(w.Kind) == kind && w.Object.GetName() == name })
}

// WithName finds a workload of any kind by its name; nil if there is none.
func WithName(all []*workload.Workload, name string) *workload.Workload {
	return One(all, func(w *workload.Workload) bool { return w.Object.GetName() == name })
}

// One finds the first workload that is wanted; nil if there is none.
func One(all []*workload.Workload, wanted func(*workload.Workload) bool) *workload.Workload {
	if i := slices.IndexFunc(all, wanted); i >= 0 {
		return all[i]
	}
	return nil
}

// HasSelector reports whether the Service finds its endpoints by a selector. One without is somebody's own business:
// its endpoints are written by hand, or it is a name for another host.
func HasSelector(service *corev1.Service) bool {
	return service != nil && len(service.Spec.Selector) > 0 && service.Spec.Type != corev1.ServiceTypeExternalName
}

// Selects reports whether a Service selects pods with these labels. It is asked of every pod of a namespace, so it does
// without the selector object of the library.
func Selects(service *corev1.Service, podLabels map[string]string) bool {
	if !HasSelector(service) {
		return false
	}
	for key, value := range service.Spec.Selector {
		if label, ok := podLabels[key]; !ok || label != value {
			return false
		}
	}
	return true
}

// Targets are all that a namespace can be asked for: every Service, and every workload that no Service leads to. Of two
// workloads behind one Service, such as a canary beside the others, the Service leads to one; the other is asked for too,
// unless it is meant to be idle.
func (o *Objects) Targets(namespace string) []v1alpha1.TargetReference {
	var targets []v1alpha1.TargetReference
	services := Keep(o.Services, func(service *corev1.Service) bool { return service.Namespace == namespace })
	slices.SortFunc(services, func(a, b corev1.Service) int { return cmp.Compare(a.Name, b.Name) })
	for i := range services {
		targets = append(targets, v1alpha1.TargetReference{Kind: v1alpha1.KindService, Name: services[i].Name})
	}
	workloads := o.workloads(namespace)
	pods := (&Snapshot{Namespace: namespace, All: o}).podsOfNamespace()
	behind := map[*workload.Workload]bool{}
	for i := range services {
		behind[workloadBehind(&services[i], pods, workloads)] = true
	}
	for _, w := range workloads {
		selected := slices.ContainsFunc(services, func(service corev1.Service) bool { return Selects(&service, w.Template.Labels) })
		if !behind[w] && (!selected || w.Replicas > 0) {
			targets = append(targets, v1alpha1.TargetReference{Kind: w.Kind, Name: w.Object.GetName()})
		}
	}
	return targets
}
