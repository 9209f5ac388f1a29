// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package nodes

import (
	"regexp"
	"strings"
)

// maxLine bounds what is looked at of one line of a log.
const maxLine = 2 << 10

var (
	// timedOut are the words of a network that does not answer: of Go, the C library, Java, Node, Python, gRPC.
	timedOut = regexp.MustCompile(`(?i)i/o timeout|connection timed out|connect timed out|read timed out|SocketTimeoutException|ETIMEDOUT|ESOCKETTIMEDOUT|deadline exceeded|DEADLINE_EXCEEDED|timeout awaiting response headers|TLS handshake timeout|no route to host|EHOSTUNREACH`)
	// toPeer is the far end of a connection that Go names with both ends: "10.244.1.5:43210->10.244.2.7:6379".
	toPeer = regexp.MustCompile(`->(\d{1,3}(?:\.\d{1,3}){3}):\d{1,5}`)
	// peerAddress is an address with a port, or the host of a URL.
	peerAddress = regexp.MustCompile(`(?:://|\b)([A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?)(?::\d{2,5})\b|://([A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?)`)
	// clock is a time of day, which looks like a host and a port.
	clock = regexp.MustCompile(`\b\d{1,2}:\d{2}(:\d{2})?\b`)
)

// timedOutPeers reads from a line of a log the hosts that may be the one that did not answer in time. A line that names
// none is no proof of anything between nodes.
func timedOutPeers(line string) []string {
	line = line[:min(len(line), maxLine)]
	if !timedOut.MatchString(line) {
		return nil
	}
	if match := toPeer.FindStringSubmatch(line); match != nil {
		return match[1:]
	}
	var hosts []string
	for _, match := range peerAddress.FindAllStringSubmatch(clock.ReplaceAllString(line, " "), -1) {
		hosts = append(hosts, strings.ToLower(match[1]+match[2]))
	}
	return hosts
}
