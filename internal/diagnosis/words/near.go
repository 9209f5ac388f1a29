// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package words

import (
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Nearest returns the candidate that a wrong name was most likely meant to be, or "" if none is near: one that holds the
// other whole, or that differs in a few letters.
func Nearest(name string, candidates []string) string {
	best, least := "", len(name)/4+1
	for _, candidate := range candidates {
		own, others := apart(name, candidate)
		distance := letters(own, others)
		if distance > max(2, len(own)/4+1) {
			distance = len(name) + 1 // it is the words that both have which make them alike
		}
		if partOf(name, candidate) || partOf(candidate, name) {
			distance = 1
		}
		if distance < least || distance == least && best == "" {
			best, least = candidate, distance
		}
	}
	return best
}

// apart leaves out the words between dashes that two names begin and end with: shipping-service and settings-service have
// no more in common than that.
func apart(a, b string) (string, string) {
	own, others := strings.Split(a, "-"), strings.Split(b, "-")
	for len(own) > 1 && len(others) > 1 && own[0] == others[0] {
		own, others = own[1:], others[1:]
	}
	for len(own) > 1 && len(others) > 1 && own[len(own)-1] == others[len(others)-1] {
		own, others = own[:len(own)-1], others[:len(others)-1]
	}
	return strings.Join(own, "-"), strings.Join(others, "-")
}

// partOf reports whether short is a part of long between dashes: sandfly-mcp of sandfly-mcp-server.
func partOf(short, long string) bool {
	return len(short) > 3 && strings.Contains("-"+long+"-", "-"+short+"-")
}

// letters counts the letters to add, remove or change to make b of a (Levenshtein).
func letters(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// Names are the names of all things of a list.
func Names[T any](all []T, name func(*T) string) []string {
	var told []string
	for i := range all {
		told = append(told, name(&all[i]))
	}
	return told
}

// ShowLabels tells labels the way `kubectl get --show-labels` does, in order.
func ShowLabels(labels map[string]string) string {
	var told []string
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		told = append(told, key+"="+labels[key])
	}
	return strings.Join(told, ",")
}

// Quote makes one shell word of text.
func Quote(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

// plain is what a shell takes as it is.
var plain = regexp.MustCompile(`^[A-Za-z0-9_@%+=:,./-]+$`)

// Argument is text as an argument of a command, quoted if a shell would read more into it.
func Argument(text string) string {
	if plain.MatchString(text) {
		return text
	}
	return Quote(text)
}
