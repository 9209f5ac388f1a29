// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package logs

import (
	"regexp"
	"strings"
)

var (
	// connected says that somebody is reached; good that something works; wholly that the program itself does.
	connected = regexp.MustCompile(`(?i)\b(?:re-?)?connected\b|\bconnection (?:\w+ ){0,4}(?:established|restored|recovered|successful|succeeded|acquired|ok)\b|\b(?:established|opened|acquired|restored) (?:\w+ ){0,4}connection\b|\bsuccessfully (?:re-?)?connect`)
	good      = regexp.MustCompile(`(?i)\b(?:started|ready|recovered|succeeded|successful(?:ly)?|available|reachable|healthy|online|up)\b|\blistening\b`)
	wholly    = regexp.MustCompile(`(?i)\bstarted \S+ in [\d.]+ ?(?:s|ms|seconds)\b|\bready (?:to accept|for) (?:\w+ )?connections|\b(?:server|application|service|app) (?:has |is |was )?(?:now )?(?:started|ready|running|listening|up)\b|\bstart-?up complete|\blistening (?:on|at)\b`)
	// bad takes it back.
	bad = regexp.MustCompile(`(?i)\bnot\b|\bno\b|n't\b|\bun\w+able\b|\bdisconnect|\b(?:never|lost|waiting|wait|until|retrying|trying|attempting|failed|failure|error|refused|denied|closed|timeout|timed|if|when|before)\b`)
)

// isGood reports a line that tells that something works.
func (l line) isGood() bool {
	return l.level != severe && l.level != warning && (connected.MatchString(l.text) || good.MatchString(l.text) || wholly.MatchString(l.text)) && !bad.MatchString(l.text)
}

func (l line) peers() []string { return peersIn(l.text) }

// names reports whether the line names the host of a peer as a word.
func (l line) names(peer string) bool {
	host, _ := splitPeer(peer)
	low := strings.ToLower(l.text)
	for at := 0; ; {
		i := strings.Index(low[at:], host)
		if i < 0 || host == "" {
			return false
		}
		begin, end := at+i, at+i+len(host)
		if (begin == 0 || !isNamed(low[begin-1])) && (end == len(low) || !isNamed(low[end])) {
			return true
		}
		at = end
	}
}

func isNamed(c byte) bool {
	return 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-' || c == '_'
}
