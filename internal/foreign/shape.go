// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package foreign

import (
	"regexp"
	"strings"
	"sync"
)

// shape is a form that secrets take.
type shape struct {
	keywords []string
	source   string
	// group is the part of the match that is the secret; 0: the first that is not empty, or all of it.
	group int
	// entropy is what the secret must exceed, in bits a character, where the form alone would match words.
	entropy float64
	// lines: the secret may stretch over any number of lines. Of all others the line of the keyword and the next are looked
	// at, which keeps a keyword that is a common word cheap.
	lines bool
	// wide: a group that is less than half of the match stands there for order's sake, and all of the match is the secret.
	wide bool
	// accept looks closer at what a regexp cannot tell.
	accept func(secret string) bool
	// pattern is compiled when first needed: most of the shapes are never met.
	pattern func() *regexp.Regexp
}

func (s shape) compiled() *shape {
	s.pattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(s.source) })
	return &s
}

func (s *shape) words() []string { return s.keywords }

func (s *shape) work(text string, hits []int) int {
	sum := 0
	for _, w := range s.windows(text, hits) {
		sum += w.end - w.start
	}
	return sum
}

func (s *shape) spans(text string, hits []int) []span {
	var found []span
	for _, w := range s.windows(text, hits) {
		part := text[w.start:w.end]
		for _, match := range s.pattern().FindAllStringSubmatchIndex(part, -1) {
			secret := s.secretOf(match)
			if word := part[secret.start:secret.end]; s.isSecret(word) {
				hidden := s.hiddenOf(match, secret)
				found = append(found, span{w.start + hidden.start, w.start + hidden.end})
			}
		}
	}
	return found
}

func (s *shape) isSecret(word string) bool {
	return (s.entropy == 0 || entropy(word) > s.entropy) && (s.accept == nil || s.accept(word))
}

// secretOf is the part of a match that is judged.
func (s *shape) secretOf(match []int) span {
	if s.group > 0 {
		return span{match[2*s.group], match[2*s.group+1]}
	}
	for i := 2; i < len(match); i += 2 {
		if match[i] < match[i+1] {
			return span{match[i], match[i+1]}
		}
	}
	return span{match[0], match[1]}
}

// hiddenOf is the part of a match that is hidden.
func (s *shape) hiddenOf(match []int, secret span) span {
	if s.wide && 2*(secret.end-secret.start) < match[1]-match[0] {
		return span{match[0], match[1]}
	}
	return secret
}

// windows are the parts of the text to look at: the lines of the hits, each with the one that follows.
func (s *shape) windows(text string, hits []int) []span {
	if s.lines {
		return []span{{0, len(text)}}
	}
	var windows []span
	seen := 0
	for _, hit := range hits {
		if hit < seen {
			continue
		}
		seen = lineEnd(text, hit)
		w := span{lineStart(text, hit), lineEnd(text, seen)}
		if last := len(windows) - 1; last >= 0 && w.start < windows[last].end {
			windows[last].end = w.end
			continue
		}
		windows = append(windows, w)
	}
	return windows
}

func lineStart(text string, at int) int { return strings.LastIndexByte(text[:at], '\n') + 1 }

// lineEnd is where the line after the one of at begins.
func lineEnd(text string, at int) int {
	if i := strings.IndexByte(text[at:], '\n'); i >= 0 {
		return at + i + 1
	}
	return len(text)
}
