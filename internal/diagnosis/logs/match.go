// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package logs

import (
	"cmp"
	"regexp"
	"strings"
)

// accusing is said by a line that reports an error of its own, and not by one that talks about errors.
var accusing = regexp.MustCompile(`(?i)\b\w*(?:error|exception)\b|\b(?:fatal|failed|failure|cannot|can't|could not|unable to|panic)\b`)

// match is what a line tells by the first pattern that fits.
func (l line) match() (Match, bool) {
	p, found, peer := l.fit()
	if p == nil {
		return Match{}, false
	}
	return Match{
		Cause: p.cause, Detail: p.detail, Proves: p.proves,
		Peer: cutTo(peer, maxPart), What: cutTo(cmp.Or(p.named(found, "what"), p.named(found, "w2"), p.named(found, "w3")), maxPart),
		Line: cutTo(strings.TrimSpace(l.text), maxShown), Count: 1, Last: l.number,
	}, true
}

// fit is the first pattern that fits a line, with its groups and the peer that the line names.
func (l line) fit() (fits *pattern, found []string, peer string) {
	if l.isQuiet() {
		return nil, nil, ""
	}
	text := inline.ReplaceAllString(l.text, "")
	low := strings.ToLower(text)
	for i := range patterns {
		p := &patterns[i]
		if l.level == mild && p.claim != strong || !strings.Contains(low, p.hint) {
			continue
		}
		if found = p.form.FindStringSubmatch(text); found == nil {
			continue
		}
		if peer = p.peerOf(found); peer == "" && hasPeer(p.cause) {
			peer = firstOf(peersIn(text))
		}
		if p.claim != vague || peer != "" || l.level == severe || accusing.MatchString(text) {
			return p, found, peer
		}
	}
	return nil, nil, ""
}

func (p *pattern) named(found []string, name string) string {
	if i := p.form.SubexpIndex(name); i >= 0 {
		return strings.TrimRight(strings.Trim(found[i], "\"'`“”"), ":,")
	}
	return ""
}

// peerOf is the peer that the form names, with the port where it stands apart.
func (p *pattern) peerOf(found []string) string {
	peer := cleanPeer(cmp.Or(p.named(found, "peer"), p.named(found, "host")))
	if port := p.named(found, "port"); peer != "" && port != "" && !strings.HasSuffix(peer, ":"+port) {
		peer += ":" + port
	}
	return peer
}

func firstOf(peers []string) string {
	if len(peers) == 0 {
		return ""
	}
	return peers[0]
}
