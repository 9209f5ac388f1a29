// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package scheduling

import (
	"fmt"
	"slices"
	"strings"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	schedulinghelpers "k8s.io/component-helpers/scheduling/corev1"

	"github.com/ry-ops/cortex/internal/diagnosis/finding"
	"github.com/ry-ops/cortex/internal/diagnosis/words"
	"github.com/ry-ops/cortex/internal/workload"
)

// Taints that the cluster sets by itself: node.kubernetes.io/not-ready, unreachable, memory-pressure and the like, and
// that of a node whose cloud provider has not seen it yet. They say that the node does not work, not that it is somebody's.
const (
	conditionPrefix = "node.kubernetes.io/"
	uninitialized   = "node.cloudprovider.kubernetes.io/uninitialized"
)

func keepsOff(t *corev1.Taint) bool {
	return t.Effect == corev1.TaintEffectNoSchedule || t.Effect == corev1.TaintEffectNoExecute
}

func ofCondition(t *corev1.Taint) bool {
	return t.Key == uninitialized || strings.HasPrefix(t.Key, conditionPrefix) && t.Key != corev1.TaintNodeUnschedulable
}

// untolerated finds the first taint of a kind that keeps the pod off the node.
func untolerated(n *node, pod *corev1.Pod, kind func(*corev1.Taint) bool) (corev1.Taint, bool) {
	return schedulinghelpers.FindMatchingUntoleratedTaint(logr.Discard(), n.Spec.Taints, pod.Spec.Tolerations,
		func(t *corev1.Taint) bool { return keepsOff(t) && kind(t) }, true)
}

// sick reports whether a node takes no pod because it does not work. Which nodes those are is another family's.
func sick(n *node, pod *corev1.Pod) bool {
	_, ok := untolerated(n, pod, ofCondition)
	return ok
}

func ofOwner(t *corev1.Taint) bool { return !ofCondition(t) && t.Key != corev1.TaintNodeUnschedulable }

func taintTest(_ *cluster, pod *corev1.Pod) func(*node) string {
	return func(n *node) string {
		taint, ok := untolerated(n, pod, ofOwner)
		if !ok {
			return ""
		}
		return "taint " + taint.ToString()
	}
}

func tellTaint(c *cluster, m *misfit, p *predicate) finding.Finding {
	object, name := owner(c.s, m.pod)
	taints := m.taints()
	var told []string
	for _, t := range taints {
		told = append(told, t.ToString())
	}
	f := m.finding(object, p, "", fmt.Sprintf("%s does not tolerate %s of %s", name, list(told), c.whichNodes(m)))
	if near := nearToleration(m.pod, taints[0]); near != "" {
		f.Message += "; it tolerates " + near
	}
	f.Recommendation = fmt.Sprintf("Add a toleration for %s to spec.tolerations of %s if its pods may run there, or take the taint off (kubectl taint nodes %s %s-).",
		list(told), name, m.nodes[0].Name, told[0])
	f.Suggest(tolerate(c.s.Workload, tolerationFor(taints[0])))
	return f
}

// tolerate adds a toleration to a workload's. It is nil if the workload has it already and its pods do not yet.
func tolerate(w *workload.Workload, toleration corev1.Toleration) *finding.Patch {
	const tolerations = "/tolerations"
	switch {
	case w == nil || slices.Contains(w.Template.Spec.Tolerations, toleration):
		return nil
	case len(w.Template.Spec.Tolerations) == 0:
		return finding.PodSpecSet(w, finding.Set(tolerations, nil, []corev1.Toleration{toleration})...)
	default:
		return finding.PodSpecSet(w, finding.Add(tolerations+"/-", toleration))
	}
}

// taints are the different ones that keep the pod off, in the order of the nodes.
func (m *misfit) taints() []corev1.Taint {
	var all []corev1.Taint
	for _, n := range m.nodes {
		taint, ok := untolerated(n, m.pod, ofOwner)
		taint.TimeAdded = nil
		if ok && !slices.Contains(all, taint) {
			all = append(all, taint)
		}
	}
	return all
}

func tolerationFor(t corev1.Taint) corev1.Toleration {
	if t.Value == "" {
		return corev1.Toleration{Key: t.Key, Operator: corev1.TolerationOpExists, Effect: t.Effect}
	}
	return corev1.Toleration{Key: t.Key, Operator: corev1.TolerationOpEqual, Value: t.Value, Effect: t.Effect}
}

// nearToleration is a toleration of the taint's key that has another value or effect, or of a key spelt nearly the same.
func nearToleration(pod *corev1.Pod, taint corev1.Taint) string {
	for _, t := range pod.Spec.Tolerations {
		if t.Key == taint.Key || t.Key != "" && words.Nearest(t.Key, []string{taint.Key}) != "" {
			return (&corev1.Taint{Key: t.Key, Value: t.Value, Effect: t.Effect}).ToString()
		}
	}
	return ""
}

// whichNodes tells which nodes of all a finding is about.
func (c *cluster) whichNodes(m *misfit) string {
	told := list(nodeNames(m.nodes))
	switch {
	case len(m.nodes) == 1 && len(c.nodes) == 1:
		return "the only node, " + told
	case len(m.nodes) == 1 && len(m.meant) == 1:
		return "the only node that it can run on, " + told
	case len(m.nodes) == 1:
		return "Node " + told
	}
	return fmt.Sprintf("%d of %d nodes, %s", len(m.nodes), len(c.nodes), told)
}
