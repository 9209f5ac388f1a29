// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package scheduling

import (
	"cmp"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/finding"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
)

// predicate is one thing that a node must be for a pod to fit: a row of the scheduler's filters.
type predicate struct {
	// name tells the row from others of its cause.
	name  string
	cause v1alpha1.Cause
	// prepare returns the test of a node for one pod: why it does not fit, or "". It is nil where the pod asks nothing.
	prepare func(*cluster, *corev1.Pod) func(*node) string
	// tell makes the finding, where the predicate is what keeps the pod from a node.
	tell func(*cluster, *misfit, *predicate) finding.Finding
}

// rowTaint is asked for by name.
const rowTaint = "taint"

// narrowing predicates say which nodes a pod is meant for: where one keeps some nodes, the fault is with those, however
// many others there are. The others exclude nodes that it is meant for, in the order in which equals are told.
func narrowing() []predicate {
	return []predicate{
		{"selector", v1alpha1.CauseNodeSelectorMismatch, selectorTest, tellSelector},
		{"affinity", v1alpha1.CauseNodeAffinityMismatch, affinityTest, tellAffinity},
		{"volume", v1alpha1.CauseVolumeClaimUnbound, volumeTest, tellVolumeAffinity},
		{"pod affinity", v1alpha1.CausePodAntiAffinityConflict, podAffinityTest, tellPodAffinity},
	}
}

func excluding() []predicate {
	return []predicate{
		{"cpu", v1alpha1.CauseInsufficientCPU, cpuTest, tellInsufficient(corev1.ResourceCPU)},
		{"memory", v1alpha1.CauseInsufficientMemory, memoryTest, tellInsufficient(corev1.ResourceMemory)},
		{"anti-affinity", v1alpha1.CausePodAntiAffinityConflict, antiAffinityTest, tellAntiAffinity},
		{"spread", v1alpha1.CausePodAntiAffinityConflict, spreadTest, tellSpread},
		{rowTaint, v1alpha1.CauseTaintNotTolerated, taintTest, tellTaint},
		{"cordon", v1alpha1.CauseNodeCordoned, cordonTest, tellCordon},
	}
}

// misfit is why no node takes a pod.
type misfit struct {
	pod  *corev1.Pod
	said word
	// scaler is what an autoscaler of nodes says, as evidence.
	scaler []string
	// fits is a node that ought to take the pod after all.
	fits *node
	// blockers are the predicates that keep the pod from the nodes that come nearest.
	blockers []predicate
	// nodes are those nodes, and meant all that the pod is meant for.
	nodes, meant []*node
	// why each node does not fit, by the row that says so.
	why map[*node]map[string]string
}

// try puts a pod on every node in mind.
func (c *cluster) try(pod *corev1.Pod) *misfit {
	m := &misfit{pod: pod, meant: c.nodes, why: map[*node]map[string]string{}}
	for _, p := range narrowing() {
		kept := m.pass(c, p)
		if len(kept) == 0 {
			m.blockers, m.nodes = []predicate{p}, m.meant
			return m
		}
		m.meant = kept
	}
	failed := map[*node][]predicate{}
	for _, p := range excluding() {
		m.pass(c, p)
		for _, n := range m.meant {
			if m.why[n][p.name] != "" {
				failed[n] = append(failed[n], p)
			}
		}
	}
	for _, n := range m.meant {
		if len(failed[n]) == 0 && !sick(n, pod) {
			m.fits = n
			return m
		}
	}
	m.elect(failed)
	return m
}

// pass returns the nodes of those that the pod is meant for that a predicate lets pass, and notes why the others do not.
func (m *misfit) pass(c *cluster, p predicate) []*node {
	test := p.prepare(c, m.pod)
	if test == nil {
		return m.meant
	}
	var passed []*node
	for _, n := range m.meant {
		why := test(n)
		if why == "" {
			passed = append(passed, n)
			continue
		}
		if m.why[n] == nil {
			m.why[n] = map[string]string{}
		}
		m.why[n][p.name] = why
	}
	return passed
}

