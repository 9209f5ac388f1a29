// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package routing

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/finding"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/diagnosis/words"
)

// labelName is the label that Cortex's own pods are known by, with these values.
const (
	labelName      = "app.kubernetes.io/name"
	nameOfGateway  = "cortex-gateway"
	nameOfOperator = "cortex-operator"
)

// networkPolicyBlocked finds NetworkPolicies that let nobody in, not those who are known to call, or not out to what the
// target is told to call. It reads the policies alone: whether the network enforces them is only known where a
// connection was seen to fail.
func networkPolicyBlocked(s *snapshot.Snapshot) []finding.Finding {
	if !s.Complete(snapshot.KindNetworkPolicy) || len(s.All.NetworkPolicies) == 0 {
		return nil
	}
	findings := wayIn(s)
	if out, ok := wayOut(s); ok {
		findings = append(findings, out)
	}
	if unenforced(s) {
		for i := range findings {
			findings[i].Confidence = v1alpha1.Possible
			findings[i].Evidence = append(findings[i].Evidence, "the cluster runs flannel and no other network plugin was seen: flannel enforces no policies")
		}
	}
	return joined(findings)
}

// wayIn judges the ways to the target's ports.
func wayIn(s *snapshot.Snapshot) []finding.Finding {
	backends := s.BackendsOf(s.Service)
	if len(backends) == 0 || backends[0].Spec.HostNetwork || s.Handshake != nil && s.Handshake.Accepted {
		return nil
	}
	b := backends[0]
	policies := policiesOf(s, endOf(b), networkingv1.PolicyTypeIngress)
	if len(policies) == 0 {
		return nil
	}
	var findings []finding.Finding
	for _, port := range portsThatMatter(s.Service) {
		number, ok := snapshot.PortOf(port, b.Spec)
		if !ok {
			continue
		}
		to := destination{endOf(b), number, snapshot.ProtocolOf(port.Protocol)}
		f, blocked := closedDoor(s, port, to, policies)
		if !blocked {
			f, blocked = turnedAway(s, port, to, policies)
		}
		if !blocked {
			return nil // callers have a way in; a port for metrics beside it is somebody else's matter
		}
		f.Evidence = append([]string{fmt.Sprintf("NetworkPolicy %s selects %s", policyNames(policies), b.Name)}, f.Evidence...)
		if connectionFailed(s) {
			f.Evidence = append(f.Evidence, "MCP handshake: "+s.Handshake.Message)
		}
		findings = append(findings, f)
	}
	return joined(findings)
}

// portsThatMatter is the MCP port; of a Service where that is not known, every port.
func portsThatMatter(service *corev1.Service) []corev1.ServicePort {
	found := snapshot.Keep(service.Spec.Ports, func(port *corev1.ServicePort) bool { return isMCPPort(service, *port) })
	if len(found) > 0 {
		return found
	}
	return service.Spec.Ports
}

// surety of a fault that the policies show: certain if a connection was seen to fail as well.
func surety(s *snapshot.Snapshot) v1alpha1.Confidence {
	if connectionFailed(s) {
		return v1alpha1.Certain
	}
	return v1alpha1.Likely
}

// closedDoor finds that no rule admits anybody to the port.
func closedDoor(s *snapshot.Snapshot, port corev1.ServicePort, to destination, policies []networkingv1.NetworkPolicy) (finding.Finding, bool) {
	rules := 0
	for i := range policies {
		for _, rule := range policies[i].Spec.Ingress {
			rules++
			if to.admitted(rule.Ports) {
				return finding.Finding{}, false
			}
		}
	}
	f := finding.New(v1alpha1.CauseNetworkPolicyBlocked, policyReference(s, &policies[0]), surety(s), "")
	if rules == 0 {
		f.Detail = "DefaultDeny"
		f.Message = fmt.Sprintf("NetworkPolicy %s admits nobody to the pods of Service %s: it has no ingress rule, and no other policy has one for them", policies[0].Name, s.Service.Name)
	} else {
		f.Detail = "Port"
		f.Message = fmt.Sprintf("NetworkPolicy %s admits nobody to port %d of the pods of Service %s: its ingress rules name %s", policyNames(policies), to.port, s.Service.Name, strings.Join(portsAdmitted(policies), ", "))
	}
	f.Recommendation = fmt.Sprintf("Add an ingress rule for port %d/%s to NetworkPolicy %s, from the pods that call Service %s, port %s.", to.port, to.protocol, policies[0].Name, s.Service.Name, showPort(port))
	return f, true
}

