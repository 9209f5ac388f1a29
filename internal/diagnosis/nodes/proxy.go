// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package nodes

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/finding"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/diagnosis/words"
)

// kubeProxy is the agent that leads a node's calls of a Service to its pods. Clusters without it are common: Cilium,
// kube-router, k3s and others do it in another process, and some run it as a unit of the node.
var kubeProxy = agent{names: []string{"kube-proxy"}, labels: []string{"kube-proxy"}}

// conditionsOfProxy are set by the node problem detector, where that runs.
var conditionsOfProxy = []corev1.NodeConditionType{"KubeProxyUnhealthy", "KubeProxyProblem"}

// kubeProxyUnavailable finds nodes on which Services lead nowhere: those of the target's pods, which call others, and those
// of the pods that call the target.
func kubeProxyUnavailable(s *snapshot.Snapshot) []finding.Finding {
	proxies := kubeProxy.podsOf(s)
	var findings []finding.Finding
	for _, c := range withCallers(s, func(c *carrier) bool { return proxyFaultOf(s, c, proxies) != nil }) {
		fault := proxyFaultOf(s, c, proxies)
		f := c.found(s, v1alpha1.CauseKubeProxyUnavailable, "", fault.confidence, fault.says, fault.proof...)
		f.Recommendation = fmt.Sprintf("Calls of Services from node %s fail until it works: read its log (kubectl logs -n %s -l k8s-app=kube-proxy --prefix), "+
			"or where it is a unit of the node, on it: systemctl status kube-proxy", c.name, snapshot.SystemNamespace)
		if pod := proxies[c.name]; pod != nil {
			f.Recommendation = fmt.Sprintf("Calls of Services from node %s fail until it works. Read its log: kubectl logs -n %s %s", c.name, pod.Namespace, pod.Name)
		}
		findings = append(findings, f)
	}
	return findings
}

// proxyFaultOf tells what is wrong with the kube-proxy of a node; nil if nothing is. The pods of a node that is itself not
// well are marked as not ready for that.
func proxyFaultOf(s *snapshot.Snapshot, c *carrier, proxies map[string]*corev1.Pod) *state {
	if c.node != nil && stateOf(s, c.node) != nil {
		return nil
	}
	fault := func(confidence v1alpha1.Confidence, says, proof string) *state {
		return &state{v1alpha1.CauseKubeProxyUnavailable, "", confidence, says, []string{proof}}
	}
	if pod := proxies[c.name]; pod != nil {
		says, certain := failing(s, pod)
		switch {
		case says == "":
			return nil
		case certain:
			return fault(v1alpha1.Certain, "has a kube-proxy that does not run", tellAgent(pod, says))
		case c.node == nil && markedNotReady(pod):
			return nil // by the node controller
		default:
			return fault(v1alpha1.Likely, "has a kube-proxy that is not ready", tellAgent(pod, says))
		}
	}
	for _, of := range conditionsOfProxy {
		if condition := snapshot.NodeCondition(c.node, of); condition != nil && condition.Status == corev1.ConditionTrue {
			return fault(v1alpha1.Likely, "has a kube-proxy that is not well, says its problem detector", tellCondition(s, condition))
		}
	}
	if with := othersHave(s, c, proxies); with > 0 {
		return fault(v1alpha1.Likely, "has no kube-proxy, while other nodes have one", fmt.Sprintf("no Pod kube-proxy-... is on it, and there is one on %s", words.Count(with, "other node")))
	}
	return nil
}

// othersHave counts the nodes that have a kube-proxy, if this one should have one too: at least two that are like it have,
// it has been there for a while, and nothing that stands in for kube-proxy runs on it.
func othersHave(s *snapshot.Snapshot, c *carrier, proxies map[string]*corev1.Pod) int {
	if c.node == nil || !s.Complete(snapshot.KindPod) || s.Age(c.node.CreationTimestamp.Time) < 2*settled {
		return 0
	}
	if slices.ContainsFunc(s.PodsOn(c.name), standIn.is) || !wantedOn(s, c.node) {
		return 0
	}
	like := 0
	for name := range proxies {
		if other := s.Node(name); other != nil && alike(other, c.node) {
			like++
		}
	}
	if like < 2 {
		return 0
	}
	return like
}

