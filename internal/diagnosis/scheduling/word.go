// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package scheduling

import (
	"regexp"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
)

// word is what the scheduler said of a pod: how many nodes it looked at, and for how many each reason held.
type word struct {
	// text as it was said, without what it thinks of preemption.
	text    string
	nodes   int
	reasons []reason
}

// reason why nodes do not take the pod. A reason that holds whatever the node, such as a missing claim, has no number.
type reason struct {
	nodes int
	text  string
}

// wordOn finds the scheduler's last word on a pod: the condition, which it writes at every attempt, or an event.
func wordOn(s *snapshot.Snapshot, pod *corev1.Pod) word {
	if text := s.Unscheduled(pod); text != "" {
		return parseWord(text)
	}
	return word{}
}

var (
	// available begins what kubernetes pkg/scheduler/framework/types.go (FitError.Error) says.
	available = regexp.MustCompile(`\A0/(\d{1,7}) nodes are available: ?`)
	counted   = regexp.MustCompile(`\A(\d{1,7}) (.+)\z`)
)

// parseWord reads what FitError says: "0/4 nodes are available: 1 node(s) were unschedulable, 3 Insufficient cpu.
// preemption: 0/4 nodes are available: ...". What it says of preemption repeats the numbers in other words. Text of
// another form is kept as text alone.
func parseWord(message string) word {
	message = strings.TrimPrefix(message, "(combined from similar events): ")
	message, _, _ = strings.Cut(message, " preemption:")
	said := word{text: strings.TrimRight(strings.TrimSpace(message), ". ")}
	match := available.FindStringSubmatch(said.text)
	if match == nil {
		return said
	}
	said.nodes, _ = strconv.Atoi(match[1]) // seven digits are a number
	for _, part := range splitReasons(said.text[len(match[0]):]) {
		one := reason{text: part}
		if number := counted.FindStringSubmatch(part); number != nil {
			one.text = number[2]
			one.nodes, _ = strconv.Atoi(number[1])
		}
		said.reasons = append(said.reasons, one)
	}
	return said
}

// splitReasons splits at the commas before a number: up to 1.21 a reason had a comma of its own ("had taint {a: b}, that
// the pod didn't tolerate").
func splitReasons(body string) []string {
	var parts []string
	for part := range strings.SplitSeq(body, ", ") {
		switch {
		case strings.TrimSpace(part) == "":
		case len(parts) > 0 && !counted.MatchString(part):
			parts[len(parts)-1] += ", " + part
		default:
			parts = append(parts, part)
		}
	}
	return parts
}

// evidence is the word as proof; nothing where nothing was said.
func (w word) evidence() []string {
	if w.text == "" {
		return nil
	}
	return []string{"the scheduler says: " + w.text}
}
