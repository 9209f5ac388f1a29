// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package workloads

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// serviceName is what a Service may be called (RFC 1035 label).
var serviceName = regexp.MustCompile(`\A[a-z]([-a-z0-9]{0,61}[a-z0-9])?\z`)

// hostSuffixes end the names of variables that hold a host without a port.
var hostSuffixes = []string{"_HOST", "_HOSTNAME", "_ADDR", "_ADDRESS", "_SERVER", "_ENDPOINT", "_SERVICE"}

// servicesIn are the Services of the namespace that an environment variable names: as a URL, as host:port, or, where the
// variable's name says so, as a bare host. Of other words of a value nothing is claimed.
func servicesIn(variable, value, namespace string) []string {
	var names []string
	for _, part := range strings.FieldsFunc(value, func(r rune) bool { return r == ',' || r == ';' || r == ' ' || r == '\n' || r == '\t' }) {
		host, ok := hostOf(part)
		if !ok && slices.ContainsFunc(hostSuffixes, func(suffix string) bool { return strings.HasSuffix(strings.ToUpper(variable), suffix) }) {
			host, ok = part, true
		}
		if name := serviceOf(host, namespace); ok && name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// hostOf reads the host of a URL or of host:port.
func hostOf(text string) (string, bool) {
	if _, rest, isURL := strings.Cut(text, "://"); isURL {
		rest, _, _ = strings.Cut(rest, "/")
		rest, _, _ = strings.Cut(rest, "?")
		rest = rest[strings.LastIndex(rest, "@")+1:]
		host, _, _ := strings.Cut(rest, ":")
		return host, true
	}
	host, rest, ok := strings.Cut(text, ":")
	port, _, _ := strings.Cut(rest, "/")
	number, err := strconv.ParseUint(port, 10, 16)
	return host, ok && err == nil && number > 0
}

// serviceOf is the Service of the namespace that a host means: name, name.namespace, name.namespace.svc and so on.
func serviceOf(host, namespace string) string {
	labels := strings.Split(strings.TrimSuffix(host, "."), ".")
	name := labels[0]
	switch {
	case name == "localhost", !serviceName.MatchString(name):
		return ""
	case len(labels) > 1 && labels[1] != namespace, len(labels) > 2 && labels[2] != "svc":
		return ""
	default:
		return name
	}
}
