// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package routing

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"

	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
)

// Way is a connection that somebody means to make to a pod behind a Service.
type Way struct {
	// Policies of the namespaces of both ends.
	Policies []networkingv1.NetworkPolicy
	// Namespaces that were read. Of any other, every label is held possible.
	Namespaces []corev1.Namespace
	// Who wants to get there, and From, its pod; nil for somebody outside of the cluster.
	Who  string
	From *corev1.Pod
	To   *corev1.Pod
	// Port of the Service.
	Port corev1.ServicePort
}

// Closed says which NetworkPolicies close a way, in words for people. It reads the policies alone, and in doubt a way is open.
func (w Way) Closed() (string, bool) {
	number, known := snapshot.PortOf(w.Port, &w.To.Spec)
	if !known || w.To.Spec.HostNetwork {
		return "", false
	}
	s := &snapshot.Snapshot{All: &snapshot.Objects{NetworkPolicies: w.Policies, Namespaces: w.Namespaces}}
	to := destination{endOf(snapshot.BackendOf(w.To)), number, snapshot.ProtocolOf(w.Port.Protocol)}
	from, isPod := w.from()
	if in := policiesOf(s, to.end, networkingv1.PolicyTypeIngress); !admits(s, in, from, to) {
		return fmt.Sprintf("NetworkPolicy %s does not admit %s to port %d of %s", policyNames(in), w.Who, to.port, to.name), true
	}
	if !isPod {
		return "", false
	}
	if out := policiesOf(s, from, networkingv1.PolicyTypeEgress); !letsOut(s, out, to) {
		return fmt.Sprintf("NetworkPolicy %s does not let %s out to port %d of %s", policyNames(out), w.Who, to.port, to.name), true
	}
	return "", false
}

// from is the end where the way begins. A pod in its node's network is met as the node, and no policy is about it.
func (w Way) from() (from end, isPod bool) {
	if w.From == nil {
		return end{}, false
	}
	from = endOf(snapshot.BackendOf(w.From))
	if w.From.Spec.HostNetwork {
		return end{ips: from.ips}, false
	}
	return from, true
}
