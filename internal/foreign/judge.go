// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package foreign

import (
	"math"
	"regexp"
	"slices"
	"strings"
)

const (
	// minLooking and minEntropy are what a value behind a vague name must reach to be taken for a secret. Eight different
	// characters have 3 bits each. Words reach that too, so letters alone never count.
	minLooking = 8
	minEntropy = 2.75
	// minNoun is the length of a bare value behind a noun: shorter ones are numbers and codes of errors.
	minNoun = 4
	// maxJudged is how much of a value is looked at to judge it.
	maxJudged = 1 << 10
)

var (
	// said are values that tell whether there is a secret, and never which.
	said = regexp.MustCompile(`(?i)^(?:true|false|yes|no|null|nil|none|empty|unset|undefined|redacted|hidden|masked|sensitive|[*x.•]+|<(?:set|none|unset|nil|redacted|hidden|empty|no value|invalid|sensitive|masked|unknown)[^>]*>?)$`)
	// reference is a value that stands in another place, or that the reader is to fill in.
	reference = regexp.MustCompile(`^(?:\$\([A-Za-z_][\w.-]*\)?|\$?\{\{?[^{}]*(?:\}?\})?|\$[A-Z_][A-Z0-9_]*|<[a-z][a-z_ -]*>?)$`)
	// version is the tag of an image behind its name, or a port behind a host's.
	version = regexp.MustCompile(`^(?:v?\d+(?:\.\d+)+[\w.+-]*(?:@sha256:[0-9a-f]+)?|latest|stable|\d{2,5}(?:/\S*)?):?$`)
	// object is the name of something in Kubernetes, or a path: small letters and separators.
	object = regexp.MustCompile(`^[/.]{0,2}[a-z0-9]+(?:[-./:_][a-z0-9]+)+/?$`)
	// letters are three in a row that are a part by themselves, which random text rarely has.
	letters = regexp.MustCompile(`(?:^|[-./:_])[a-z]{3,}(?:$|[-./:_])`)
	// moment and number are measures.
	moment = regexp.MustCompile(`^(?:\d{4}-\d\d-\d\d|[\d.:/-]*[.:/-][\d.:/-]*$|sha(?:256|512):)`)
	// subject is what an error is said of: "oauth2:".
	subject = regexp.MustCompile(`^[A-Za-z]+\d?:$`)
	word    = regexp.MustCompile(`^[A-Za-z]+[,.;!?]?$`)
	// more is prose that goes on behind a word.
	more = regexp.MustCompile(`^[\\"'\x60]*[ \t]+\S`)
	// line begins a line whose first thing is a name: YAML, an env file.
	leading = regexp.MustCompile(`^[ \t]*(?:- |export )?\\*["']?$`)
)

// glue are words that stand behind the name of a flag in prose.
var glue = []string{"is", "to", "or", "and", "flag", "flags", "option", "must", "was", "not", "for", "in", "has", "argument", "requires", "required", "cannot", "with", "are", "from"}

// isSecret judges the value by what its name tells and how the two are put together.
func (p pair) isSecret() bool {
	value := Head(p.text[p.value.start:p.value.end], maxJudged)
	switch {
	case value == redacted, said.MatchString(value), reference.MatchString(value):
		return false
	case p.sign == "=" && p.apart && p.quote == "" && strings.Contains(strings.TrimRight(value, "="), "="):
		return false // the next pair: this value is empty
	case p.sign == "flag" && (strings.HasPrefix(value, "-") || slices.Contains(glue, value)):
		return false
	case p.isCount(value):
		return false
	case p.kind == vague:
		return looksSecret(value)
	case p.kind == noun && p.sign == ":":
		return p.nounIsSecret(value)
	}
	return true
}

// isCount knows quotas ("secrets=10") and usage ("tokens: 512").
func (p pair) isCount(value string) bool {
	name := strings.ToLower(p.text[p.name.start:p.name.end])
	return strings.HasSuffix(name, "s") && p.kind == noun && len(value) <= 7 && isNumber(strings.TrimRight(value, ",;.)"))
}

// nounIsSecret tells values from sentences, and from names and addresses.
func (p pair) nounIsSecret(value string) bool {
	goesOn := more.MatchString(p.text[p.value.end:min(len(p.text), p.value.end+16)])
	switch {
	case p.quote != "":
		return p.closed || !goesOn || !object.MatchString(value)
	case version.MatchString(value) && (!p.apart || p.isPath()):
		return false // image:tag or host:port
	case subject.MatchString(value), strings.Contains(value, "/") && object.MatchString(value):
		return false
	case word.MatchString(value):
		return !goesOn && p.closed || !goesOn && leading.MatchString(p.text[lineStart(p.text, p.name.start):p.name.start])
	}
	return len(value) >= minNoun
}

// isPath reports a name that is the end of a path: of an image, or a URL.
func (p pair) isPath() bool { return p.name.start > 0 && p.text[p.name.start-1] == '/' }

// looksSecret reports a value that nobody would write by hand.
func looksSecret(value string) bool {
	switch {
	case len(value) < minLooking, entropy(value) < minEntropy, moment.MatchString(value):
		return false
	case strings.Contains(value, "://"), object.MatchString(value) && letters.MatchString(value):
		return false
	}
	return hasDigit(value) && !strings.Contains(value, " ") || mixed(value)
}

// mixed reports capitals and small letters within one word, as base64 has them and names hardly do.
func mixed(value string) bool {
	turns := 0
	for i := 1; i < len(value); i++ {
		if isLower(value[i-1]) && isUpper(value[i]) {
			turns++
		}
	}
	return turns > 1 && !strings.Contains(value, " ")
}

// entropy is Shannon's, in bits a character.
func entropy(s string) float64 {
	if s == "" {
		return 0
	}
	var counts [256]int
	for i := range len(s) {
		counts[s[i]]++
	}
	sum := 0.0
	for _, n := range counts {
		if n > 0 {
			share := float64(n) / float64(len(s))
			sum -= share * math.Log2(share)
		}
	}
	return sum
}
