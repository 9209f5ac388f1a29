// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package scheduling

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/finding"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
)

// meaning is what a reason of the scheduler's stands for.
type meaning struct {
	cause  v1alpha1.Cause
	detail string
	// selection: the node is not one that the pod is meant for.
	selection bool
	// setup: it holds of some nodes of most clusters, such as those of the control plane, and says nothing beside others.
	setup  bool
	advice string
}

// saying is a part of a reason's text, and what it means.
type saying struct {
	text string
	meaning
}

// meanings are the reasons in the words of the plugins (kubernetes pkg/scheduler/framework/plugins), newest and older.
var meanings = []saying{
	{"Insufficient cpu", meaning{cause: v1alpha1.CauseInsufficientCPU, advice: "Lower resources.requests.cpu, free CPU on a node, or add a node."}},
	{"Insufficient memory", meaning{cause: v1alpha1.CauseInsufficientMemory, advice: "Lower resources.requests.memory, free memory on a node, or add a node."}},
	{"didn't satisfy existing pods anti-affinity rules", meaning{cause: v1alpha1.CausePodAntiAffinityConflict, detail: detailAntiAffinity, advice: "Find the pods that exclude it, or add a node."}},
	{"didn't match pod anti-affinity rules", meaning{cause: v1alpha1.CausePodAntiAffinityConflict, detail: detailAntiAffinity, advice: "Find the pods that it excludes, make the rule preferred, or add a node."}},
	{"didn't match pod affinity/anti-affinity", meaning{cause: v1alpha1.CausePodAntiAffinityConflict, advice: "Compare spec.affinity with the pods that run."}},
	{"didn't match pod affinity rules", meaning{cause: v1alpha1.CausePodAntiAffinityConflict, detail: detailAffinity, advice: "Start the pods that it has to be beside, or correct the labels of the rule."}},
	{"didn't match pod topology spread constraints", meaning{cause: v1alpha1.CausePodAntiAffinityConflict, detail: detailSpread, advice: "Raise maxSkew, or make the part with the fewest pods take some."}},
	{"were unschedulable", meaning{cause: v1alpha1.CauseNodeCordoned, setup: true, advice: "Uncordon a node (kubectl uncordon <node>), or add one."}},
	{"node-role.kubernetes.io/", meaning{cause: v1alpha1.CauseTaintNotTolerated, setup: true, advice: "Add a node that is not of the control plane, or a toleration."}},
	{"untolerated taint", meaning{cause: v1alpha1.CauseTaintNotTolerated, advice: "Add a toleration to spec.tolerations, or take the taint off a node."}},
	{"that the pod didn't tolerate", meaning{cause: v1alpha1.CauseTaintNotTolerated, advice: "Add a toleration to spec.tolerations, or take the taint off a node."}},
	{"didn't match Pod's node affinity", meaning{selection: true}},
	{"didn't match node selector", meaning{selection: true}},
	{"didn't satisfy plugin(s) [NodeAffinity]", meaning{selection: true}},
}

// causeOfWord chooses the cause from the scheduler's word alone. Nodes that are not meant for the pod count only where
// there are no others, and nodes of the control plane likewise. A reason that is none of this family's, such as a taken
// port, may be the one of the very node that matters; then nothing is known.
func causeOfWord(said word, pod *corev1.Pod) (meaning, bool) {
	best, most := meaning{}, -1
	rank := func(m meaning) int {
		switch {
		case m.setup:
			return 0
		case m.selection:
			return 1
		default:
			return 2
		}
	}
	for _, r := range said.reasons {
		m, ok := meaningOf(r.text, pod)
		if !ok {
			return meaning{}, false
		}
		if most < 0 || cmp.Or(cmp.Compare(rank(m), rank(best)), cmp.Compare(r.nodes, most)) > 0 {
			best, most = m, r.nodes
		}
	}
	return best, most >= 0 && best.cause != ""
}

func meaningOf(text string, pod *corev1.Pod) (meaning, bool) {
	if strings.Contains(text, "{"+conditionPrefix) && !strings.Contains(text, corev1.TaintNodeUnschedulable) {
		return meaning{}, false // a node that does not work
	}
	i := slices.IndexFunc(meanings, func(row saying) bool { return strings.Contains(text, row.text) })
	if i < 0 {
		return meaning{}, false
	}
	m := meanings[i].meaning
	if m.selection {
		m.cause = v1alpha1.CauseNodeSelectorMismatch
		m.advice = "Change spec.nodeSelector to labels that nodes have, or label the nodes that are meant."
		if requiredAffinity(pod) != nil {
			m.cause = v1alpha1.CauseNodeAffinityMismatch
			m.advice = "Change spec.affinity.nodeAffinity to labels that nodes have, or label the nodes that are meant."
		}
	}
	return m, true
}

// asSaid makes a finding of the scheduler's word alone, where the nodes cannot prove it.
//
// Where all was read and a node fits all the same, what was said may be over: the last try may be minutes old.
func asSaid(s *snapshot.Snapshot, pod *corev1.Pod, said word, allRead bool) []finding.Finding {
	m, ok := causeOfWord(said, pod)
	if !ok {
		return nil
	}
	object, name := owner(s, pod)
	confidence, doubt := v1alpha1.Likely, "not proven: the nodes were not read"
	switch {
	case allRead, nodesRead(s) && !ofPods(m.cause):
		confidence, doubt = v1alpha1.Possible, "of the nodes as they were read, one fits: what was said may be over"
	case nodesRead(s):
		doubt = "not proven: the pods of other namespaces were not read"
	}
	f := finding.New(m.cause, object, confidence, fmt.Sprintf("The scheduler finds no node for the pods of %s: %s", name, said.reasonsText()), said.evidence()...)
	f.Detail = m.detail
	f.Recommendation = m.advice
	f.Evidence = append(f.Evidence, doubt)
	return []finding.Finding{f}
}

func nodesRead(s *snapshot.Snapshot) bool {
	return s.Complete(snapshot.KindNode) && len(s.All.Nodes) > 0
}

// ofPods reports whether pods, of whatever namespace, are what a cause is about.
func ofPods(cause v1alpha1.Cause) bool {
	return slices.Contains([]v1alpha1.Cause{v1alpha1.CauseInsufficientCPU, v1alpha1.CauseInsufficientMemory, v1alpha1.CausePodAntiAffinityConflict}, cause)
}

func (w word) reasonsText() string {
	var told []string
	for _, r := range w.reasons {
		told = append(told, strings.TrimSpace(fmt.Sprintf("%d %s", r.nodes, r.text)))
	}
	return strings.Join(told, ", ")
}
