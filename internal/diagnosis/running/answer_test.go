// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package running

import (
	"testing"
	"unicode/utf8"
)

func TestUnhealthyAnswer(t *testing.T) {
	for message, want := range map[string]struct {
		kind   probeKind
		answer answerKind
	}{
		`Liveness probe failed: Get "http://10.244.0.10:9555/": dial tcp 10.244.0.10:9555: connect: connection refused`:                                                     {liveness, answerUnreached},
		`(combined from similar events): Readiness probe failed: dial tcp 10.244.0.10:6379: connect: connection refused`:                                                    {readiness, answerUnreached},
		`Readiness probe failed: HTTP probe failed with statuscode: 404`:                                                                                                    {readiness, answerNoSuchPath},
		`Readiness probe failed: HTTP probe failed with statuscode: 401`:                                                                                                    {readiness, answerNoAccess},
		`Startup probe failed: HTTP probe failed with statuscode: 503`:                                                                                                      {startup, answerStatus},
		`Liveness probe failed: Get "http://10.244.0.10:9555/": net/http: HTTP/1.x transport connection broken: malformed HTTP status code "\x00\x00\f\x04..Unexpected"`:    {liveness, answerHTTP2},
		`Liveness probe failed: Get "http://10.244.0.10:9555/": net/http: HTTP/1.x transport connection broken: malformed HTTP response "\x00\x00\x06\x04\x00\x00"`:         {liveness, answerHTTP2},
		`Readiness probe failed: Get "http://10.244.0.10:8443/": net/http: HTTP/1.x transport connection broken: malformed HTTP response "\x15\x03\x01\x00\x02\x02"`:        {readiness, answerTLS},
		`Readiness probe failed: Get "https://10.244.0.10:8080/healthz": http: server gave HTTP response to HTTPS client`:                                                   {readiness, answerPlain},
		`Readiness probe failed: Get "https://10.244.0.10:8080/healthz": tls: first record does not look like a TLS handshake`:                                              {readiness, answerPlain},
		`Readiness probe failed: Get "http://10.244.0.10:8080/healthz": context deadline exceeded (Client.Timeout exceeded while awaiting headers)`:                         {readiness, answerLate},
		`Liveness probe failed: timeout: failed to connect service "10.244.0.10:8080" within 1s: context deadline exceeded`:                                                 {liveness, answerUnreached},
		`Liveness probe failed: timeout: failed to connect service "10.244.0.10:8080" within 1s`:                                                                            {liveness, answerUnreached},
		`Readiness probe failed: timeout: health rpc did not complete within 1s`:                                                                                            {readiness, answerLate},
		`Readiness probe failed: error: this server does not implement the grpc health protocol (grpc.health.v1.Health): unknown service grpc.health.v1.Health`:             {readiness, answerNoHealth},
		`Readiness probe failed: service unhealthy (responded with "NOT_SERVING")`:                                                                                          {readiness, answerStatus},
		`Liveness probe failed: error: health rpc probe failed: rpc error: code = Unavailable desc = connection error: desc = "error reading server preface: http2: frame"`: {liveness, answerNotGRPC},
		`Readiness probe errored and resulted in unknown state: rpc error: code = Unknown desc = failed to exec: exec: "pg_isready": executable file not found in $PATH`:    {readiness, answerNoCommand},
		`Liveness probe failed: sh: 1: curl: not found`:                                                                                                                     {liveness, answerNoCommand},
		`Liveness probe failed: /bin/sh: can't open '/healthz.sh': No such file or directory`:                                                                               {liveness, answerNoCommand},
		`Liveness probe failed: command timed out: "sleep 5" timed out after 1s`:                                                                                            {liveness, answerLate},
		`Readiness probe failed: Get "http://health.invalid:80/": dial tcp: lookup health.invalid: no such host`:                                                            {readiness, answerNoHost},
		`Readiness probe failed: ERROR 1040 (HY000): Too many connections`:                                                                                                  {readiness, answerOther},
		`Readiness probe failed: `: {readiness, answerOther},
	} {
		kind, a, ok := unhealthyAnswer(message)
		if !ok || kind != want.kind || a.kind != want.answer {
			t.Errorf("%q: %s %s %t, want %s %s", message, kind, a.kind, ok, want.kind, want.answer)
		}
	}
	for _, message := range []string{"Readiness probe warning: Probe terminated redirects", "Back-off restarting failed container", ""} {
		if _, _, ok := unhealthyAnswer(message); ok {
			t.Errorf("%q is taken for a failed probe", message)
		}
	}
}

func FuzzUnhealthyAnswer(f *testing.F) {
	for _, message := range []string{
		`Liveness probe failed: Get "http://10.244.0.10:9555/": dial tcp 10.244.0.10:9555: connect: connection refused`,
		`(combined from similar events): Readiness probe failed: HTTP probe failed with statuscode: 404`,
		`Startup probe errored and resulted in unknown state: exec: "x": executable file not found in $PATH`, "Readiness probe failed: \x00",
	} {
		f.Add(message)
	}
	f.Fuzz(func(t *testing.T, message string) {
		kind, a, ok := unhealthyAnswer(message)
		if ok && (kind != liveness && kind != readiness && kind != startup || a.kind == answerNone || len(a.text) > len(message)) {
			t.Errorf("%q: %s %+v", message, kind, a)
		}
		if utf8.ValidString(message) && !utf8.ValidString(a.text) {
			t.Errorf("%q: the text is broken: %q", message, a.text)
		}
	})
}

func TestParseProbers(t *testing.T) {
	const value = `{"/app-health/mcp/livez":{"httpGet":{"path":"/healthz","port":3000,"scheme":"HTTP"},"timeoutSeconds":1},"/app-health/mcp/readyz":{"grpc":{"port":9555,"service":""}}}`
	if got, ok := parseProbers(value, "/app-health/mcp/livez"); !ok || got.HTTPGet.Port.IntVal != 3000 || got.HTTPGet.Path != "/healthz" {
		t.Errorf("%+v %t", got, ok)
	}
	if got, ok := parseProbers(value, "/app-health/mcp/readyz"); !ok || got.GRPC.Port != 9555 {
		t.Errorf("%+v %t", got, ok)
	}
	for _, broken := range []string{"", "{", "[]", `{"/app-health/mcp/livez":{}}`, `{"/app-health/other/livez":{"httpGet":{"port":1}}}`} {
		if got, ok := parseProbers(broken, "/app-health/mcp/livez"); ok {
			t.Errorf("%q: %+v", broken, got)
		}
	}
}

func FuzzParseProbers(f *testing.F) {
	f.Add(`{"/app-health/mcp/livez":{"httpGet":{"path":"/healthz","port":3000}}}`)
	f.Fuzz(func(t *testing.T, value string) {
		if got, ok := parseProbers(value, "/app-health/mcp/livez"); ok && got.HTTPGet == nil && got.GRPC == nil && got.TCPSocket == nil {
			t.Errorf("%q asks nothing", value)
		}
	})
}

// unhealthyAnswer reads and classifies the message of an event Unhealthy.
func unhealthyAnswer(message string) (kind probeKind, a answer, ok bool) {
	kind, text, ok := unhealthyProbe(message)
	if !ok {
		return "", answer{}, false
	}
	return kind, classify(text), true
}
