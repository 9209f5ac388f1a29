// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package routing

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/finding"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
)

// wayOut judges the ways from the target to what it is told to call: its own egress policies, the ingress policies of the
// other side, and the way to the cluster DNS, without which no name is known. To be kept in is legal for who calls nobody,
// and what is told need not be used: it is likely only where the target misses it.
func wayOut(s *snapshot.Snapshot) (finding.Finding, bool) {
	from, spec, ok := self(s)
	if !ok || spec.HostNetwork {
		return finding.Finding{}, false
	}
	out := policiesOf(s, from, networkingv1.PolicyTypeEgress)
	for _, u := range upstreamsOf(s, spec) {
		if s.Service != nil && u.Service == s.Service.Name && u.Namespace == s.Namespace {
			continue // its own name
		}
		service := s.ServiceIn(u.Namespace, u.Service)
		to, known := destinationOf(s, u, service)
		switch {
		case len(out) > 0 && !nameServed(s, out):
			return kept(s, u, &out[0], "DNS", "the cluster DNS (port 53)"), true
		case !known:
		case !letsOut(s, out, to):
			return kept(s, u, &out[0], "Egress", fmt.Sprintf("port %d of %s", to.port, to.name)), true
		default:
			if in := policiesOf(s, to.end, networkingv1.PolicyTypeIngress); !admits(s, in, from, to) {
				return kept(s, u, &in[0], "Dependency", fmt.Sprintf("port %d of %s", to.port, to.name)), true
			}
		}
	}
	return finding.Finding{}, false
}

// self is the target as one end of a connection.
func self(s *snapshot.Snapshot) (end, *corev1.PodSpec, bool) {
	if pods := s.LivePods(); len(pods) > 0 {
		return endOf(snapshot.BackendOf(&pods[0])), &pods[0].Spec, true
	}
	if s.Workload != nil {
		return endOf(snapshot.TemplateOf(s.Workload)), &s.Workload.Template.Spec, true
	}
	return end{}, nil, false
}

// destinationOf is the pod and port that an address leads to.
func destinationOf(s *snapshot.Snapshot, u upstream, service *corev1.Service) (destination, bool) {
	backends := s.BackendsOf(service)
	if len(backends) == 0 || backends[0].Spec.HostNetwork {
		return destination{}, false
	}
	for _, port := range service.Spec.Ports {
		if port.Port == u.Port || u.Port == 0 && len(service.Spec.Ports) == 1 {
			number, ok := snapshot.PortOf(port, backends[0].Spec)
			return destination{endOf(backends[0]), number, snapshot.ProtocolOf(port.Protocol)}, ok
		}
	}
	return destination{}, false
}

// nameServed reports whether egress policies may let a pod ask the cluster DNS: a rule for its port, to any address or to
// its pods. Where these are not known, any rule for the port will do.
func nameServed(s *snapshot.Snapshot, policies []networkingv1.NetworkPolicy) bool {
	servers := []end{{namespace: snapshot.SystemNamespace, labels: map[string]string{"k8s-app": "kube-dns"}}}
	for _, b := range s.BackendsOf(clusterDNS(s)) {
		servers = append(servers, endOf(b))
	}
	for i := range policies {
		for _, r := range policies[i].Spec.Egress {
			for _, protocol := range []corev1.Protocol{corev1.ProtocolUDP, corev1.ProtocolTCP} {
				for _, server := range servers {
					to := destination{server, 53, protocol}
					named := slices.ContainsFunc(r.Ports, func(p networkingv1.NetworkPolicyPort) bool {
						return p.Port != nil && strings.HasPrefix(p.Port.StrVal, "dns") // by its name, in pods that are not known
					})
					if (named || to.admitted(r.Ports)) && (len(r.To) == 0 || slices.ContainsFunc(r.To, func(peer networkingv1.NetworkPolicyPeer) bool {
						return peer.IPBlock != nil || isPeer(s, policies[i].Namespace, peer, server)
					})) {
						return true
					}
				}
			}
		}
	}
	return false
}

// dnsRefused reports whether policies keep the target from the cluster DNS, so that a name which does not resolve is their
// fault.
func dnsRefused(s *snapshot.Snapshot) bool {
	from, spec, ok := self(s)
	if !ok || spec.HostNetwork || !s.Complete(snapshot.KindNetworkPolicy) {
		return false
	}
	out := policiesOf(s, from, networkingv1.PolicyTypeEgress)
	return len(out) > 0 && !nameServed(s, out)
}

func kept(s *snapshot.Snapshot, u upstream, policy *networkingv1.NetworkPolicy, detail, what string) finding.Finding {
	f := finding.New(v1alpha1.CauseNetworkPolicyBlocked, policyReference(s, policy), v1alpha1.Possible, "")
	f.Detail = detail
	if detail == "Dependency" {
		f.Message = fmt.Sprintf("NetworkPolicy %s does not admit the pods of %s to %s, which %s names", policy.Name, s.Title(), what, u.Source)
		f.Recommendation = fmt.Sprintf("Admit the pods of %s in an ingress rule of NetworkPolicy %s.", s.Title(), policy.Name)
	} else {
		f.Message = fmt.Sprintf("NetworkPolicy %s does not let the pods of %s out to %s, which %s (%s) needs", policy.Name, s.Title(), what, u.Source, u.address)
		f.Recommendation = fmt.Sprintf("Add an egress rule to NetworkPolicy %s that lets the pods of %s out to %s.", policy.Name, s.Title(), what)
	}
	f.Evidence = append(f.Evidence, fmt.Sprintf("container %s, %s: %s", u.Container.Name, u.Source, u.address))
	line, _ := complaint(s, u, nil)
	troubled := trouble(s, u.Container.Name)
	switch {
	case line != "":
		f.Confidence = v1alpha1.Certain
		f.Evidence = append(f.Evidence, "its log says: "+line)
	case troubled != "":
		f.Confidence = v1alpha1.Likely
		f.Evidence = append(f.Evidence, troubled)
	}
	return f
}
