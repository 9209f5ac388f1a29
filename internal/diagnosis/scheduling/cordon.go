// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package scheduling

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/ry-ops/cortex/internal/diagnosis/finding"
	"github.com/ry-ops/cortex/internal/ownership"
)

// cordonTest is the scheduler's NodeUnschedulable: a toleration of the taint that a cordon sets, such as a DaemonSet's,
// lets a pod pass.
func cordonTest(_ *cluster, pod *corev1.Pod) func(*node) string {
	return func(n *node) string {
		taint := corev1.Taint{Key: corev1.TaintNodeUnschedulable, Effect: corev1.TaintEffectNoSchedule}
		probe := &node{Node: &corev1.Node{Spec: corev1.NodeSpec{Taints: []corev1.Taint{taint}}}}
		if _, keeps := untolerated(probe, pod, func(*corev1.Taint) bool { return true }); !n.cordoned() || !keeps {
			return ""
		}
		for _, t := range n.Spec.Taints {
			if t.Key == corev1.TaintNodeUnschedulable && t.TimeAdded != nil {
				return "spec.unschedulable is true, since " + t.TimeAdded.UTC().Format("2006-01-02 15:04:05 UTC")
			}
		}
		return "spec.unschedulable is true"
	}
}

func tellCordon(c *cluster, m *misfit, p *predicate) finding.Finding {
	object, name := owner(c.s, m.pod)
	message := fmt.Sprintf("%s has no node to run on: the %d nodes that would take its pods are cordoned: %s",
		name, len(m.nodes), list(nodeNames(m.nodes)))
	if len(m.nodes) == 1 {
		message = fmt.Sprintf("Node %s, the only one that would take the pods of %s, is cordoned", m.nodes[0].Name, name)
	}
	f := m.finding(object, p, "", message)
	for _, n := range m.nodes {
		if by, ok := ownership.WriterOf(n, "spec", "unschedulable"); ok {
			f.Evidence = append(f.Evidence, by.Evidence("spec.unschedulable of Node "+n.Name))
		}
	}
	f.SuggestedPatch = "kubectl uncordon " + strings.Join(nodeNames(m.nodes), " ")
	f.Recommendation = fmt.Sprintf("Uncordon %s once the maintenance is over, or add a node.", list(nodeNames(m.nodes)))
	return f
}
