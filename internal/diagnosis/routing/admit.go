// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package routing

import (
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
)

// This file evaluates NetworkPolicies as networking/v1 defines them: the policies that select a pod add up, and what none
// of them admits is refused. In doubt it admits.

// end is one side of a connection.
type end struct {
	name, namespace string
	labels          map[string]string
	ips             []string
	ports           []corev1.ContainerPort
}

func endOf(b snapshot.Backend) end {
	e := end{name: b.Name, namespace: b.Namespace, labels: b.Labels, ips: b.IPs}
	for _, c := range snapshot.LongRunning(b.Spec) {
		e.ports = append(e.ports, c.Ports...)
	}
	return e
}

// destination is a port of a pod.
type destination struct {
	end
	port     int32
	protocol corev1.Protocol
}

// policiesOf are the policies of one direction that select a pod, by name.
func policiesOf(s *snapshot.Snapshot, e end, direction networkingv1.PolicyType) []networkingv1.NetworkPolicy {
	found := snapshot.Keep(s.All.NetworkPolicies, func(policy *networkingv1.NetworkPolicy) bool {
		return policy.Namespace == e.namespace && governs(policy, direction) && matches(&policy.Spec.PodSelector, e.labels)
	})
	slices.SortFunc(found, func(a, b networkingv1.NetworkPolicy) int { return strings.Compare(a.Name, b.Name) })
	return found
}

// governs reports whether a policy is about a direction. Without policyTypes it is about ingress, and about egress if it
// has rules for it (NetworkPolicySpec.PolicyTypes).
func governs(policy *networkingv1.NetworkPolicy, direction networkingv1.PolicyType) bool {
	if len(policy.Spec.PolicyTypes) > 0 {
		return slices.Contains(policy.Spec.PolicyTypes, direction)
	}
	return direction == networkingv1.PolicyTypeIngress || len(policy.Spec.Egress) > 0
}

// rule is an ingress or an egress rule: the other side's peers, and the destination's ports.
type rule struct {
	peers []networkingv1.NetworkPolicyPeer
	ports []networkingv1.NetworkPolicyPort
}

func rulesOf(policy *networkingv1.NetworkPolicy, direction networkingv1.PolicyType) []rule {
	var rules []rule
	if direction == networkingv1.PolicyTypeIngress {
		for _, r := range policy.Spec.Ingress {
			rules = append(rules, rule{r.From, r.Ports})
		}
		return rules
	}
	for _, r := range policy.Spec.Egress {
		rules = append(rules, rule{r.To, r.Ports})
	}
	return rules
}

// admits reports whether ingress policies let a caller in.
func admits(s *snapshot.Snapshot, policies []networkingv1.NetworkPolicy, caller end, to destination) bool {
	return passes(s, policies, networkingv1.PolicyTypeIngress, caller, to)
}

// letsOut reports whether egress policies let somebody out to a destination.
func letsOut(s *snapshot.Snapshot, policies []networkingv1.NetworkPolicy, to destination) bool {
	return passes(s, policies, networkingv1.PolicyTypeEgress, to.end, to)
}

func passes(s *snapshot.Snapshot, policies []networkingv1.NetworkPolicy, direction networkingv1.PolicyType, other end, to destination) bool {
	for i := range policies {
		for _, r := range rulesOf(&policies[i], direction) {
			if to.admitted(r.ports) && (len(r.peers) == 0 || slices.ContainsFunc(r.peers, func(peer networkingv1.NetworkPolicyPeer) bool {
				return isPeer(s, policies[i].Namespace, peer, other)
			})) {
				return true
			}
		}
	}
	return len(policies) == 0
}

// admitted reports whether a rule's ports hold the destination's. No ports are all of them; a name is that of a port of the
// destination's pod.
func (to destination) admitted(ports []networkingv1.NetworkPolicyPort) bool {
	return len(ports) == 0 || slices.ContainsFunc(ports, func(p networkingv1.NetworkPolicyPort) bool {
		protocol := corev1.ProtocolTCP
		if p.Protocol != nil {
			protocol = *p.Protocol
		}
		switch {
		case protocol != to.protocol:
			return false
		case p.Port == nil:
			return true
		case p.Port.Type == intstr.String:
			return slices.ContainsFunc(to.ports, func(declared corev1.ContainerPort) bool {
				return declared.Name == p.Port.StrVal && declared.ContainerPort == to.port && snapshot.ProtocolOf(declared.Protocol) == to.protocol
			})
		case p.EndPort != nil:
			return p.Port.IntVal <= to.port && to.port <= *p.EndPort
		default:
			return p.Port.IntVal == to.port
		}
	})
}

// isPeer reports whether a peer of a policy holds an end.
func isPeer(s *snapshot.Snapshot, policyNamespace string, peer networkingv1.NetworkPolicyPeer, e end) bool {
	if peer.IPBlock != nil {
		return inBlock(peer.IPBlock, e.ips)
	}
	if peer.NamespaceSelector == nil {
		return e.namespace == policyNamespace && (peer.PodSelector == nil || matches(peer.PodSelector, e.labels))
	}
	of, known := s.LabelsOfNamespace(e.namespace)
	inNamespace := matches(peer.NamespaceSelector, of) || !known && !decided(peer.NamespaceSelector)
	return inNamespace && (peer.PodSelector == nil || matches(peer.PodSelector, e.labels))
}

// decided reports whether a namespace's name alone decides a selector: every other label may be there, unread.
func decided(selector *metav1.LabelSelector) bool {
	_, byName := selector.MatchLabels[corev1.LabelMetadataName]
	return byName && len(selector.MatchLabels) == 1 && len(selector.MatchExpressions) == 0
}

func matches(selector *metav1.LabelSelector, of map[string]string) bool {
	parsed, err := metav1.LabelSelectorAsSelector(selector)
	return err != nil || parsed.Matches(labels.Set(of))
}

// inBlock reports whether one of the addresses is in a block. Where none is known it may be.
func inBlock(block *networkingv1.IPBlock, ips []string) bool {
	prefix, err := netip.ParsePrefix(block.CIDR)
	if err != nil || len(ips) == 0 {
		return true
	}
	return slices.ContainsFunc(ips, func(ip string) bool {
		address, err := netip.ParseAddr(ip)
		return err == nil && prefix.Contains(address) && !slices.ContainsFunc(block.Except, func(except string) bool {
			without, err := netip.ParsePrefix(except)
			return err == nil && without.Contains(address)
		})
	})
}