// elect finds the nodes that lack least, and of those the largest group that lacks the same. Nodes that take no pods by
// the way the cluster is set up have no vote where others have one, and neither have nodes that do not work, which are
// another family's.
func (m *misfit) elect(failed map[*node][]predicate) {
	voters := slices.DeleteFunc(slices.Clone(m.meant), func(n *node) bool { return sick(n, m.pod) })
	tainted := func(n *node) bool { return m.why[n][rowTaint] != "" }
	workers := slices.DeleteFunc(slices.Clone(voters), func(n *node) bool { return n.controlPlane() && (n.cordoned() || tainted(n)) })
	if len(workers) > 0 {
		voters = workers
	}
	// Nodes that are tainted for others are not meant for this pod, where there are some in use that are not.
	open := slices.DeleteFunc(slices.Clone(voters), tainted)
	if slices.ContainsFunc(open, func(n *node) bool { return !n.cordoned() }) {
		voters = open
	}
	groups := map[string][]*node{}
	for _, n := range voters {
		groups[key(failed[n])] = append(groups[key(failed[n])], n)
	}
	for _, n := range voters { // not over the map, whose order changes
		group := groups[key(failed[n])]
		if m.nodes == nil || better(group, failed[n], m.nodes, m.blockers) {
			m.nodes, m.blockers = group, failed[n]
		}
	}
}

// better compares two groups: fewer faults, then more nodes, then the order of the table.
func better(nodes []*node, faults []predicate, than []*node, thanFaults []predicate) bool {
	return cmp.Or(
		cmp.Compare(len(faults), len(thanFaults)),
		cmp.Compare(len(than), len(nodes)),
		cmp.Compare(key(faults), key(thanFaults)),
	) < 0
}

// key tells a set of faults from others, and orders them as the table does.
func key(faults []predicate) string {
	text := ""
	for _, p := range faults {
		text += fmt.Sprintf("%02d ", slices.IndexFunc(excluding(), func(row predicate) bool { return row.name == p.name }))
	}
	return text
}

// nodeEvidence tells of each of the nearest nodes why it does not fit.
func (m *misfit) nodeEvidence(p *predicate) []string {
	const most = 5
	var told []string
	for _, n := range m.nodes {
		if len(told) == most && len(m.nodes) > most+1 {
			return append(told, fmt.Sprintf("and %d more nodes", len(m.nodes)-most))
		}
		told = append(told, fmt.Sprintf("Node %s: %s", n.Name, m.why[n][p.name]))
	}
	return told
}

// finding makes a finding of what is proven against the nodes, with the scheduler's word first.
func (m *misfit) finding(object v1alpha1.ObjectReference, p *predicate, detail, message string) finding.Finding {
	f := finding.New(p.cause, object, v1alpha1.Certain, message, slices.Concat(m.said.evidence(), m.scaler, m.nodeEvidence(p))...)
	f.Detail = detail
	return f
}

// unschedulable finds the waiting pods that no node can take, and why.
func unschedulable(s *snapshot.Snapshot) []finding.Finding {
	if len(waiting(s)) == 0 {
		return nil
	}
	c := newCluster(s, nobody)
	return eachWaiting(s, func(pod *corev1.Pod) []finding.Finding { return c.explain(pod) })
}

func (c *cluster) explain(pod *corev1.Pod) []finding.Finding {
	said := wordOn(c.s, pod)
	if !c.s.Complete(snapshot.KindNode) || len(c.nodes) == 0 {
		return asSaid(c.s, pod, said, false)
	}
	m := c.try(pod)
	m.said, m.scaler = said, c.autoscaler(pod)
	switch {
	case pod.Status.NominatedNodeName != "":
		return nil // pods of less priority make room for it right now
	case m.fits == nil && c.fitsSoon(pod):
		return nil
	case m.fits != nil:
		return asSaid(c.s, pod, said, c.s.SeesAllPods())
	}
	var findings []finding.Finding
	for i := range m.blockers {
		findings = append(findings, m.blockers[i].tell(c, m, &m.blockers[i]))
	}
	return findings
}

// fitsSoon reports whether pods that are just going leave room enough.
func (c *cluster) fitsSoon(pod *corev1.Pod) bool {
	going := leaving(c.s)
	return slices.ContainsFunc(c.placed, func(p *placed) bool { return going(p.Pod) }) && newCluster(c.s, going).try(pod).fits != nil
}

// autoscaler quotes the last word of what adds nodes, if there is something that does: the cluster-autoscaler or Karpenter.
func (c *cluster) autoscaler(pod *corev1.Pod) []string {
	for _, event := range c.s.EventsOf(pod) { // newest first
		if slices.Contains([]string{"TriggeredScaleUp", "NotTriggerScaleUp", "Nominated"}, event.Reason) {
			return []string{fmt.Sprintf("Event %s, %s: %s", event.Reason, c.s.Ago(snapshot.EventTime(&event)), event.Message)}
		}
	}
	return nil
}
