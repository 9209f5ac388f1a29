// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

// Package workload gives Deployments, StatefulSets and DaemonSets one face: replicas, template, pods, rollout. It
// does no I/O but Get.
package workload

import (
	"context"
	"fmt"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

// Workload is a Deployment, StatefulSet or DaemonSet.
type Workload struct {
	Kind     v1alpha1.TargetKind
	Object   client.Object
	Selector *metav1.LabelSelector
	Template *corev1.PodTemplateSpec
	// Replicas wanted by the spec; for a DaemonSet, by the number of nodes that it fits.
	Replicas int32
	// Ready replicas, of any revision.
	Ready int32
	// Rollout of the newest spec.
	Rollout Rollout
}

// Rollout is how far the newest spec is rolled out, as `kubectl rollout status` sees it.
type Rollout struct {
	// Complete: the controller has seen the newest spec, every replica is of it and available, and no other is left.
	Complete bool
	// Message says what is awaited, or "n of n replicas ready".
	Message string
}

// From wraps obj. The second result is false for any other kind of object.
func From(obj client.Object) (*Workload, bool) {
	switch o := obj.(type) {
	case *appsv1.Deployment:
		return fromDeployment(o), true
	case *appsv1.StatefulSet:
		return fromStatefulSet(o), true
	case *appsv1.DaemonSet:
		return fromDaemonSet(o), true
	default:
		return nil, false
	}
}

// New returns an empty object of a kind, to read into. It returns nil for a kind that is no workload.
func New(kind string) client.Object {
	switch v1alpha1.TargetKind(kind) {
	case v1alpha1.KindDeployment:
		return &appsv1.Deployment{}
	case v1alpha1.KindStatefulSet:
		return &appsv1.StatefulSet{}
	case v1alpha1.KindDaemonSet:
		return &appsv1.DaemonSet{}
	default:
		return nil
	}
}

// Get reads one workload. A kind that is no workload is an error.
func Get(ctx context.Context, reader client.Reader, kind string, key types.NamespacedName) (*Workload, error) {
	obj := New(kind)
	if obj == nil {
		return nil, fmt.Errorf("%s is no kind of workload", kind)
	}
	if err := reader.Get(ctx, key, obj); err != nil {
		return nil, fmt.Errorf("reading %s %s: %w", kind, key, err)
	}
	workload, _ := From(obj)
	return workload, nil
}

// Reference names the workload and the state of it that was read.
func (w *Workload) Reference() v1alpha1.ObjectReference {
	return v1alpha1.ObjectReference{
		Kind:            string(w.Kind),
		Name:            w.Object.GetName(),
		UID:             w.Object.GetUID(),
		ResourceVersion: w.Object.GetResourceVersion(),
		Generation:      w.Object.GetGeneration(),
	}
}

// Scalable reports whether the workload has a replica count to set. A DaemonSet has none.
func (w *Workload) Scalable() bool { return w.Kind != v1alpha1.KindDaemonSet }

// String names the workload for people: "Deployment sandfly-mcp-server".
func (w *Workload) String() string { return string(w.Kind) + " " + w.Object.GetName() }

func fromDeployment(d *appsv1.Deployment) *Workload {
	want := replicas(d.Spec.Replicas)
	status := d.Status
	w := &Workload{Kind: v1alpha1.KindDeployment, Object: d, Selector: d.Spec.Selector, Template: &d.Spec.Template, Replicas: want, Ready: status.ReadyReplicas}
	w.Rollout = rollout(d.Generation, status.ObservedGeneration, want, status.Replicas, status.UpdatedReplicas, status.AvailableReplicas)
	return w
}

func fromStatefulSet(s *appsv1.StatefulSet) *Workload {
	want := replicas(s.Spec.Replicas)
	status := s.Status
	updated := status.UpdatedReplicas
	if status.UpdateRevision == status.CurrentRevision {
		updated = status.Replicas
	}
	w := &Workload{Kind: v1alpha1.KindStatefulSet, Object: s, Selector: s.Spec.Selector, Template: &s.Spec.Template, Replicas: want, Ready: status.ReadyReplicas}
	w.Rollout = rollout(s.Generation, status.ObservedGeneration, want, status.Replicas, updated, status.AvailableReplicas)
	return w
}

func fromDaemonSet(d *appsv1.DaemonSet) *Workload {
	want := d.Status.DesiredNumberScheduled
	status := d.Status
	w := &Workload{Kind: v1alpha1.KindDaemonSet, Object: d, Selector: d.Spec.Selector, Template: &d.Spec.Template, Replicas: want, Ready: status.NumberReady}
	w.Rollout = rollout(d.Generation, status.ObservedGeneration, want, status.CurrentNumberScheduled, status.UpdatedNumberScheduled, status.NumberAvailable)
	return w
}

// rollout asks the questions of `kubectl rollout status` in its order: the observed generation first, since until the
// controller has seen the newest spec its counts speak of an older one.
func rollout(generation, observed int64, want, current, updated, available int32) Rollout {
	switch {
	case observed < generation:
		return Rollout{Message: "waiting for the controller to see the new spec"}
	case updated < want:
		return Rollout{Message: fmt.Sprintf("%d of %d new replicas created", updated, want)}
	case current > updated:
		return Rollout{Message: fmt.Sprintf("%d old replicas still to go", current-updated)}
	case available < want:
		return Rollout{Message: fmt.Sprintf("%d of %d replicas available", available, want)}
	default:
		return Rollout{Complete: true, Message: fmt.Sprintf("%d of %d replicas ready", available, want)}
	}
}

func replicas(count *int32) int32 {
	if count == nil {
		return 1
	}
	return *count
}

// OwnerOf tells the workload that a pod belongs to from the pod's metadata alone. A Deployment's ReplicaSet is named
// after the Deployment and the pod-template-hash label, so no ReplicaSet needs to be read.
func OwnerOf(pod metav1.Object) (kind, name string, ok bool) {
	owner := metav1.GetControllerOfNoCopy(pod) // it is asked of every pod of a namespace
	if owner == nil {
		return "", "", false
	}
	if owner.Kind != "ReplicaSet" {
		return owner.Kind, owner.Name, New(owner.Kind) != nil
	}
	hash := pod.GetLabels()[appsv1.DefaultDeploymentUniqueLabelKey]
	name, found := strings.CutSuffix(owner.Name, "-"+hash)
	return string(v1alpha1.KindDeployment), name, found && hash != ""
}
