// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package logs

import (
	"regexp"
	"strings"
)

var (
	urlHost  = regexp.MustCompile(`\b[a-z][a-z0-9+]{1,20}://(?:[^\s/@"']*@)?([^\s/"'?#,)\]<>]+)`)
	hostPort = regexp.MustCompile(`(?:^|[\s"'(\[=/@,])((?:[A-Za-z0-9](?:[\w-]*\w)?\.)*[A-Za-z0-9][\w-]*|\[[0-9a-f:]+\]):(\d{2,5})(?:$|[^\w:.]|\.(?:$|\s)|:(?:$|[^\d]))`)
	// source is the end of a name that stands for a file, whose number is a line.
	source = regexp.MustCompile(`\.(?:go|java|kt|scala|py|rb|rs|js|mjs|cjs|ts|tsx|cs|php|c|cc|cpp|h|ex|erl|sql|ya?ml|conf|cfg|sh)$`)
	digits = regexp.MustCompile(`^[\d]+$`)
)

// peersIn are the addresses that a text names: hosts of URLs first, then host:port.
func peersIn(text string) []string {
	var peers []string
	for _, m := range urlHost.FindAllStringSubmatch(text, 4) {
		if peer := cleanPeer(m[1]); peer != "" {
			peers = append(peers, peer)
		}
	}
	for _, m := range hostPort.FindAllStringSubmatch(text, 8) {
		if source.MatchString(m[1]) || digits.MatchString(m[1]) {
			continue
		}
		if peer := cleanPeer(m[1] + ":" + m[2]); peer != "" {
			peers = append(peers, peer)
		}
	}
	return peers
}

// here are addresses at which a program listens itself.
var here = regexp.MustCompile(`^(?:0\.0\.0\.0|\[?::\]?|\*)?(?::\d+)?$`)

// cleanPeer is a bare address: no scheme, user, path or quotes. It is "" for an address that names nobody.
func cleanPeer(peer string) string {
	peer = strings.Trim(peer, " \t\"'`()<>,;.")
	if _, rest, found := strings.Cut(peer, "://"); found {
		peer = rest
	}
	peer = peer[strings.LastIndexByte(peer, '@')+1:]
	peer, _, _ = strings.Cut(peer, "/")
	peer, _, _ = strings.Cut(peer, "?")
	peer = strings.TrimRight(strings.ToLower(peer), ":.")
	if here.MatchString(peer) || strings.ContainsAny(peer, " \t") {
		return ""
	}
	return peer
}

// samePeer compares addresses as they are written in different places: with and without a port, by a short name and by
// the long one of the cluster.
func samePeer(a, b string) bool {
	hostA, portA := splitPeer(a)
	hostB, portB := splitPeer(b)
	if portA != "" && portB != "" && portA != portB {
		return false
	}
	return hostA == hostB || strings.HasPrefix(hostA, hostB+".") || strings.HasPrefix(hostB, hostA+".")
}

func splitPeer(peer string) (host, port string) {
	peer = strings.ToLower(peer)
	if i := strings.LastIndexByte(peer, ':'); i > 0 && digits.MatchString(peer[i+1:]) {
		return peer[:i], peer[i+1:]
	}
	return peer, ""
}
