// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package scheduling

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/ry-ops/cortex/internal/diagnosis/finding"
	"github.com/ry-ops/cortex/internal/diagnosis/words"
)

// The scheduler says the same of a nodeSelector and of a required node affinity, so the spec decides which it is.

func selectorTest(_ *cluster, pod *corev1.Pod) func(*node) string {
	if len(pod.Spec.NodeSelector) == 0 {
		return nil
	}
	return func(n *node) string {
		var lacks []string
		for _, key := range slices.Sorted(maps.Keys(pod.Spec.NodeSelector)) {
			want := pod.Spec.NodeSelector[key]
			switch has, ok := n.Labels[key]; {
			case !ok:
				lacks = append(lacks, "no label "+key)
			case has != want:
				lacks = append(lacks, fmt.Sprintf("%s is %s", key, has))
			}
		}
		return strings.Join(lacks, ", ")
	}
}

func tellSelector(c *cluster, m *misfit, p *predicate) finding.Finding {
	object, name := owner(c.s, m.pod)
	f := m.finding(object, p, "", fmt.Sprintf("%s, spec.nodeSelector %s: none of %s has these labels",
		name, words.ShowLabels(m.pod.Spec.NodeSelector), words.Count(len(c.nodes), "node")))
	label := "kubectl label node <node> " + strings.ReplaceAll(words.ShowLabels(m.pod.Spec.NodeSelector), ",", " ")
	f.Recommendation = fmt.Sprintf("Change spec.nodeSelector of %s to labels that nodes have, or label the nodes that are meant (%s).", name, label)
	key := c.wrongKey(m.pod.Spec.NodeSelector)
	values := c.valuesOf(key)
	near := only(m.pod.Spec.NodeSelector[key], values)
	switch {
	case key == "": // each is on some node, but never all on one
	case key == corev1.LabelHostname:
		f.Message += "; there is no node of that name"
	case len(values) == 0:
		f.Message += "; no node has a label " + key
	case near != "":
		f.Message += fmt.Sprintf("; there are nodes with %s=%s", key, near)
		f.Recommendation = fmt.Sprintf("Set spec.nodeSelector of %s to %s=%s if that is what was meant; otherwise label the nodes that are meant (%s).", name, key, near, label)
		f.Suggest(finding.PodSpecSet(c.s.Workload, finding.Set(finding.Pointer("nodeSelector", key), m.pod.Spec.NodeSelector[key], near)...))
	default:
		f.Message += fmt.Sprintf("; the nodes have %s=%s", key, list(values))
	}
	c.orUndo(&f, m)
	return f
}

// only is the one value that is spelt nearly as a wrong one. Of several, such as zones, nobody knows which was meant.
func only(wrong string, values []string) string {
	near := words.Nearest(wrong, values)
	if words.Nearest(wrong, slices.DeleteFunc(slices.Clone(values), func(v string) bool { return v == near })) != "" {
		return ""
	}
	return near
}

// wrongKey is the label of a selector that no node has with that value.
func (c *cluster) wrongKey(selector map[string]string) string {
	for _, key := range slices.Sorted(maps.Keys(selector)) {
		if !slices.Contains(c.valuesOf(key), selector[key]) {
			return key
		}
	}
	return ""
}

// valuesOf are the values that nodes have for a label, in order.
func (c *cluster) valuesOf(key string) []string {
	seen := map[string]bool{}
	for _, n := range c.nodes {
		if value, ok := n.Labels[key]; ok {
			seen[value] = true
		}
	}
	return slices.Sorted(maps.Keys(seen))
}
