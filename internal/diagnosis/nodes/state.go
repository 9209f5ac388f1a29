// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package nodes

import (
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
)

const (
	// leaseDuration is after what time without a sign the kubelet counts as late (kubelet, nodeLeaseDurationSeconds).
	leaseDuration = 40 * time.Second
	// leaseNoticed is by when the node controller has noticed in any case, whatever its grace period (50 s by default). A
	// node that is Ready with a lease older than this has a clock of its own.
	leaseNoticed = 5 * time.Minute
)

// state is what is wrong with a node itself. There is one state a node: the deepest.
type state struct {
	cause      v1alpha1.Cause
	detail     string
	confidence v1alpha1.Confidence
	// says completes "Node worker-1 ...".
	says string
	// proof is the evidence for it.
	proof []string
}

// stateOf judges a node by its Ready condition, or else by its lease; nil if it is well, or nothing tells.
func stateOf(s *snapshot.Snapshot, node *corev1.Node) *state {
	ready := snapshot.NodeCondition(node, corev1.NodeReady)
	if ready == nil || ready.Status != corev1.ConditionTrue && recovered(s, node.Name, ready.LastTransitionTime.Time) {
		return nil
	}
	switch ready.Status {
	case corev1.ConditionUnknown:
		return silent(s, node.Name, ready)
	case corev1.ConditionFalse:
		return notReady(s, ready)
	case corev1.ConditionTrue:
		return late(s, node.Name)
	default:
		return nil
	}
}

// silent: the node controller has set Ready to Unknown, since the kubelet has reported nothing for its grace period.
func silent(s *snapshot.Snapshot, node string, ready *corev1.NodeCondition) *state {
	says := "is not heard from: its kubelet has stopped reporting"
	detail := ""
	if ready.Reason == "NodeStatusNeverUpdated" {
		says, detail = "has never been heard from: its kubelet has not reported once", "NeverReported"
	}
	found := &state{v1alpha1.CauseKubeletUnavailable, detail, v1alpha1.Certain, says + since(s, ready.LastTransitionTime.Time), []string{tellCondition(s, ready)}}
	if behind, ok := s.LeaseBehind(node); ok && behind > leaseDuration {
		found.proof = append(found.proof, tellLease(node, behind))
	}
	return found
}

// notReady: the kubelet reports, and says itself what keeps the node from being ready.
func notReady(s *snapshot.Snapshot, ready *corev1.NodeCondition) *state {
	found := &state{v1alpha1.CauseNodeNotReady, "", v1alpha1.Certain, "is not ready" + since(s, ready.LastTransitionTime.Time), []string{tellCondition(s, ready)}}
	if says := plain(ready.Message); says != "" {
		found.says += ": " + says
	}
	if fault, ok := runtimeFaultOf(ready.Message); ok {
		found.cause, found.detail = v1alpha1.CauseContainerRuntimeUnavailable, fault.detail
		found.says = fault.says + since(s, ready.LastTransitionTime.Time) + ": " + plain(ready.Message)
	} else {
		found.detail = notReadyDetail(ready.Message)
	}
	return found
}

// late: the node still counts as Ready, but its lease has run out while the others are renewed.
func late(s *snapshot.Snapshot, node string) *state {
	behind, ok := s.LeaseBehind(node)
	if !ok || behind <= leaseDuration || behind > leaseNoticed || leaseAge(s, node) <= leaseDuration {
		return nil
	}
	return &state{v1alpha1.CauseKubeletUnavailable, "Lease", v1alpha1.Likely, "is late: its kubelet has let its lease run out, and the node controller has not marked it yet", []string{tellLease(node, behind)}}
}

func leaseAge(s *snapshot.Snapshot, node string) time.Duration {
	for i := range s.All.Leases {
		if lease := &s.All.Leases[i]; lease.Namespace == corev1.NamespaceNodeLease && lease.Name == node && lease.Spec.RenewTime != nil {
			return s.Age(lease.Spec.RenewTime.Time)
		}
	}
	return 0
}

// recovered reports whether a NodeReady event is newer than the moment at which the node went down: Nodes and events are
// not read at one moment, and the newer one counts.
func recovered(s *snapshot.Snapshot, node string, down time.Time) bool {
	for _, event := range s.EventsAbout(snapshot.KindNode, "", node) { // newest first
		switch event.Reason {
		case "NodeReady":
			return snapshot.EventTime(&event).After(down)
		case "NodeNotReady":
			return false
		}
	}
	return false
}
