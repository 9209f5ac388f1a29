// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package scheduling

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/finding"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/diagnosis/words"
	"github.com/ry-ops/cortex/internal/workload"
)

// Details of PodAntiAffinityConflict.
const (
	detailAntiAffinity = "AntiAffinity"
	detailAffinity     = "Affinity"
	detailSpread       = "TopologySpread"
)

// antiAffinityTest is the scheduler's InterPodAffinity for required anti-affinity, both ways: what the pod does not want
// beside it, and what is there and does not want the pod.
func antiAffinityTest(c *cluster, pod *corev1.Pod) func(*node) string {
	held, keys := map[part]string{}, []string{}
	hold := func(p *placed, t term, why string) {
		if where, ok := p.on.part(t.key); ok && held[where] == "" {
			held[where], keys = why, append(keys, t.key)
		}
	}
	own := c.terms(pod, antiAffinityTerms(pod))
	for _, p := range c.placed {
		for _, t := range own {
			if t.means(p.Pod) {
				hold(p, t, fmt.Sprintf("Pod %s is there, and the pod must not share %s with %s", c.podName(p), t.key, t.selector))
			}
		}
		for _, t := range c.terms(p.Pod, antiAffinityTerms(p.Pod)) {
			if t.means(pod) {
				hold(p, t, fmt.Sprintf("Pod %s is there, and must not share %s with %s", c.podName(p), t.key, t.selector))
			}
		}
	}
	if len(held) == 0 {
		return nil
	}
	return func(n *node) string {
		for _, key := range keys { // in the order of the pods
			where, ok := n.part(key)
			if why := held[where]; ok && why != "" {
				return why
			}
		}
		return ""
	}
}

// holders are the pods that exclude the pod, or that it excludes.
func (c *cluster) holders(pod *corev1.Pod) []*placed {
	means := func(terms []term, other *corev1.Pod) bool {
		return slices.ContainsFunc(terms, func(t term) bool { return t.means(other) })
	}
	own := c.terms(pod, antiAffinityTerms(pod))
	return slices.DeleteFunc(slices.Clone(c.placed), func(p *placed) bool {
		return !means(own, p.Pod) && !means(c.terms(p.Pod, antiAffinityTerms(p.Pod)), pod)
	})
}

func tellAntiAffinity(c *cluster, m *misfit, p *predicate) finding.Finding {
	object, name := owner(c.s, m.pod)
	holders := c.holders(m.pod)
	var names []string
	var own, older int
	for _, h := range holders {
		names = append(names, c.podName(h))
		if c.ownPod(h) {
			own++
			if !c.s.IsNewest(h.Pod) {
				older++
			}
		}
	}
	f := m.finding(object, p, detailAntiAffinity, fmt.Sprintf("Required pod anti-affinity keeps the pods of %s off %s: %s there", name, c.whichNodes(m), areThere(names)))
	f.Recommendation = fmt.Sprintf("Move or delete those pods, change the labels or spec.affinity.podAntiAffinity (of %s or of theirs) so that they do not exclude each other, make the rule preferred, or add a node.", name)
	switch {
	case own == 0 || own < len(holders):
	case older > 0:
		f.Message += ", of its own older revision, and a new pod has to come before an old one goes"
		f.Recommendation = fmt.Sprintf("Let the rollout of %s stop an old pod before it starts a new one (maxSurge 0, maxUnavailable 1), or make the anti-affinity preferred.", name)
		if c.s.Workload.Kind == v1alpha1.KindDeployment {
			f.Suggest(finding.MergePatch(object, c.s.Namespace, map[string]any{"spec": map[string]any{"strategy": map[string]any{
				"rollingUpdate": map[string]int{"maxSurge": 0, "maxUnavailable": 1},
			}}}))
		}
	default:
		f.Message += fmt.Sprintf(", all its own, so there is no room for more than %d of its %s", own, words.Count(int(c.s.Workload.Replicas), "replica"))
		f.Recommendation = fmt.Sprintf("Scale %s to %d, add a node, or make the anti-affinity preferred.", name, own)
	}
	c.orUndo(&f, m)
	return f
}

func areThere(names []string) string {
	if len(names) == 1 {
		return "Pod " + names[0] + " is"
	}
	return "the pods " + list(names) + " are"
}

// ownPod reports whether a placed pod is one of the target's workload.
func (c *cluster) ownPod(p *placed) bool {
	kind, name, ok := workload.OwnerOf(p.Pod)
	return ok && c.s.Workload != nil && p.Namespace == c.s.Namespace && kind == string(c.s.Workload.Kind) && name == c.s.Workload.Object.GetName()
}

// podAffinityTest is the scheduler's InterPodAffinity for required affinity: each part has to hold a pod that all terms
// mean. The first of a group that wants to be together may go anywhere (satisfiesSelfAffinityCheck).
func podAffinityTest(c *cluster, pod *corev1.Pod) func(*node) string {
	terms := c.terms(pod, affinityTerms(pod))
	if len(terms) == 0 || !c.s.Complete(snapshot.KindPod) || !c.seesPodsOf(terms) {
		return nil
	}
	meant := func(p *corev1.Pod) bool { return !slices.ContainsFunc(terms, func(t term) bool { return !t.means(p) }) }
	there, found := map[part]bool{}, false
	for _, p := range c.placed {
		if !meant(p.Pod) {
			continue
		}
		for _, t := range terms {
			if where, ok := p.on.part(t.key); ok {
				there[where], found = true, true
			}
		}
	}
	return func(n *node) string {
		for _, t := range terms {
			where, ok := n.part(t.key)
			switch {
			case !ok:
				return "has no label " + t.key
			case !there[where] && (found || !meant(pod)):
				return fmt.Sprintf("no pod with %s in %s=%s", t.selector, t.key, where.value)
			}
		}
		return ""
	}
}

// seesPodsOf reports whether all pods that terms may mean were read.
func (c *cluster) seesPodsOf(terms []term) bool {
	return c.s.SeesAllPods() || !slices.ContainsFunc(terms, func(t term) bool { return t.abroad })
}

func tellPodAffinity(c *cluster, m *misfit, p *predicate) finding.Finding {
	object, name := owner(c.s, m.pod)
	terms := c.terms(m.pod, affinityTerms(m.pod))
	f := m.finding(object, p, detailAffinity, fmt.Sprintf("%s has to run beside pods with %s (required pod affinity), and no node that it can run on has one there", name, tellTerms(terms)))
	f.Recommendation = fmt.Sprintf("Start the pods that it has to be beside, or correct the labels of spec.affinity.podAffinity of %s.", name)
	c.orUndo(&f, m)
	return f
}