// turnedAway finds that a rule admits somebody to the port, and none of those who are known to call. That Cortex's operator
// is kept out says nothing of others who call: it only asks whether the server is well.
func turnedAway(s *snapshot.Snapshot, port corev1.ServicePort, to destination, policies []networkingv1.NetworkPolicy) (finding.Finding, bool) {
	callers := callersOf(s)
	refused := slices.DeleteFunc(slices.Clone(callers), func(caller end) bool { return admits(s, policies, caller, to) })
	f := finding.New(v1alpha1.CauseNetworkPolicyBlocked, policyReference(s, &policies[0]), v1alpha1.Likely, "")
	switch {
	case len(refused) > 0 && len(refused) == len(callers):
		f.Detail = "Caller"
		if refused[0].labels[labelName] == nameOfGateway {
			f.Confidence = surety(s)
		}
		f.Message = fmt.Sprintf("NetworkPolicy %s does not admit %s to port %d of the pods of Service %s: it admits %s", policyNames(policies), refused[0].name, to.port, s.Service.Name, strings.Join(peersAdmitted(policies, to), "; "))
		f.Evidence = append(f.Evidence, fmt.Sprintf("labels of %s in namespace %s: %s", refused[0].name, refused[0].namespace, words.ShowLabels(refused[0].labels)))
		f.Recommendation = fmt.Sprintf("Admit %s in an ingress rule of NetworkPolicy %s for port %d/%s.", refused[0].name, policies[0].Name, to.port, to.protocol)
		return f, true
	case len(callers) == 0:
		strangers := nobodyHas(s, policies, to)
		if len(strangers) == 0 {
			return f, false
		}
		f.Detail, f.Confidence = "Peer", v1alpha1.Possible
		f.Message = fmt.Sprintf("NetworkPolicy %s admits only pods with labels that no pod of namespace %s has to port %d of Service %s: %s", policyNames(policies), s.Namespace, to.port, s.Service.Name, strings.Join(strangers, "; "))
		f.Recommendation = fmt.Sprintf("Admit the pods that call Service %s, port %s, in an ingress rule of NetworkPolicy %s.", s.Service.Name, showPort(port), policies[0].Name)
		return f, true
	default:
		return f, false
	}
}

// connectionFailed reports whether no connection to the Service was taken, though it has somebody to take it.
func connectionFailed(s *snapshot.Snapshot) bool {
	return s.Handshake != nil && !s.Handshake.Accepted && s.ReadyEndpoints() > 0 && s.Handshake.Class == v1alpha1.ErrorTimeout
}

// callersOf are the pods that are known to call the target: Cortex's own, and those of workloads that are told the name of
// its Service.
func callersOf(s *snapshot.Snapshot) []end {
	var callers []end
	seen := map[string]bool{}
	for i := range s.All.Pods {
		pod := &s.All.Pods[i]
		name := pod.Labels[labelName]
		if snapshot.IsLive(pod) && (name == nameOfGateway || name == nameOfOperator) {
			callers = append(callers, endOf(snapshot.BackendOf(pod)))
		}
	}
	slices.SortFunc(callers, func(a, b end) int { // the gateway first; one pod of each
		return cmp.Or(strings.Compare(a.labels[labelName], b.labels[labelName]), strings.Compare(a.namespace+a.name, b.namespace+b.name))
	})
	callers = slices.DeleteFunc(callers, func(e end) bool {
		of := e.namespace + "/" + e.labels[labelName]
		again := seen[of]
		seen[of] = true
		return again
	})
	for _, w := range s.Workloads {
		if s.Workload != nil && w.String() == s.Workload.String() || w.Template.Spec.HostNetwork {
			continue
		}
		if len(upstreamsTo(s, &w.Template.Spec, s.Service.Name)) > 0 {
			callers = append(callers, endOf(snapshot.TemplateOf(w)))
		}
	}
	return callers
}

