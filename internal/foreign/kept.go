// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package foreign

import (
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/zricethezav/gitleaks/v8/config"
)

// unkept are the rules that this package has a better answer for.
var unkept = []string{
	// It takes any ten characters behind a word like "key" or "access": names of pods and Secrets among them. See pairs.
	"generic-api-key",
	// It hides the first entry of a Secret and shows the others. See manifests.
	"kubernetes-secret-yaml",
}

// behindName begins the rules that look for a value behind a vendor's name, which need not be hidden.
const behindName = `[\w.-]{0,50}?`

// keptShapes are the shapes that gitleaks keeps up to date for some 150 vendors (docs/adr/0010). Its allowlists are left out:
// they spare examples and test data, which a log has no reason to hold.
func keptShapes() []shape {
	var kept struct {
		Rules []struct {
			ID, Regex   string
			Keywords    []string
			SecretGroup int
			Entropy     float64
		}
	}
	// The text is a constant of the library. A test reads it, so it cannot fail here; the own shapes would remain.
	if toml.Unmarshal([]byte(config.DefaultConfig), &kept) != nil {
		return nil
	}
	var shapes []shape
	for _, rule := range kept.Rules {
		// A rule without a regexp is about the name of a file.
		if rule.Regex == "" || slices.Contains(unkept, rule.ID) {
			continue
		}
		shapes = append(shapes, shape{
			keywords: lowered(rule.Keywords),
			source:   rule.Regex,
			group:    rule.SecretGroup,
			entropy:  rule.Entropy,
			wide:     !strings.HasPrefix(strings.TrimPrefix(rule.Regex, "(?i)"), behindName),
			lines:    strings.Contains(rule.Regex, `\r\n]`) || strings.Contains(rule.Regex, `[\s\S`),
		})
	}
	return shapes
}

func lowered(words []string) []string {
	low := make([]string, len(words))
	for i, word := range words {
		low[i] = strings.ToLower(word)
	}
	return low
}
