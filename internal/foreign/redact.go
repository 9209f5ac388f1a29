// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package foreign

import (
	"cmp"
	"slices"
	"strings"
)

const (
	redacted = "[redacted]"
	// maxRounds bounds how often a text is looked at again. What is hidden can bring two ends together that make a new
	// secret's shape; after two rounds that is no accident any more.
	maxRounds = 5
)

// Mark stands where a secret was hidden.
const Mark = redacted

// span is a part of a text: from start to before end.
type span struct{ start, end int }

// Redact hides what looks like a secret, and drops what is not seen, since that could part a secret's name in two. It
// leans to the side of hiding too much: a log line that lost a word is still a log line. A text that went through once
// comes out of a second time unchanged. The time it takes grows with the text alone, whatever the text says.
//
// It is a net, not a proof. The operator has no right to read Secrets in the first place, and only what a container
// printed or an object spells out can get here.
func Redact(text string) string { return redact(Visible(text)) }

// redact looks until nothing more is found. Each round hides something or ends. A text that never ends is made to defeat
// this, and is hidden whole; so is one that calls up more rules than any log does.
func redact(text string) string {
	for range maxRounds {
		found, ok := rules().find(text)
		if plain, places := unescaped(text); ok && places != nil {
			var within []span
			within, ok = rules().find(plain)
			for _, s := range within {
				found = append(found, span{places[s.start], places[s.end]})
			}
		}
		if !ok {
			return redacted
		}
		next := hide(text, found)
		if next == text {
			return text
		}
		text = next
	}
	return redacted
}

// hide puts the mark in place of every span. Spans that touch become one.
func hide(text string, found []span) string {
	if len(found) == 0 {
		return text
	}
	for i := range found {
		found[i] = withMarks(text, found[i])
	}
	slices.SortFunc(found, func(a, b span) int { return cmp.Or(a.start-b.start, a.end-b.end) })
	var shown strings.Builder
	at := 0
	for _, s := range found {
		if s.end <= at || s.start == s.end {
			continue
		}
		if s.start > at || at == 0 {
			shown.WriteString(text[at:s.start])
			shown.WriteString(redacted)
		}
		at = s.end
	}
	shown.WriteString(text[at:])
	return shown.String()
}

// withMarks widens a span that cuts into a mark, or a mark would grow with every round.
func withMarks(text string, s span) span {
	const before = len(redacted) - 1
	if i := strings.Index(text[max(0, s.start-before):min(len(text), s.start+before)], redacted); i >= 0 {
		s.start = min(s.start, max(0, s.start-before)+i)
	}
	if i := strings.Index(text[max(0, s.end-before):min(len(text), s.end+before)], redacted); i >= 0 {
		s.end = max(s.end, max(0, s.end-before)+i+len(redacted))
	}
	return s
}
