// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package nodes

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/finding"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
)

// networkAgents are the network plugins' pods that every node has.
var networkAgents = agent{
	names:  []string{"kube-flannel", "kube-flannel-ds", "calico-node", "canal", "cilium", "weave-net", "kindnet", "aws-node", "azure-cni", "antrea-agent", "kube-router", "ovnkube-node"},
	labels: []string{"flannel", "kube-flannel", "calico-node", "canal", "cilium", "weave-net", "kindnet", "aws-node", "azure-cni", "antrea", "kube-router", "ovnkube-node"},
	but:    []string{"cilium-operator", "cilium-envoy", "cilium-monitor", "cilium-test", "kube-flannel-operator"},
}

// networkDegraded finds nodes whose pods do not reach those of other nodes. It takes a witness: the node's own condition,
// the network plugin's pod, or timeouts that the pods of one node have and those of the others have not.
func networkDegraded(s *snapshot.Snapshot) []finding.Finding {
	agents := networkAgents.podsOf(s)
	var findings []finding.Finding
	for _, c := range carriers(s) {
		if !c.carries() || c.node != nil && stateOf(s, c.node) != nil {
			continue // of a node that is itself not well the rest is a consequence
		}
		switch {
		case c.unreachable() != nil:
			findings = append(findings, networkUnavailable(s, c))
		case agents[c.name] != nil:
			findings = append(findings, pluginDown(s, c, agents[c.name])...)
		}
	}
	if len(findings) == 0 {
		findings = timeouts(s)
	}
	return findings
}

// unreachable is the condition by which a network plugin, or the cloud's route controller, says that the node has no
// network for pods.
func (c *carrier) unreachable() *corev1.NodeCondition {
	condition := snapshot.NodeCondition(c.node, corev1.NodeNetworkUnavailable)
	if condition == nil || condition.Status != corev1.ConditionTrue {
		return nil
	}
	return condition
}

func networkUnavailable(s *snapshot.Snapshot, c *carrier) finding.Finding {
	condition := c.unreachable()
	confidence := v1alpha1.Likely
	if len(c.awaits)+len(c.unwell()) > 0 {
		confidence = v1alpha1.Certain
	}
	f := c.found(s, v1alpha1.CauseNetworkDegraded, "Node", confidence,
		"has no network for its pods"+since(s, condition.LastTransitionTime.Time)+" (NetworkUnavailable): "+plain(condition.Reason+" "+condition.Message),
		tellCondition(s, condition), tellOthers(s, c.name))
	f.Recommendation = fmt.Sprintf("Look at the network plugin's pod on node %s (kubectl get pods -A -o wide --field-selector spec.nodeName=%s) and its log; in a cloud, at the routes that its controller makes.", c.name, c.name)
	return f
}

// pluginDown: pods that run mostly keep their network without the agent, new ones get none. So it is possible only, unless
// the target has a pod on the node that is not well.
func pluginDown(s *snapshot.Snapshot, c *carrier, pod *corev1.Pod) []finding.Finding {
	says, certain := failing(s, pod)
	if says == "" || !certain && c.node == nil && markedNotReady(pod) {
		return nil
	}
	confidence := v1alpha1.Possible
	if len(c.unwell()) > 0 {
		confidence = v1alpha1.Likely
	}
	f := c.found(s, v1alpha1.CauseNetworkDegraded, "Plugin", confidence, "has a network plugin that is not ready: "+tellAgent(pod, says), tellAgent(pod, says), tellOthers(s, c.name))
	f.Recommendation = fmt.Sprintf("Read the log of the network plugin on node %s: kubectl logs -n %s %s --all-containers", c.name, pod.Namespace, pod.Name)
	return []finding.Finding{f}
}
