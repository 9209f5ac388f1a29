// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

// Package logs reads what a container's log tells of the cause of a fault, as data. It does no I/O, looks at a bounded part of
// a log, and gives the same for the same text. A log is written by others: what is found here is evidence, shown beside
// what the cluster shows, and never chooses an action by itself.
package logs

import (
	"cmp"
	"slices"
	"strings"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

const (
	// maxLines are looked at, the newest: a log that says the same more often says nothing new.
	maxLines = 2000
	// maxText bounds them together; a log of the snapshot is much shorter.
	maxText = 256 << 10
	// maxLine bounds what is looked at of one line, maxJSON what is read to get at its message, maxShown what is kept of it,
	// maxPart a name within it.
	maxLine  = 4 << 10
	maxJSON  = 32 << 10
	maxShown = 1 << 10
	maxPart  = 256
	// maxMatches bounds the result. More different faults in one log are noise.
	maxMatches = 32
)

// Match is one fault that a log tells of.
type Match struct {
	Cause v1alpha1.Cause
	// Detail says in one word what kind of it.
	Detail string
	// Peer is who is meant, as the line names it: host:port, the host of a URL, a name. Empty if nobody is named.
	Peer string
	// What is the thing that it is about: a path, a user, a port, a command.
	What string
	// Proves says in words what the line proves, and no more.
	Proves string
	// Line is the newest line that tells it.
	Line string
	// Count is how often it was told. A stack trace tells it once.
	Count int
	// Last is the number of the newest line, from 1.
	Last int
	// Healed: a later line says that it works again.
	Healed bool
}

// Scan finds what a log tells, the newest last. Of a stack trace the deepest cause counts.
func Scan(text string) []Match {
	s := scan{at: map[key]int{}}
	lines := linesOf(text)
	owner := traceOf(lines)
	var pending *Match
	for i, l := range lines {
		if i > 0 && pending != nil && owner[i] != owner[i-1] {
			s.add(*pending)
			pending = nil
		}
		if l.isFrame() {
			continue
		}
		found, ok := l.match()
		switch {
		case !ok:
			s.heal(l)
		case owner[i] == 0:
			s.add(found)
		default:
			pending = deeper(pending, found)
		}
	}
	if pending != nil {
		s.add(*pending)
	}
	return s.result()
}

// deeper is what a trace tells once one more of its lines was read: the later, which is the cause of the earlier, with the
// peer that only the earlier may name.
func deeper(before *Match, now Match) *Match {
	if before != nil && before.Cause == now.Cause && now.Peer == "" {
		now.Peer = before.Peer
	}
	return &now
}

// key is what makes two lines tell the same.
type key struct {
	cause        v1alpha1.Cause
	detail, peer string
}

type scan struct {
	matches []Match
	at      map[key]int
}

func (s *scan) add(m Match) {
	k := key{m.Cause, m.Detail, m.Peer}
	if i, known := s.at[k]; known {
		m.Count += s.matches[i].Count
		m.What = cmp.Or(m.What, s.matches[i].What)
		s.matches[i] = m
		return
	}
	s.at[k] = len(s.matches)
	s.matches = append(s.matches, m)
}

// heal marks what a later line says is over: it names the same peer, or nobody while only one peer was in trouble.
func (s *scan) heal(l line) {
	if len(s.matches) == 0 || !l.isGood() {
		return
	}
	told := l.peers()
	one := s.onePeer()
	for i := range s.matches {
		m := &s.matches[i]
		switch {
		case m.Peer == "":
			m.Healed = m.Healed || len(told) == 0 && wholly.MatchString(l.text)
		case slices.ContainsFunc(told, func(peer string) bool { return samePeer(peer, m.Peer) }), l.names(m.Peer):
			m.Healed = true
		case len(told) == 0 && one && connected.MatchString(l.text):
			m.Healed = true
		}
	}
}

// onePeer reports whether all that failed is one peer's.
func (s *scan) onePeer() bool {
	peer := ""
	for _, m := range s.matches {
		if m.Peer == "" {
			continue
		}
		if peer != "" && !samePeer(m.Peer, peer) {
			return false
		}
		peer = m.Peer
	}
	return peer != ""
}

func (s *scan) result() []Match {
	slices.SortStableFunc(s.matches, func(a, b Match) int { return a.Last - b.Last })
	return s.matches[max(0, len(s.matches)-maxMatches):]
}

// cutTo keeps at most n bytes, and no half character.
func cutTo(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "")
}
