// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package scheduling

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"

	"github.com/ry-ops/cortex/internal/diagnosis/finding"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
)

// spread is one topologySpreadConstraint and how many pods it counts where.
type spread struct {
	corev1.TopologySpreadConstraint
	selector labels.Selector
	count    map[string]int
	// least is the part with the fewest pods.
	least     string
	selfMatch int
}

// spreadTest is the scheduler's PodTopologySpread: with one more pod, a part may not have more than maxSkew pods more than
// the part that has fewest.
func spreadTest(c *cluster, pod *corev1.Pod) func(*node) string {
	constraints := c.spreads(pod)
	if len(constraints) == 0 {
		return nil
	}
	return func(n *node) string {
		for _, s := range constraints {
			value, ok := n.Labels[s.TopologyKey]
			if !ok {
				return "has no label " + s.TopologyKey
			}
			if s.count[value]+s.selfMatch-s.fewest() > int(s.MaxSkew) {
				return fmt.Sprintf("%s=%s has %d, %s, and maxSkew is %d", s.TopologyKey, value, s.count[value], s.tellLeast(), s.MaxSkew)
			}
		}
		return ""
	}
}

func (s spread) fewest() int {
	if s.MinDomains != nil && len(s.count) < int(*s.MinDomains) {
		return 0 // TopologySpreadConstraint.MinDomains
	}
	return s.count[s.least]
}

func (s spread) tellLeast() string {
	if s.MinDomains != nil && len(s.count) < int(*s.MinDomains) {
		return fmt.Sprintf("there are %d of minDomains %d", len(s.count), *s.MinDomains)
	}
	return fmt.Sprintf("%s has %d", s.least, s.count[s.least])
}

// spreads counts for the constraints that forbid. Cordoned nodes count as parts, and tainted ones unless
// nodeTaintsPolicy says otherwise: an empty part that takes no pods is the usual reason (KEP-3094).
func (c *cluster) spreads(pod *corev1.Pod) []spread {
	var all []spread
	if !c.s.Complete(snapshot.KindPod) {
		return nil
	}
	hard := slices.DeleteFunc(slices.Clone(pod.Spec.TopologySpreadConstraints), func(t corev1.TopologySpreadConstraint) bool {
		return t.WhenUnsatisfiable != corev1.DoNotSchedule
	})
	for _, t := range hard {
		selector, err := metav1.LabelSelectorAsSelector(withKeys(t.LabelSelector, pod, t.MatchLabelKeys, nil))
		if err != nil {
			selector = labels.Nothing()
		}
		s := spread{TopologySpreadConstraint: t, selector: selector, count: map[string]int{}}
		if selector.Matches(labels.Set(pod.Labels)) {
			s.selfMatch = 1
		}
		for _, n := range c.nodes {
			if included(n, pod, t, hard) {
				s.count[n.Labels[t.TopologyKey]] += matching(n, pod.Namespace, selector)
			}
		}
		for _, value := range sorted(s.count) {
			if s.least == "" || s.count[value] < s.count[s.least] {
				s.least = value
			}
		}
		all = append(all, s)
	}
	return all
}

// included reports whether a node counts: it has the labels of all constraints, and the policies do not leave it out.
func included(n *node, pod *corev1.Pod, t corev1.TopologySpreadConstraint, hard []corev1.TopologySpreadConstraint) bool {
	if slices.ContainsFunc(hard, func(other corev1.TopologySpreadConstraint) bool { _, ok := n.Labels[other.TopologyKey]; return !ok }) {
		return false
	}
	if t.NodeAffinityPolicy == nil || *t.NodeAffinityPolicy == corev1.NodeInclusionPolicyHonor {
		if ok, _ := nodeaffinity.GetRequiredNodeAffinity(pod).Match(n.Node); !ok {
			return false
		}
	}
	if t.NodeTaintsPolicy != nil && *t.NodeTaintsPolicy == corev1.NodeInclusionPolicyHonor {
		if _, tainted := untolerated(n, pod, func(*corev1.Taint) bool { return true }); tainted {
			return false
		}
	}
	return true
}

func matching(n *node, namespace string, selector labels.Selector) (count int) {
	for _, p := range n.pods {
		if p.Namespace == namespace && p.DeletionTimestamp == nil && !selector.Empty() && selector.Matches(labels.Set(p.Labels)) {
			count++
		}
	}
	return count
}

func tellSpread(c *cluster, m *misfit, p *predicate) finding.Finding {
	object, name := owner(c.s, m.pod)
	n := m.nodes[0]
	f := m.finding(object, p, detailSpread, fmt.Sprintf("A topologySpreadConstraint of %s with DoNotSchedule keeps its pods off %s: %s", name, c.whichNodes(m), m.why[n][p.name]))
	f.Recommendation = fmt.Sprintf("Make the part with the fewest pods take some (uncordon, untaint or add a node there), or in spec.topologySpreadConstraints of %s raise maxSkew, set nodeTaintsPolicy to Honor, or whenUnsatisfiable to ScheduleAnyway.", name)
	c.orUndo(&f, m)
	return f
}
