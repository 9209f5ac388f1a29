// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package nodes

import (
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/duration"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/finding"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/diagnosis/words"
)

const (
	// maxNamed bounds the pods that one item of evidence names.
	maxNamed = 5
	// maxSaid bounds what a node says of itself within a message, in characters.
	maxSaid = 400
)

// found makes the finding of a node. Its message is the same for every target that the node carries, so that a view of
// the whole namespace can tell it once; the target's pods are evidence.
func (c *carrier) found(s *snapshot.Snapshot, cause v1alpha1.Cause, detail string, confidence v1alpha1.Confidence, says string, proof ...string) finding.Finding {
	evidence := append(proof[:min(len(proof), 1):1], c.tellPods(s)...)
	if len(proof) > 1 {
		evidence = append(evidence, proof[1:]...)
	}
	f := finding.New(cause, c.reference(), confidence, fmt.Sprintf("Node %s %s", c.name, says), evidence...)
	f.Detail = detail
	return f
}

// tellPods tells which of the target's pods depend on the node, and how many others do.
func (c *carrier) tellPods(s *snapshot.Snapshot) []string {
	var told []string
	of := s.Title()
	if s.Workload != nil {
		of = s.Workload.String()
	}
	if n := len(c.holds); n > 0 {
		told = append(told, fmt.Sprintf("it holds %d of %s of %s: %s", n, words.Count(len(s.LivePods()), "pod"), of, names(c.holds)))
	}
	if n := len(c.leaving); n > 0 {
		told = append(told, fmt.Sprintf("it holds fast %s of %s on the way out: %s", words.Count(n, "pod"), of, names(c.leaving)))
	}
	if n := len(c.awaits); n > 0 {
		told = append(told, fmt.Sprintf("%s of %s may run nowhere else, or only on nodes as bad: %s", words.Count(n, "pod"), of, names(c.awaits)))
	}
	if n := len(c.evicted); n > 0 {
		told = append(told, fmt.Sprintf("it has evicted %s of %s: %s", words.Count(n, "pod"), of, names(c.evicted)))
	}
	if n := len(c.calls); n > 0 {
		told = append(told, fmt.Sprintf("%s on it call %s: %s", words.Count(n, "pod"), s.Title(), names(c.calls)))
	}
	if others := len(s.PodsOn(c.name)) - len(c.holds) - len(c.calls); others > 0 {
		told = append(told, "it holds "+words.Count(others, "other pod"))
	}
	return told
}

func names(pods []*corev1.Pod) string {
	var told []string
	for _, pod := range pods[:min(len(pods), maxNamed)] {
		told = append(told, pod.Name)
	}
	if more := len(pods) - len(told); more > 0 {
		told = append(told, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(told, ", ")
}

func tellCondition(s *snapshot.Snapshot, c *corev1.NodeCondition) string {
	told := fmt.Sprintf("condition %s=%s", c.Type, c.Status)
	if c.Reason != "" {
		told += " (" + c.Reason + ")"
	}
	if !c.LastTransitionTime.IsZero() {
		told += " since " + words.TimeOfDay(c.LastTransitionTime.Time, s.Now)
	}
	if c.Message != "" {
		told += ": " + c.Message
	}
	return told
}

func tellLease(node string, behind time.Duration) string {
	return fmt.Sprintf("Lease %s of kube-node-lease was renewed %s before those of the other nodes", node, duration.HumanDuration(behind))
}

func tellEvent(s *snapshot.Snapshot, event *corev1.Event) string {
	told := fmt.Sprintf("Event %s of %s %s", event.Reason, event.InvolvedObject.Kind, event.InvolvedObject.Name)
	if at := snapshot.EventTime(event); !at.IsZero() {
		told += ", " + s.Ago(at)
	}
	return told + ": " + plain(event.Message)
}

// tellOthers tells how the other nodes are: a fault of one node is another thing than one of all.
func tellOthers(s *snapshot.Snapshot, node string) string {
	ready, all := 0, 0
	for i := range s.All.Nodes {
		other := &s.All.Nodes[i]
		if other.Name == node {
			continue
		}
		all++
		if c := snapshot.NodeCondition(other, corev1.NodeReady); c != nil && c.Status == corev1.ConditionTrue {
			ready++
		}
	}
	if all == 0 {
		return ""
	}
	return fmt.Sprintf("%d of %s ready", ready, words.IsAre(all, "other node"))
}

func since(s *snapshot.Snapshot, moment time.Time) string {
	if moment.IsZero() {
		return ""
	}
	return " since " + words.TimeOfDay(moment, s.Now)
}

// plain is what the cluster said, without the brackets of an aggregated error and without what ends a sentence.
func plain(text string) string {
	text = strings.TrimPrefix(strings.TrimSpace(text), "(combined from similar events): ")
	if strings.HasPrefix(text, "[") && strings.HasSuffix(text, "]") {
		text = text[1 : len(text)-1]
	}
	text = strings.TrimRight(text, ". ")
	if characters := []rune(text); len(characters) > maxSaid {
		return string(characters[:maxSaid]) + "..."
	}
	return text
}
