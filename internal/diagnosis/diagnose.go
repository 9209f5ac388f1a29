// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

// Package diagnosis finds out why a service does not answer. What was read becomes a snapshot; checks, one package a
// family, are pure functions of it; the catalogue puts causes before their symptoms. It does no I/O: internal/gather reads
// a cluster, internal/dump a file.
package diagnosis

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/finding"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/foreign"
)

// Bounds of what a diagnosis tells besides its findings, in characters (api/v1alpha1).
const (
	maxSummary = 4096
	maxStep    = 512
)

// Diagnosis is the answer: one root cause, and all that was found.
type Diagnosis struct {
	// Cause is the first finding's, or Healthy, or Unknown.
	Cause v1alpha1.Cause
	// Summary tells the root cause and its evidence in one paragraph.
	Summary string
	// Steps tell people what was looked at and what was found, in order: "Checking pod status… 0 pods".
	Steps []string
	// Findings, the root cause first.
	Findings []finding.Finding
	// Workload behind the target; nil if there is none.
	Workload *v1alpha1.ObjectReference
}

// Diagnose runs the checks over a snapshot and tells the root cause. It does no I/O and always gives the same answer for
// the same snapshot.
//
// Healthy means that the server answers: a handshake passed. A fault beside that, such as a new revision that cannot
// start while the old one serves, stays among the findings and is not the cause, since nothing is to be healed for the
// caller; but where a tool says that it cannot reach what it depends on, a dependency that is proven to be down is the cause.
// Where no handshake is possible, a target that looks well is Healthy as far as can be told, and the summary says so;
// what is only possible is then a hint and no cause.
func Diagnose(s *snapshot.Snapshot) Diagnosis {
	findings := behind(s, rank(checked(s)))
	dropStale(s, findings)
	d := Diagnosis{Cause: v1alpha1.CauseHealthy}
	switch {
	case answers(s) && !forWantOf(s, findings):
	case looksWell(s) && onlyHints(findings):
	case len(findings) == 0:
		findings = []finding.Finding{unknown(s)}
		fallthrough
	default:
		d.Cause = findings[0].Cause
	}
	d.Findings = finding.Bounded(findings)
	d.Steps = cleanSteps(steps(s))
	d.Summary = foreign.Line(summary(s, d), maxSummary)
	if s.Workload != nil {
		reference := s.Workload.Reference()
		d.Workload = &reference
	}
	return d
}

// checked is what the checks find, in no order of depth.
func checked(s *snapshot.Snapshot) []finding.Finding {
	var findings []finding.Finding
	for _, check := range Checks() {
		findings = append(findings, check(s)...)
	}
	return findings
}

// forWantOf reports whether the target answers and its tools cannot do their work for want of a dependency, as the objects show.
func forWantOf(s *snapshot.Snapshot, findings []finding.Finding) bool {
	return s.Complains() && len(findings) > 0 && findings[0].Cause == v1alpha1.CauseDependencyUnavailable && doubt(findings[0]) == 0
}

// onlyHints reports whether nothing was seen that is more than possible.
func onlyHints(findings []finding.Finding) bool {
	return !slices.ContainsFunc(findings, func(f finding.Finding) bool { return doubt(f) == 0 })
}

// answers reports whether the server was seen to work.
func answers(s *snapshot.Snapshot) bool {
	return s.Handshake != nil && s.Handshake.Verdict == v1alpha1.VerdictPassed && !s.AtZero()
}

// summary tells what is wrong to somebody who was woken by it: the cause, what follows from it, the evidence.
func summary(s *snapshot.Snapshot, d Diagnosis) string {
	if d.Cause == v1alpha1.CauseHealthy && !answers(s) {
		return sentences(append([]string{wellSummary(s)}, alsoFound(d.Findings)...)...)
	}
	if d.Cause == v1alpha1.CauseHealthy {
		return sentences(append([]string{fmt.Sprintf("%s answers: %s", s.Title(), s.Handshake.Message)}, alsoFound(d.Findings)...)...)
	}
	root := d.Findings[0]
	told := []string{root.Message + consequence(s, root)}
	if len(root.Evidence) > 0 {
		told = append(told, "Evidence: "+strings.Join(root.Evidence[:min(len(root.Evidence), 3)], "; "))
	}
	return sentences(append(told, alsoFound(d.Findings[1:])...)...)
}

// consequence joins a cause to what the caller saw of it.
func consequence(s *snapshot.Snapshot, root finding.Finding) string {
	follows := slices.ContainsFunc(Catalogue(), func(row Entry) bool {
		return row.Cause == root.Cause && slices.Contains(row.Explains, v1alpha1.CauseNoReadyEndpoints)
	})
	if !follows || s.Service == nil || root.Object.Kind == snapshot.KindService || !s.Complete(snapshot.KindEndpointSlice) || s.ReadyEndpoints() > 0 {
		return ""
	}
	return fmt.Sprintf(", so Service %s has no endpoints", s.Service.Name)
}

func alsoFound(findings []finding.Finding) []string {
	var told []string
	for _, f := range findings[:min(len(findings), 3)] {
		told = append(told, fmt.Sprintf("Also found: %s (%s)", f.Message, f.Cause))
	}
	return told
}

// sentences joins texts to a paragraph.
func sentences(texts ...string) string {
	for i, text := range texts {
		texts[i] = strings.TrimRight(text, ". ") + "."
	}
	return strings.Join(texts, " ")
}