// standIn are agents that do kube-proxy's work.
var standIn = agent{names: []string{"cilium", "kube-router", "antrea-agent", "ovnkube-node"}, labels: []string{"cilium", "kube-router", "antrea", "ovnkube-node"}, but: networkAgents.but}

// wantedOn reports whether kube-proxy's DaemonSet, where it was read, wants a pod on the node.
func wantedOn(s *snapshot.Snapshot, node *corev1.Node) bool {
	for i := range s.All.DaemonSets {
		set := &s.All.DaemonSets[i]
		if set.Namespace != snapshot.SystemNamespace || set.Name != "kube-proxy" {
			continue
		}
		status := set.Status
		return status.CurrentNumberScheduled < status.DesiredNumberScheduled && fits(s, &corev1.Pod{Spec: set.Spec.Template.Spec}, node)
	}
	return true
}

// alike reports whether two nodes are of one kind: a virtual node, or one of another system, has no kube-proxy.
func alike(a, b *corev1.Node) bool {
	for _, key := range []string{corev1.LabelOSStable, "type", "eks.amazonaws.com/compute-type"} {
		if a.Labels[key] != b.Labels[key] {
			return false
		}
	}
	return true
}

// withCallers are the target's carriers that are faulty, and the faulty nodes of the pods of the namespace that name the
// Service in their environment or arguments: a call is led by the node that it begins on.
func withCallers(s *snapshot.Snapshot, faulty func(*carrier) bool) []*carrier {
	nodes := map[string]*carrier{}
	for _, c := range carriers(s) {
		if len(c.holds) > 0 {
			nodes[c.name] = c
		}
	}
	for i := range s.All.Pods {
		pod := &s.All.Pods[i]
		if s.Service == nil || pod.Namespace != s.Namespace || pod.Spec.NodeName == "" || !snapshot.IsLive(pod) {
			continue
		}
		c := nodes[pod.Spec.NodeName]
		if c == nil {
			c = &carrier{name: pod.Spec.NodeName, node: s.Node(pod.Spec.NodeName)}
			nodes[c.name] = c
		}
		if c.isFaulty(faulty) && !snapshot.Selects(s.Service, pod.Labels) && namesHost(&pod.Spec, s.Service.Name) {
			c.calls = append(c.calls, pod)
		}
	}
	var found []*carrier
	for _, c := range nodes {
		if len(c.holds)+len(c.calls) > 0 && c.isFaulty(faulty) {
			slices.SortFunc(c.calls, snapshot.ByName)
			found = append(found, c)
		}
	}
	slices.SortFunc(found, func(a, b *carrier) int { return strings.Compare(a.name, b.name) })
	return found
}

// isFaulty asks once: a node has many pods.
func (c *carrier) isFaulty(faulty func(*carrier) bool) bool {
	if c.faulty == nil {
		answer := faulty(c)
		c.faulty = &answer
	}
	return *c.faulty
}

// namesHost reports whether a pod is told of a host: "sandfly-mcp-server:3000", "http://sandfly-mcp-server.cortex-system/mcp".
func namesHost(spec *corev1.PodSpec, host string) bool {
	for _, c := range spec.Containers {
		if slices.ContainsFunc(slices.Concat(c.Command, c.Args), func(arg string) bool { return holdsHost(arg, host) }) ||
			slices.ContainsFunc(c.Env, func(env corev1.EnvVar) bool { return holdsHost(env.Value, host) }) {
			return true
		}
	}
	return false
}

func holdsHost(text, host string) bool {
	for from := 0; host != ""; {
		at := strings.Index(text[from:], host)
		if at < 0 {
			return false
		}
		at += from
		if (at == 0 || !inName(text[at-1])) && (at+len(host) == len(text) || !inName(text[at+len(host)]) || text[at+len(host)] == '.') {
			return true
		}
		from = at + 1
	}
	return false
}

// inName reports whether a character may be in the name of a host.
func inName(b byte) bool {
	return b == '-' || b == '.' || b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z'
}