// nobodyHas are the peers that are admitted, if each names pods of the target's namespace and none is there.
func nobodyHas(s *snapshot.Snapshot, policies []networkingv1.NetworkPolicy, to destination) []string {
	if !s.Complete(snapshot.KindPod) || !s.WorkloadsComplete() {
		return nil
	}
	var ends []end
	for i := range s.All.Pods {
		if pod := &s.All.Pods[i]; pod.Namespace == s.Namespace && snapshot.IsLive(pod) {
			ends = append(ends, endOf(snapshot.BackendOf(pod)))
		}
	}
	for _, w := range s.Workloads {
		ends = append(ends, endOf(snapshot.TemplateOf(w)))
	}
	for i := range policies {
		for _, rule := range policies[i].Spec.Ingress {
			if !to.admitted(rule.Ports) {
				continue
			}
			if len(rule.From) == 0 || slices.ContainsFunc(rule.From, func(peer networkingv1.NetworkPolicyPeer) bool {
				return peer.IPBlock != nil || peer.NamespaceSelector != nil ||
					slices.ContainsFunc(ends, func(e end) bool { return isPeer(s, policies[i].Namespace, peer, e) })
			}) {
				return nil
			}
		}
	}
	return peersAdmitted(policies, to)
}

// unenforced reports whether the only network plugin that was seen is one that enforces no policies.
func unenforced(s *snapshot.Snapshot) bool {
	has := func(names ...string) bool {
		return slices.ContainsFunc(s.All.DaemonSets, func(set appsv1.DaemonSet) bool {
			return slices.ContainsFunc(names, func(name string) bool { return strings.Contains(set.Name, name) })
		})
	}
	return has("flannel") && !has("calico", "canal", "cilium", "weave", "kube-router", "antrea", "kube-network-policies", "ovn")
}

func policyReference(s *snapshot.Snapshot, policy *networkingv1.NetworkPolicy) v1alpha1.ObjectReference {
	reference := snapshot.Reference(snapshot.KindNetworkPolicy, policy)
	if policy.Namespace != s.Namespace {
		reference.Namespace = policy.Namespace
	}
	return reference
}

func policyNames(policies []networkingv1.NetworkPolicy) string {
	return strings.Join(words.Names(policies, func(policy *networkingv1.NetworkPolicy) string { return policy.Name }), " and ")
}

// portsAdmitted tells the ports of ingress rules.
func portsAdmitted(policies []networkingv1.NetworkPolicy) []string {
	var told []string
	for i := range policies {
		for _, rule := range policies[i].Spec.Ingress {
			for _, port := range rule.Ports {
				told = append(told, showPolicyPort(port))
			}
		}
	}
	return told
}

func showPolicyPort(port networkingv1.NetworkPolicyPort) string {
	told := "every port"
	if port.Port != nil {
		told = "port " + port.Port.String()
		if port.EndPort != nil {
			told += fmt.Sprintf("-%d", *port.EndPort)
		}
	}
	if port.Protocol != nil {
		told += "/" + string(*port.Protocol)
	}
	return told
}

// peersAdmitted tells the peers that ingress rules admit to a port.
func peersAdmitted(policies []networkingv1.NetworkPolicy, to destination) []string {
	var told []string
	for i := range policies {
		for _, rule := range policies[i].Spec.Ingress {
			if !to.admitted(rule.Ports) {
				continue
			}
			for _, peer := range rule.From {
				told = append(told, showPeer(peer))
			}
		}
	}
	return told
}

func showPeer(peer networkingv1.NetworkPolicyPeer) string {
	var told []string
	if peer.IPBlock != nil {
		told = append(told, "addresses "+peer.IPBlock.CIDR)
	}
	if peer.NamespaceSelector != nil {
		told = append(told, "namespaces with "+showSelector(peer.NamespaceSelector))
	}
	if peer.PodSelector != nil {
		told = append(told, "pods with "+showSelector(peer.PodSelector))
	}
	return strings.Join(told, ", ")
}

func showSelector(selector *metav1.LabelSelector) string {
	if len(selector.MatchLabels)+len(selector.MatchExpressions) == 0 {
		return "any labels"
	}
	return metav1.FormatLabelSelector(selector)
}
