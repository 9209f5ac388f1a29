// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package snapshot

import (
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

// This file finds, by name, the objects that others refer to. A nil result means that it is not there only if Complete
// says so of its kind.

// ConfigMap of the target's namespace.
func (s *Snapshot) ConfigMap(name string) *corev1.ConfigMap {
	return find(s.All.ConfigMaps, s.Namespace, name, func(o *corev1.ConfigMap) metav1.Object { return o })
}

// Secret of the target's namespace.
func (s *Snapshot) Secret(name string) *Secret {
	return find(s.All.Secrets, s.Namespace, name, func(o *Secret) metav1.Object { return o })
}

// ServiceAccount of the target's namespace.
func (s *Snapshot) ServiceAccount(name string) *corev1.ServiceAccount {
	return find(s.All.ServiceAccounts, s.Namespace, name, func(o *corev1.ServiceAccount) metav1.Object { return o })
}

// Claim of the target's namespace.
func (s *Snapshot) Claim(name string) *corev1.PersistentVolumeClaim {
	return find(s.All.Claims, s.Namespace, name, func(o *corev1.PersistentVolumeClaim) metav1.Object { return o })
}

// StorageClass of the cluster.
func (s *Snapshot) StorageClass(name string) *storagev1.StorageClass {
	return find(s.All.StorageClasses, "", name, func(o *storagev1.StorageClass) metav1.Object { return o })
}

// Node of the cluster.
func (s *Snapshot) Node(name string) *corev1.Node {
	return find(s.All.Nodes, "", name, func(o *corev1.Node) metav1.Object { return o })
}

func find[T any](all []T, namespace, name string, meta func(*T) metav1.Object) *T {
	for i := range all {
		if m := meta(&all[i]); m.GetName() == name && m.GetNamespace() == namespace {
			return &all[i]
		}
	}
	return nil
}

// NamesIn are the names of the objects of a list that are in a namespace, for Nearest.
func NamesIn[T any](all []T, namespace string, meta func(*T) metav1.Object) []string {
	var names []string
	for i := range all {
		if m := meta(&all[i]); m.GetNamespace() == namespace {
			names = append(names, m.GetName())
		}
	}
	return names
}

// EventsAbout are the events about one object that is not part of the snapshot itself, such as a claim or a node, newest
// first. The kubelet and the node controller write those about a node into the namespace default.
func (s *Snapshot) EventsAbout(kind, namespace, name string) []corev1.Event {
	if kind == KindNode {
		namespace = metav1.NamespaceDefault
	}
	found := Keep(s.All.Events, func(event *corev1.Event) bool {
		return event.Namespace == namespace && event.InvolvedObject.Kind == kind && event.InvolvedObject.Name == name
	})
	sortEvents(found)
	return found
}

// EventsOf are the events about one object of the snapshot, newest first.
func (s *Snapshot) EventsOf(object metav1.Object) []corev1.Event {
	return Keep(s.Events, func(event *corev1.Event) bool {
		of := event.InvolvedObject
		return of.Name == object.GetName() && (of.UID == object.GetUID() || of.UID == "" || object.GetUID() == "")
	})
}

// PodSpec is the pod as the newest spec wants it: the workload's template, or without a workload that of a pod; nil if
// there is neither.
func (s *Snapshot) PodSpec() *corev1.PodSpec {
	switch {
	case s.Workload != nil:
		return &s.Workload.Template.Spec
	case len(s.Pods) > 0:
		return &s.Pods[0].Spec
	default:
		return nil
	}
}

// Sibling is the snapshot of another Service of the namespace, of the same reading: whether a dependency is well. Its logs
// and its handshake are not known. It is nil if there is no such Service.
func (s *Snapshot) Sibling(service string) *Snapshot {
	if ServiceNamed(s.Services, service) == nil || s.Service != nil && s.Service.Name == service {
		return nil
	}
	other := Assemble(s.Namespace, v1alpha1.TargetReference{Kind: v1alpha1.KindService, Name: service}, s.All)
	other.Now, other.Unprobed = s.Now, true
	return other
}

// Reference names an object for a finding. The caller adds the namespace where it is another than the target's.
func Reference(kind string, object metav1.Object) v1alpha1.ObjectReference {
	return v1alpha1.ObjectReference{
		Kind: kind, Name: object.GetName(), UID: object.GetUID(), ResourceVersion: object.GetResourceVersion(), Generation: object.GetGeneration(),
	}
}

// Is reports whether a reference names the target, its Service or its workload.
func (s *Snapshot) Is(target v1alpha1.TargetReference) bool {
	return s.Target == target ||
		target.Kind == v1alpha1.KindService && s.Service != nil && s.Service.Name == target.Name ||
		s.Workload != nil && s.Workload.Kind == target.Kind && s.Workload.Object.GetName() == target.Name
}
