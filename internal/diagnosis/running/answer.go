// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package running

import (
	"regexp"
	"strconv"
	"strings"
)

// answerKind is what a probe got for an answer.
type answerKind string

const (
	// answerNone: nobody told.
	answerNone answerKind = ""
	// answerUnreached: no connection came about.
	answerUnreached answerKind = "Unreached"
	// answerLate: none in time.
	answerLate answerKind = "Late"
	// answerNoSuchPath: the server knows no such path.
	answerNoSuchPath answerKind = "NoSuchPath"
	// answerNoAccess: the path wants credentials.
	answerNoAccess answerKind = "NoAccess"
	// answerStatus: any other HTTP status, or a gRPC service that is not SERVING. The server says itself that it is not well.
	answerStatus answerKind = "Status"
	// answerPlain: HTTPS was asked of a server of plain HTTP.
	answerPlain answerKind = "Plain"
	// answerTLS: HTTP was asked of a server of TLS.
	answerTLS answerKind = "TLS"
	// answerHTTP2: HTTP/1 was asked of a server of HTTP/2, which is what gRPC speaks.
	answerHTTP2 answerKind = "HTTP2"
	// answerNoHealth: a gRPC server that does not serve the health service.
	answerNoHealth answerKind = "NoHealth"
	// answerNotGRPC: gRPC was asked of a server that does not speak it.
	answerNotGRPC answerKind = "NotGRPC"
	// answerNoCommand: the command cannot be run in the container.
	answerNoCommand answerKind = "NoCommand"
	// answerNoPort: the probe names a port that the container does not have.
	answerNoPort answerKind = "NoPort"
	// answerNoHost: the probe names a host that does not resolve.
	answerNoHost answerKind = "NoHost"
	// answerOther is any other, such as the output of a command.
	answerOther answerKind = "Other"
)

// answer is what the kubelet says that a probe saw.
type answer struct {
	kind answerKind
	// status of HTTP.
	status int
	// text as it was told.
	text string
}

// heard reports whether something listens at the port that the probe asks.
func (a answer) heard() bool {
	switch a.kind {
	case answerNoSuchPath, answerNoAccess, answerStatus, answerPlain, answerTLS, answerHTTP2, answerNoHealth, answerNotGRPC:
		return true
	default:
		return false
	}
}

// unhealthy matches the message of the kubelet's event Unhealthy (pkg/kubelet/prober/prober.go). "probe warning" is a
// redirect to another host, which counts as success.
var unhealthy = regexp.MustCompile(`(?s)^(?:\(combined from similar events\): )?(Liveness|Readiness|Startup) probe (?:failed|errored(?: and resulted in unknown state)?):\s*(.*)$`)

// killing matches the message of the kubelet's event Killing of a container that failed a probe
// (pkg/kubelet/kuberuntime/kuberuntime_manager.go, computePodActions).
var killing = regexp.MustCompile(`(?i)failed (liveness|startup) probe`)

// unhealthyProbe reads the message of an event Unhealthy: whose answer it is, and the answer as it was told. To classify it
// is most of the work, and left to who needs it.
func unhealthyProbe(message string) (kind probeKind, text string, ok bool) {
	parts := unhealthy.FindStringSubmatch(message)
	if parts == nil {
		return "", "", false
	}
	return probeKind(strings.ToLower(parts[1])), strings.TrimSpace(parts[2]), true
}

// statuscode is how pkg/probe/http tells the status.
var statuscode = regexp.MustCompile(`(?i)HTTP probe failed with statuscode: (\d{3})\b`)

// answerPatterns are tried in order; the first that matches tells the kind. Sources: pkg/probe/{http,grpc,tcp,exec} of
// Kubernetes, net/http and crypto/tls of Go, and the shells' own words.
var answerPatterns = []struct {
	kind    answerKind
	pattern *regexp.Regexp
}{
	{answerPlain, regexp.MustCompile(`server gave HTTP response to HTTPS client|first record does not look like a TLS handshake`)},
	// The first bytes of a TLS record: 0x15 is an alert, 0x16 a handshake, 0x03 the version.
	{answerTLS, regexp.MustCompile(`malformed HTTP (?:response|status code|version) \\?"\\+x1[56]\\+x03`)},
	{answerTLS, regexp.MustCompile(`(?i)sent an HTTP request to an HTTPS server`)},
	{answerHTTP2, regexp.MustCompile(`malformed HTTP (?:response|status code|version)`)},
	{answerNoHealth, regexp.MustCompile(`(?i)does not implement the grpc health protocol|unknown service grpc\.health|code = Unimplemented|service unimplemented`)},
	{answerNotGRPC, regexp.MustCompile(`(?i)error reading server preface|http2: frame too large|http2: failed reading the frame payload|looked like an HTTP/1\.1 header`)},
	{answerStatus, regexp.MustCompile(`service unhealthy \(responded with|NOT_SERVING`)},
	{answerNoPort, regexp.MustCompile(`(?i)port .* not found|invalid port number|could not find port|couldn't find port`)},
	{answerNoCommand, regexp.MustCompile(`(?i)executable file not found|exec format error|stat \S+: no such file or directory|\bexec: "?[^"\s]+"?: .*(?:no such file|permission denied)|\b(?:ba|da|a)?sh: (?:line \d+: |\d+: )?\S+: not found\s*$|: command not found\s*$|can't open '?\S+'?: no such file|cannot open \S+: no such file`)},
	{answerNoHost, regexp.MustCompile(`no such host|server misbehaving|(?i)name resolution`)},
	{answerUnreached, regexp.MustCompile(`(?i)connection refused|no route to host|network is unreachable|dial tcp [^ ]+: i/o timeout|failed to connect service|while waiting for connection|host is unreachable`)},
	{answerLate, regexp.MustCompile(`(?i)Client\.Timeout|deadline exceeded|timed out|i/o timeout|did not complete within`)},
}

// classify tells the kind of an answer.
func classify(text string) answer {
	a := answer{kind: answerOther, text: text}
	if parts := statuscode.FindStringSubmatch(text); parts != nil {
		a.status, _ = strconv.Atoi(parts[1])
		a.kind = statusKind(a.status)
		return a
	}
	for _, row := range answerPatterns {
		if row.pattern.MatchString(text) {
			a.kind = row.kind
			return a
		}
	}
	return a
}

func statusKind(status int) answerKind {
	switch status {
	case 404, 405, 410:
		return answerNoSuchPath
	case 401, 403:
		return answerNoAccess
	default:
		return answerStatus
	}
}
