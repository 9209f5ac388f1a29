// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package running

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// listener is an address that a program says it listens at.
type listener struct {
	host string
	port int32
	line string
}

// loopback reports whether only the pod itself gets there.
func (l listener) loopback() bool {
	return l.host == "localhost" || strings.HasPrefix(l.host, "127.") || l.host == "[::1]"
}

var (
	// serving matches the words with which servers say that they are up.
	serving = regexp.MustCompile(`(?i)\b(?:listen(?:ing|s)?|serv(?:ing|er)|start(?:ed|ing)|running|bound|ready|accepting)\b`)
	// notServing matches what makes such a line tell something else.
	notServing = regexp.MustCompile(`(?i)\b(?:error|fail(?:ed|ure)?|cannot|could not|unable|in use|refused|connect(?:ing|ed)?|denied|client|upstream|proxy(?:ing)?|stopp(?:ed|ing)|clos(?:ed|ing))\b`)
	// address matches host:port, :port or "port N" after a word, with the host kept.
	address = regexp.MustCompile(`(?i)(?:(localhost|(?:\d{1,3}\.){3}\d{1,3}|\[[0-9a-f:]*\]|\*)?:|\bport(?:\(s\)|s)?"?[ :=]{1,2}"?)(\d{2,5})\b`)
)

// listeners reads from a log the addresses that a program says it listens at. A line that tells an error is none.
func listeners(log string) []listener {
	var found []listener
	for line := range strings.Lines(log) {
		if !serving.MatchString(line) || notServing.MatchString(line) {
			continue
		}
		for _, at := range address.FindAllStringSubmatchIndex(line, -1) {
			one, ok := listenerAt(line, at)
			if ok && !slices.ContainsFunc(found, func(l listener) bool { return l.host == one.host && l.port == one.port }) {
				found = append(found, one)
			}
		}
	}
	return found
}

// listenerAt makes a listener of a match, unless it is a part of a time of day (14:04:20) or of something longer.
func listenerAt(line string, at []int) (listener, bool) {
	number := line[at[4]:at[5]]
	before, after := line[:at[0]], line[at[5]:]
	port, err := strconv.ParseUint(number, 10, 16)
	if err != nil || port == 0 || number[0] == '0' || strings.HasPrefix(after, ":") || strings.HasPrefix(after, ".") && len(after) > 1 && after[1] >= '0' && after[1] <= '9' {
		return listener{}, false
	}
	one := listener{port: int32(port), line: strings.TrimSpace(line)}
	if at[2] >= 0 {
		one.host = line[at[2]:at[3]]
	}
	if one.host == "" && before != "" && line[at[0]] == ':' && !strings.ContainsAny(before[len(before)-1:], " \t\"'=/([:,") {
		return listener{}, false // the end of another word: 14:30, main.go:12, a host of somebody else
	}
	return one, true
}
