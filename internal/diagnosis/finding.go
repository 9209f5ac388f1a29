// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package diagnosis

import (
	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/foreign"
)

// Bounds of the status fields that a diagnosis ends up in, in characters and items (api/v1alpha1).
const (
	maxMessage        = 1024
	maxEvidence       = 512
	maxEvidenceItems  = 10
	maxFindings       = 16
	maxRecommendation = 2048
	maxPatch          = 1024
	maxSummary        = 4096
	maxStep           = 512
	maxObjectName     = 253
)

// found makes a finding.
func found(cause v1alpha1.Cause, object v1alpha1.ObjectReference, confidence v1alpha1.Confidence, message string, evidence ...string) Finding {
	return Finding{Finding: v1alpha1.Finding{
		Cause: cause, Object: object, Confidence: confidence, Message: message, Evidence: evidence,
	}}
}

// bounded returns the findings as they may be shown: every text is cleaned and cut, whatever a check put in. It is the
// one gate between foreign text and the status.
func bounded(findings []Finding) []Finding {
	findings = findings[:min(len(findings), maxFindings)]
	shown := make([]Finding, 0, len(findings))
	for _, f := range findings {
		f.Object.Name = foreign.Line(f.Object.Name, maxObjectName)
		f.Message = foreign.Line(f.Message, maxMessage)
		f.Evidence = cleanAll(f.Evidence, maxEvidenceItems)
		f.Recommendation = foreign.Line(f.Recommendation, maxRecommendation)
		f.SuggestedPatch = whole(f.SuggestedPatch)
		shown = append(shown, f)
	}
	return shown
}

// cleanAll cleans evidence and keeps the first items that say something.
func cleanAll(texts []string, items int) []string {
	var cleaned []string
	for _, text := range texts {
		if text = foreign.Line(text, maxEvidence); text != "" && len(cleaned) < items {
			cleaned = append(cleaned, text)
		}
	}
	return cleaned
}

// whole returns a command if it can be shown as it is. Half a command, or one with a character that is not seen, is
// worse than none.
func whole(command string) string {
	if len(command) > maxPatch || foreign.Visible(command) != command {
		return ""
	}
	return command
}
