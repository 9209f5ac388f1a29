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
// forbids has a clause that begins with a verb of the tool's name, or calls the tool by its full name ("call vm_power_cycle for 104").
// All of that is English. In any language the name alone orders, with nothing but values behind it: "vm_power_cycle 104". In doubt
// they do not. So whatever a language model has read elsewhere, and wants to do, the action itself was asked for by a person.
func (r *Rules) Ordered(text string, tool mcp.Tool) bool {
	if commands(text, tool.Name) {
		return true
	}
	for _, sentence := range sentences.FindAllString(text, -1) {
		if r.lexicon.wonders(sentence) {
			continue
		}
		for _, clause := range clauses.Split(sentence, -1) {
			if r.lexicon.calls(clause, tool.Name) {
				return true
			}
			q := r.lexicon.parse(clause)
			for word := range vocabulary(tool.Name) {
				if q.orders.has(word) {
					return true
				}
			}
		}
	}
	return false
}

// commands reports a text that is nothing but the name of a tool and values. Any other word may forbid it, in a language that
// nobody here knows.
func commands(text, name string) bool {
	spoken := strings.Fields(text)
	if len(spoken) == 0 || !strings.EqualFold(spoken[0], name) || strings.ContainsAny(text, "?？؟;") {
		return false
	}
	for _, word := range spoken[1:] {
		if !strings.ContainsAny(strings.Trim(word, ".,!"), "0123456789=_") {
			return false
		}
	}
	return true
}

// calls reports a clause that calls a tool by its full name: "please call restart_vm", "use the tool restart_vm for web-1".
func (l lexicon) calls(clause, name string) bool {
	spoken := l.withoutLead(strings.Fields(clause))
	if len(spoken) == 0 || !l.calling.has(strings.ToLower(spoken[0])) {
		return false
	}
	for _, word := range spoken[1:] {
		bare := strings.ToLower(strings.Trim(word, ".,;:!()`\"'"))
		if bare != "tool" && !l.determiners.has(bare) {
			return bare == strings.ToLower(name)
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
