// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package chat

import (
	"regexp"
	"strings"

	"github.com/ry-ops/cortex/internal/mcp"
)

var (
	sentences = regexp.MustCompile(`[^.!?;\n]+[.!?;\n]*`)
	// clauses begin behind these. A point within a name (web-1.example) ends a sentence too early at worst.
	clauses = regexp.MustCompile(`(?i),|\b(?:and|then|to|but|so)\b`)
)

// Changes reports whether a tool must be taken for one that changes something.
func (r *Rules) Changes(tool mcp.Tool) bool { return r.changes(tool) }

// Ordered reports whether a person's own words order what a tool that changes something does: a sentence that neither asks nor
// forbids has the tool's full name, or a clause of it begins with a verb that is in that name. In doubt they do not. So whatever
// a language model has read elsewhere, and wants to do, the action itself was asked for by a person.
func (r *Rules) Ordered(text string, tool mcp.Tool) bool {
	for _, sentence := range sentences.FindAllString(text, -1) {
		if r.lexicon.wonders(sentence) {
			continue
		}
		for _, clause := range clauses.Split(sentence, -1) {
			q := r.lexicon.parse(clause)
			if q.spoken.has(strings.ToLower(tool.Name)) {
				return true
			}
			for word := range vocabulary(tool.Name) {
				if q.orders.has(word) {
					return true
				}
			}
		}
	}
	return false
}

// wonders reports a sentence that asks or forbids. "Can you start a scan?" does neither.
func (l lexicon) wonders(sentence string) bool {
	all := words(strings.NewReplacer("'", "", "’", "").Replace(sentence))
	if strings.Contains(sentence, "?") && (len(all) < 2 || all[1] != "you") {
		return true
	}
	for _, word := range all {
		if l.wondering.has(word) {
			return true
		}
	}
	return false
}
