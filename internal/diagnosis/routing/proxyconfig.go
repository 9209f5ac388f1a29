// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package routing

import (
	"regexp"
	"strings"
)

// configRoute is an address in the configuration of a proxy, and the path that leads there, if one was told before it.
type configRoute struct {
	address
	Path string
	Line string
}

var (
	// pathLine matches where a proxy says which path it speaks of: nginx location, Spring Cloud Gateway Path=, Envoy and
	// Traefik prefix.
	pathLine = regexp.MustCompile(`(?i)(?:^\s*location\s+(?:=|~\*?|\^~)?\s*|path(?:prefix)?\s*[=:(]\s*["'\x60]?|prefix:\s*["']?|handle(?:_path)?\s+)(/[^\s"'{},;)\x60]*)`)
	// nginxUpstream matches the name of a group of servers, which is no host (ngx_http_upstream_module).
	nginxUpstream = regexp.MustCompile(`(?m)^\s*upstream\s+(\S+)\s*\{`)
	// serverLine matches the address of nginx's "server host:port;", HAProxy's "server name host:port", Caddy's
	// "reverse_proxy host:port" and nginx's fastcgi_pass and its like.
	serverLine = regexp.MustCompile(`^\s*(?:server|server\s+[-\w]+|reverse_proxy|\w+_pass)\s+([a-z0-9][-a-z0-9.]*:\d+)`)
	// socketAddress and socketPort are Envoy's (core.v3.SocketAddress).
	socketAddress = regexp.MustCompile(`\baddress"?:\s*"?([a-z0-9][-a-z0-9.]*)`)
	socketPort    = regexp.MustCompile(`\bport_value"?:\s*(\d+)`)
)

// maxConfig bounds the configuration that is looked through.
const maxConfig = 256 << 10

// configRoutes finds the addresses that a proxy's configuration sends calls to.
func configRoutes(text string) []configRoute {
	text = text[:min(len(text), maxConfig)]
	groups := map[string]bool{}
	for _, match := range nginxUpstream.FindAllStringSubmatch(text, -1) {
		groups[match[1]] = true
	}
	var found []configRoute
	path, host := "", ""
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if trimmed := strings.TrimSpace(line); trimmed == "" || strings.HasPrefix(trimmed, "#") || strings.HasPrefix(trimmed, "//") {
			continue
		}
		if match := pathLine.FindStringSubmatch(line); match != nil {
			path = match[1]
			if last := len(found) - 1; last >= 0 && found[last].Path == "" && strings.Contains(strings.ToLower(line), "path") {
				found[last].Path = path // a Spring route tells its uri first
			}
		}
		all := lineAddresses(line)
		if match := socketAddress.FindStringSubmatch(line); match != nil && isHost(match[1]) {
			host = match[1]
		}
		if match := socketPort.FindStringSubmatch(line); match != nil && host != "" {
			if port, ok := portNumber(match[1]); ok {
				all, host = append(all, address{Host: host, Port: port, Written: true}), ""
			}
		}
		for _, a := range all {
			if !groups[a.Host] {
				found = append(found, configRoute{a, path, strings.TrimSpace(line)})
				if strings.Contains(line, "uri:") || strings.Contains(line, "url:") {
					found[len(found)-1].Path = "" // its own path comes after it
				}
			}
		}
		if strings.TrimSpace(line) == "}" {
			path = ""
		}
	}
	return found
}

func lineAddresses(line string) []address {
	if match := serverLine.FindStringSubmatch(line); match != nil {
		return plainAddresses(match[1], "tcp", true)
	}
	if !strings.Contains(line, "://") {
		return nil
	}
	var all []address
	for _, word := range strings.FieldsFunc(line, func(r rune) bool { return strings.ContainsRune(" \t;,\"'`[]{}()<>", r) }) {
		if strings.Contains(word, "://") {
			all = append(all, addressesIn(word)...)
		}
	}
	return all
}
