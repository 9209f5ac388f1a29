// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package scheduling

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"

	"github.com/ry-ops/cortex/internal/diagnosis/finding"
	"github.com/ry-ops/cortex/internal/diagnosis/words"
)

func requiredAffinity(pod *corev1.Pod) *corev1.NodeSelector {
	if pod.Spec.Affinity == nil || pod.Spec.Affinity.NodeAffinity == nil {
		return nil
	}
	return pod.Spec.Affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution
}

func affinityTest(_ *cluster, pod *corev1.Pod) func(*node) string {
	required := requiredAffinity(pod)
	if required == nil {
		return nil
	}
	matcher := nodeaffinity.NewRequiredNodeAffinity(nil, pod.Spec.Affinity)
	return func(n *node) string {
		// A term that cannot be read matches nothing (scheduler, NodeAffinity.Filter).
		if ok, _ := matcher.Match(n.Node); ok {
			return ""
		}
		return lacking(nearestTerm(required, n), n)
	}
}

// nearestTerm is the one of the alternatives of which a node lacks least.
func nearestTerm(required *corev1.NodeSelector, n *node) corev1.NodeSelectorTerm {
	if len(required.NodeSelectorTerms) == 0 {
		return corev1.NodeSelectorTerm{}
	}
	return slices.MinFunc(required.NodeSelectorTerms, func(a, b corev1.NodeSelectorTerm) int {
		return len(unmet(a, n)) - len(unmet(b, n))
	})
}

// unmet are the requirements of a term that a node does not meet: each is asked alone.
func unmet(term corev1.NodeSelectorTerm, n *node) []corev1.NodeSelectorRequirement {
	var left []corev1.NodeSelectorRequirement
	for _, r := range term.MatchExpressions {
		if !matches(corev1.NodeSelectorTerm{MatchExpressions: []corev1.NodeSelectorRequirement{r}}, n.Node) {
			left = append(left, r)
		}
	}
	for _, r := range term.MatchFields {
		if !matches(corev1.NodeSelectorTerm{MatchFields: []corev1.NodeSelectorRequirement{r}}, n.Node) {
			left = append(left, r)
		}
	}
	return left
}

func matches(term corev1.NodeSelectorTerm, n *corev1.Node) bool {
	ok, _ := nodeaffinity.NewLazyErrorNodeSelector(&corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{term}}).Match(n)
	return ok
}

func lacking(term corev1.NodeSelectorTerm, n *node) string {
	var told []string
	for _, r := range unmet(term, n) {
		has := "has no " + r.Key
		if value, ok := n.Labels[r.Key]; ok {
			has = fmt.Sprintf("%s is %s", r.Key, value)
		}
		if r.Key == "metadata.name" {
			has = "has another name"
		}
		told = append(told, fmt.Sprintf("%s, %s is wanted", has, requirement(r)))
	}
	if len(told) == 0 {
		return "no term of the affinity can match"
	}
	return strings.Join(told, "; ")
}

// requirement tells one the way people write it: "zone In [a b]".
func requirement(r corev1.NodeSelectorRequirement) string {
	text := fmt.Sprintf("%s %s", r.Key, r.Operator)
	if len(r.Values) > 0 {
		text += fmt.Sprintf(" [%s]", strings.Join(r.Values, " "))
	}
	return text
}

func requirements(selector *corev1.NodeSelector) string {
	var terms []string
	for _, term := range selector.NodeSelectorTerms {
		var told []string
		for _, r := range slices.Concat(term.MatchExpressions, term.MatchFields) {
			told = append(told, requirement(r))
		}
		terms = append(terms, strings.Join(told, " and "))
	}
	return strings.Join(terms, ", or ")
}

func tellAffinity(c *cluster, m *misfit, p *predicate) finding.Finding {
	required := requiredAffinity(m.pod)
	object, name := owner(c.s, m.pod)
	among := words.Count(len(c.nodes), "node")
	if len(m.nodes) < len(c.nodes) {
		among = fmt.Sprintf("the %s that the nodeSelector leaves", words.Count(len(m.nodes), "node"))
	}
	f := m.finding(object, p, "", fmt.Sprintf("%s, required node affinity %s: none of %s matches", name, requirements(required), among))
	f.Recommendation = fmt.Sprintf("Change spec.affinity.nodeAffinity of %s to values that nodes have, or label the nodes that are meant (kubectl label node <node> <key>=<value>).", name)
	if key, wrong, near := c.nearestAffinity(required); near != "" {
		f.Message += fmt.Sprintf("; there are nodes with %s=%s", key, near)
		f.Recommendation = fmt.Sprintf("In spec.affinity.nodeAffinity of %s, change the value %s of %s to %s if that is what was meant; otherwise label the nodes that are meant (kubectl label node <node> %s=%s).", name, wrong, key, near, key, wrong)
	}
	c.orUndo(&f, m)
	return f
}

// nearestAffinity finds a value that no node has and that is spelt nearly as one that some have.
func (c *cluster) nearestAffinity(required *corev1.NodeSelector) (key, wrong, near string) {
	for _, term := range required.NodeSelectorTerms {
		for _, r := range term.MatchExpressions {
			if r.Operator != corev1.NodeSelectorOpIn || len(r.Values) == 0 {
				continue
			}
			values := c.valuesOf(r.Key)
			if r.Key == corev1.LabelHostname {
				continue
			}
			if slices.ContainsFunc(r.Values, func(v string) bool { return slices.Contains(values, v) }) {
				continue
			}
			if near = only(r.Values[0], values); near != "" {
				return r.Key, r.Values[0], near
			}
		}
	}
	return "", "", ""
}
