// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

// Package finding is one thing that is wrong: what the checks give, and the one gate through which foreign text gets into
// a status, a file or a terminal.
package finding

import (
	"strings"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/foreign"
)

// Bounds of the status fields that a finding ends up in, in characters and items (api/v1alpha1).
const (
	maxMessage = 1024
	// MaxEvidence bounds one item of evidence.
	MaxEvidence       = 512
	maxEvidenceItems  = 10
	maxFindings       = 16
	maxRecommendation = 2048
	maxPatch          = 1024
	maxDetail         = 64
	// MaxName bounds the name of an object (RFC 1123), which a file may hold in any length.
	MaxName = 253
)

// Finding is a thing that is wrong, and what to do about it.
type Finding struct {
	v1alpha1.Finding
	// Recommendation says what a person should do: the exact object, field and value.
	Recommendation string
	// SuggestedPatch is a kubectl command that does it, where one line is enough.
	SuggestedPatch string
	// Patch is the same as data, where it changes a workload or a Service. It is set by Suggest, with the command.
	Patch *Patch
	// Replicas is the count to return to, for ScaledToZero.
	Replicas int32
	// Container whose limit is too low, for OOMKilled.
	Container string
	// Pods that can be deleted without loss: ended ones, or those whose node is gone for good. At most 32.
	Pods []v1alpha1.ObjectReference
	// Stuck: new pods would not come further than those that there are, so a restart is no remedy.
	Stuck bool
}

// Check looks for one family of causes. It must not keep or change the snapshot.
type Check func(*snapshot.Snapshot) []Finding

// New makes a finding.
func New(cause v1alpha1.Cause, object v1alpha1.ObjectReference, confidence v1alpha1.Confidence, message string, evidence ...string) Finding {
	return Finding{Finding: v1alpha1.Finding{
		Cause: cause, Object: object, Confidence: confidence, Message: message, Evidence: evidence,
	}}
}

// Suggest says what to change, to people and as data; nil takes back what was suggested.
func (f *Finding) Suggest(p *Patch) {
	f.SuggestByHand(p)
	f.Patch = p
}

// SuggestByHand says it to people alone. That is for what only a log or an event tells to be right: a person may believe it,
// and no program acts on it.
func (f *Finding) SuggestByHand(p *Patch) {
	f.SuggestedPatch, f.Patch = "", nil
	if p != nil {
		f.SuggestedPatch = p.Shown
	}
}

// Bounded returns the findings as they may be shown: every text is cleaned and cut, whatever a check put in.
func Bounded(findings []Finding) []Finding {
	findings = findings[:min(len(findings), maxFindings)]
	shown := make([]Finding, 0, len(findings))
	for _, f := range findings {
		f.Object.Name = foreign.Line(f.Object.Name, MaxName)
		f.Detail = foreign.Line(f.Detail, maxDetail)
		f.Message = foreign.Line(f.Message, maxMessage)
		f.Evidence = cleanAll(f.Evidence, maxEvidenceItems)
		f.Recommendation = foreign.Line(f.Recommendation, maxRecommendation)
		f.boundPatch()
		shown = append(shown, f)
	}
	return shown
}

// boundPatch drops a command and a patch that cannot be shown as they are, and a patch that is not what the command says:
// a person approves what was read.
func (f *Finding) boundPatch() {
	if f.Patch != nil && f.Patch.Shown != f.SuggestedPatch {
		f.Patch = nil
	}
	f.SuggestedPatch = whole(f.SuggestedPatch)
	if f.Patch != nil && (f.SuggestedPatch == "" || !f.Patch.valid()) {
		f.SuggestedPatch, f.Patch = "", nil
	}
}

// cleanAll cleans evidence and keeps the first items that say something.
func cleanAll(texts []string, items int) []string {
	var cleaned []string
	for _, text := range texts {
		if text = foreign.Line(text, MaxEvidence); text != "" && len(cleaned) < items {
			cleaned = append(cleaned, text)
		}
	}
	return cleaned
}

// whole returns a command if it can be shown as it is. Half a command, or one with a character that is not seen, is
// worse than none.
func whole(command string) string {
	if len(command) > maxPatch || foreign.Visible(command) != command || strings.ContainsAny(command, "\n\t") {
		return ""
	}
	return command
}
