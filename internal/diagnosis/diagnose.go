// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package diagnosis

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/foreign"
)

// Diagnose runs the checks over a snapshot and tells the root cause. It does no I/O and always gives the same answer for
// the same snapshot.
//
// Healthy means that the server answers: a handshake passed. A fault beside that, such as a new revision that cannot
// start while the old one serves, stays among the findings and is not the cause, since nothing is to be healed for the
// caller.
func Diagnose(s *Snapshot) Diagnosis {
	var findings []Finding
	for _, check := range Checks() {
		findings = append(findings, check(s)...)
	}
	findings = rank(findings)
	d := Diagnosis{Cause: v1alpha1.CauseHealthy}
	switch {
	case s.answers():
	case len(findings) == 0:
		findings = []Finding{unknown(s)}
		fallthrough
	default:
		d.Cause = findings[0].Cause
	}
	d.Findings = bounded(findings)
	d.Steps = cleanSteps(steps(s))
	d.Summary = foreign.Line(summary(s, d), maxSummary)
	if s.Workload != nil {
		reference := s.Workload.Reference()
		d.Workload = &reference
	}
	return d
}

// answers reports whether the server was seen to work.
func (s *Snapshot) answers() bool {
	return s.Handshake != nil && s.Handshake.Verdict == v1alpha1.VerdictPassed && !s.atZero()
}

// summary tells what is wrong to somebody who was woken by it: the cause, what follows from it, the evidence.
func summary(s *Snapshot, d Diagnosis) string {
	if d.Cause == v1alpha1.CauseHealthy {
		return sentences(append([]string{fmt.Sprintf("%s answers: %s", s.name(), s.Handshake.Message)}, alsoFound(d.Findings)...)...)
	}
	root := d.Findings[0]
	told := []string{root.Message + s.consequence(root)}
	if len(root.Evidence) > 0 {
		told = append(told, "Evidence: "+strings.Join(root.Evidence[:min(len(root.Evidence), 3)], "; "))
	}
	return sentences(append(told, alsoFound(d.Findings[1:])...)...)
}

// name is what callers know the server by.
func (s *Snapshot) name() string {
	if s.Service != nil {
		return "Service " + s.Service.Name
	}
	return string(s.Target.Kind) + " " + s.Target.Name
}

// consequence joins a cause to what the caller saw of it.
func (s *Snapshot) consequence(root Finding) string {
	follows := slices.ContainsFunc(explanations(), func(row explanation) bool {
		return row.cause == root.Cause && slices.Contains(row.of, v1alpha1.CauseNoReadyEndpoints)
	})
	if !follows || s.Service == nil || root.Object.Kind == kindService || !s.Complete(kindEndpointSlice) || s.readyEndpoints() > 0 {
		return ""
	}
	return fmt.Sprintf(", so Service %s has no endpoints", s.Service.Name)
}

func alsoFound(findings []Finding) []string {
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
