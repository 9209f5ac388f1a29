// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package routing

import (
	"regexp"
	"strings"
)

// lookups match the complaints of resolvers, with the host that they could not resolve: of Go, Node.js, curl, Java, libpq,
// Python (socket, urllib3), .NET and nginx.
var lookups = []*regexp.Regexp{
	regexp.MustCompile(`lookup ([^\s:]+)(?: on \S+)?: (?:no such host|.*server misbehaving|.*i/o timeout|Temporary failure in name resolution)`),
	regexp.MustCompile(`(?:getaddrinfo|queryA|queryAaaa) (?:ENOTFOUND|EAI_AGAIN|ESERVFAIL|ETIMEOUT) ([^\s:]+)`),
	regexp.MustCompile(`(?i)could not resolve host(?:name)?:? '?"?([^\s"':;,]+)`),
	regexp.MustCompile(`UnknownHostException: (?:[Ff]ailed to resolve )?'?([^\s:']+)`), // Netty says it in words
	regexp.MustCompile(`could not translate host name "([^"]+)"`),
	regexp.MustCompile(`(?i)failed to resolve (?:host )?'?"?([^\s"'(),:]+)`),
	regexp.MustCompile(`(?i)(?:host='|connecting to |connect to (?:host )?|resolving |resolve )'?"?([a-z0-9][-a-z0-9.]*)[^\n]*(?:Name or service not known|Temporary failure in name resolution|nodename nor servname)`),
	regexp.MustCompile(`host not found in (?:upstream|resolver) "([^"]+)"`),
	regexp.MustCompile(`([a-z0-9][-a-z0-9.]*)(?::\d+)? could not be resolved \(`),
	regexp.MustCompile(`(?i)(?:bad address|can't find|can't resolve) '?"?([a-z0-9][-a-z0-9.]*)`),
}

// unresolvedHost is the host that a line says could not be resolved, or "".
func unresolvedHost(line string) string {
	for _, pattern := range lookups {
		match := pattern.FindStringSubmatch(line)
		if match == nil {
			continue
		}
		host, _, _ := strings.Cut(match[1], ":")
		if host = strings.TrimSuffix(host, "."); isHost(host) {
			return host
		}
	}
	return ""
}
