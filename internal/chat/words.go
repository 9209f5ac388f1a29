// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package chat

import (
	"strings"
	"unicode"
)

// words splits text where people and programmers do (list_hosts, listHosts, sandfly-mcp-server), in lower case and in
// the singular.
func words(text string) []string {
	var out []string
	var word strings.Builder
	flush := func() {
		if word.Len() > 0 {
			out = append(out, singular(strings.ToLower(word.String())))
			word.Reset()
		}
	}
	lower := false
	for _, r := range text {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			flush()
			lower = false
			continue
		}
		if lower && unicode.IsUpper(r) {
			flush()
		}
		lower = unicode.IsLower(r)
		word.WriteRune(r)
	}
	flush()
	return out
}

// singular takes an English plural back, lightly: hosts, policies, statuses, boxes. It need not be right, only the same
// for the query and for the tool.
func singular(word string) string {
	switch {
	case len(word) < 3:
		return word
	case strings.HasSuffix(word, "ies") && len(word) > 4:
		return strings.TrimSuffix(word, "ies") + "y"
	case hasAnySuffix(word, "sses", "uses", "xes", "ches", "shes"):
		return strings.TrimSuffix(word, "es")
	case hasAnySuffix(word, "ss", "us", "is"):
		return word
	default:
		return strings.TrimSuffix(word, "s")
	}
}

func hasAnySuffix(word string, suffixes ...string) bool {
	for _, suffix := range suffixes {
		if strings.HasSuffix(word, suffix) {
			return true
		}
	}
	return false
}

// set is a set of words.
type set map[string]struct{}

func setOf(list []string) set {
	s := set{}
	for _, word := range list {
		s[word] = struct{}{}
	}
	return s
}

// vocabulary makes a set of the words of a text, in the form that words gives them.
func vocabulary(text string) set { return setOf(words(text)) }

func (s set) has(word string) bool {
	_, ok := s[word]
	return ok
}
