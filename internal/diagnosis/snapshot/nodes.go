// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package snapshot

import (
	"cmp"
	"slices"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/ry-ops/cortex/internal/ownership"
)

// This file holds the questions about nodes.

// NodeCondition returns a node's condition of a type, or nil if it has none.
func NodeCondition(node *corev1.Node, of corev1.NodeConditionType) *corev1.NodeCondition {
	if node == nil {
		return nil
	}
	for i := range node.Status.Conditions {
		if node.Status.Conditions[i].Type == of {
			return &node.Status.Conditions[i]
		}
	}
	return nil
}

// PodCondition returns a pod's condition of a type, or nil if it has none.
func PodCondition(pod *corev1.Pod, of corev1.PodConditionType) *corev1.PodCondition {
	for i := range pod.Status.Conditions {
		if pod.Status.Conditions[i].Type == of {
			return &pod.Status.Conditions[i]
		}
	}
	return nil
}

// PodsOn are the live pods of a node, of every namespace that was read, by namespace and name.
func (s *Snapshot) PodsOn(node string) []*corev1.Pod {
	var found []*corev1.Pod
	for i := range s.All.Pods {
		if pod := &s.All.Pods[i]; node != "" && pod.Spec.NodeName == node && IsLive(pod) {
			found = append(found, pod)
		}
	}
	slices.SortFunc(found, ByName)
	return found
}

// ByName orders pods by namespace and name.
func ByName(a, b *corev1.Pod) int {
	return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
}

// LeaseBehind is how much later than a node the other nodes have renewed their leases, and whether that is known. The
// kubelet renews its lease every 10 s, and 40 s are its duration (KEP-589). Nodes are compared with each other and not
// with Now, since a control plane that stands still is no node's fault. It takes two others, and the middle one of them,
// so that one clock that is ahead does not make every other node late.
func (s *Snapshot) LeaseBehind(node string) (time.Duration, bool) {
	var own time.Time
	var others []time.Time
	for i := range s.All.Leases {
		lease := &s.All.Leases[i]
		at := renewed(lease)
		switch {
		case lease.Namespace != corev1.NamespaceNodeLease || at.IsZero():
		case lease.Name == node:
			own = at
		default:
			others = append(others, at)
		}
	}
	if own.IsZero() || len(others) < 2 {
		return 0, false
	}
	slices.SortFunc(others, time.Time.Compare)
	return max(0, others[(len(others)-1)/2].Sub(own)), true
}

// renewed is when a lease was last renewed. The renewTime is of the node's own clock, which may be wrong; the managed
// fields have the API server's (apimachinery, managedfieldsupdater.go), where they were read.
func renewed(lease *coordinationv1.Lease) time.Time {
	var at time.Time
	if lease.Spec.RenewTime != nil {
		at = lease.Spec.RenewTime.Time
	}
	if writer, ok := ownership.WriterOf(lease, "spec", "renewTime"); ok && writer.At.After(at) {
		at = writer.At
	}
	return at
}
