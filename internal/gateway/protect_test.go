// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package gateway_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/ry-ops/cortex/internal/auth"
	"github.com/ry-ops/cortex/internal/chat"
	"github.com/ry-ops/cortex/internal/gateway"
)

// closed refuses whoever does not say that they are alice.
func closed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer alice" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r.WithContext(auth.NewContext(r.Context(), auth.User{Name: "alice\x1b[2J"})))
	})
}

// raw writes a request byte by byte as it is given, and gives the status line and headers of the answer.
func raw(t *testing.T, url, request string) *http.Response {
	t.Helper()
	conn := dial(t, url)
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	return answerOn(t, conn)
}

func dial(t *testing.T, url string) net.Conn {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	return conn
}

func answerOn(t *testing.T, conn net.Conn) *http.Response {
	t.Helper()
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = response.Body.Close() })
	return response
}

// TestEveryOtherRouteIsGuarded: by whatever spelling it is reached.
func TestEveryOtherRouteIsGuarded(t *testing.T) {
	l := &loop{body: echo}
	o := options(t, l)
	o.Guard = closed
	url, _ := serve(t, o)
	const body = `{"query": "q"}`
	for request, want := range map[string]int{
		"GET /healthz": 200, "GET /readyz": 200, "GET /metrics": 200,
		"POST /api/tasks": 401, "GET /api/tasks": 401, "OPTIONS /api/tasks": 401, "BREW /api/tasks": 401,
		"POST /mcp/../api/tasks": 401, "POST //api/tasks": 401, "POST /healthz/../api/tasks": 401, "POST /./api//tasks": 401,
		"POST /%61pi/tasks": 401, "POST /api/%74asks": 401, "POST /api/tasks?": 401, "POST http://x/api/tasks": 401,
		"POST /api%2Ftasks": 404, "POST /api/tasks/": 404, "POST /API/tasks": 404, "POST /healthz/api/tasks": 404, "POST /..%2fapi/tasks": 404,
		"CONNECT /api/tasks": 401, "CONNECT /x/../api/tasks": 404,
	} {
		response := raw(t, url, fmt.Sprintf("%s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", request, len(body), body)) //nolint:bodyclose // the connection is closed at the end of the test
		if response.StatusCode != want {
			t.Errorf("%s: %d, want %d", request, response.StatusCode, want)
		}
		for header, want := range map[string]string{"Content-Security-Policy": "default-src 'none'; script-src 'self';", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"} {
			if !strings.HasPrefix(response.Header.Get(header), want) {
				t.Errorf("%s: %s is %q", request, header, response.Header.Get(header))
			}
		}
		if csp := response.Header.Get("Content-Security-Policy"); strings.Contains(csp, "unsafe") || strings.Contains(csp, "*") {
			t.Error(csp)
		}
	}
	if l.runs.Load() != 0 {
		t.Errorf("%d tasks ran", l.runs.Load())
	}
}

// TestTheCallerIsNamed: on what a task has healed, and cleaned.
func TestTheCallerIsNamed(t *testing.T) {
	asked := make(chan string, 2)
	o := options(t, nil)
	o.Loop = named{asked}
	open, _ := serve(t, o)
	ask(t, open, "q", false)
	o = options(t, nil)
	o.Loop, o.Guard = named{asked}, closed
	guarded, _ := serve(t, o)
	const body = `{"query": "q"}`
	raw(t, guarded, fmt.Sprintf("POST /api/tasks HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer alice\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body)) //nolint:bodyclose // the connection is closed at the end of the test
	if first, second := <-asked, <-asked; first != "" || !strings.HasPrefix(second, "alice#") || strings.Contains(second, "\x1b") {
		t.Errorf("%q, %q", first, second)
	}
}

type named struct{ asked chan string }

func (n named) Run(_ context.Context, query chat.Query, _ func(chat.Event)) *chat.Outcome {
	n.asked <- query.RequestedBy
	return &chat.Outcome{Status: chat.StatusCompleted}
}

// TestPagesOfOtherSites: what they make a browser send is refused, whatever the method, and nothing allows them to read.
func TestPagesOfOtherSites(t *testing.T) {
	l := &loop{body: echo}
	url, _ := serve(t, options(t, l))
	for headers, want := range map[string]int{
		"Origin: https://evil.example":                   403,
		"Origin: null":                                   403,
		"Origin: http://x.evil.example":                  403,
		"Origin: http://x:1":                             403,
		"Sec-Fetch-Site: cross-site":                     403,
		"Sec-Fetch-Site: same-site":                      403,
		"Sec-Fetch-Site: cross-site\r\nOrigin: http://x": 403,
		"Origin: http://x":                               200,
		"Sec-Fetch-Site: same-origin":                    200,
		"X-Nothing: of a browser":                        200,
		"Origin: https://evil.example\r\nAccess-Control-Request-Method: POST": 403,
	} {
		for _, method := range []string{"POST", "GET", "OPTIONS"} {
			const body = `{"query": "q"}`
			response := raw(t, url, fmt.Sprintf("%s /api/tasks HTTP/1.1\r\nHost: x\r\n%s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", method, headers, len(body), body)) //nolint:bodyclose // the connection is closed at the end of the test
			expected := want
			if method != "POST" && want == 200 {
				expected = 405
			}
			if response.StatusCode != expected {
				t.Errorf("%s with %q: %d, want %d", method, headers, response.StatusCode, expected)
			}
			for name := range response.Header {
				if strings.HasPrefix(name, "Access-Control-") {
					t.Errorf("%s: %s", headers, name)
				}
			}
		}
	}
	if l.runs.Load() != 3 {
		t.Errorf("%d tasks ran", l.runs.Load())
	}
}

// TestRebinding: a page whose own name leads to loopback says so in Host.
func TestRebinding(t *testing.T) {
	o := options(t, &loop{body: echo})
	o.LocalOnly = true
	url, _ := serve(t, o)
	for host, want := range map[string]int{
		"localhost:8000": 200, "LOCALHOST": 200, "127.0.0.1:8000": 200, "[::1]:8000": 200, "127.1.2.3": 200,
		"evil.example": 403, "evil.example:8000": 403, "localhost.evil.example": 403, "127.0.0.1.evil.example": 403, "10.0.0.1": 403, "": 403,
	} {
		if response := raw(t, url, "GET /healthz HTTP/1.1\r\nHost: "+host+"\r\n\r\n"); response.StatusCode != want { //nolint:bodyclose // the connection is closed at the end of the test
			t.Errorf("%q: %d, want %d", host, response.StatusCode, want)
		}
	}
}

// TestBodiesThatDoNotCome: neither who is let in nor who is refused can hold a connection by a body that trickles.
func TestBodiesThatDoNotCome(t *testing.T) {
	for name, tc := range map[string]struct {
		guard func(http.Handler) http.Handler
		head  string
	}{
		"who is refused":     {closed, "Content-Length: 100"},
		"who is let in":      {nil, "Content-Length: 100"},
		"in chunks":          {closed, "Transfer-Encoding: chunked"},
		"too long a body":    {nil, "Content-Length: 1000000"},
		"a route of nothing": {nil, "Content-Length: 100\r\nX-Path: no"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := options(t, &loop{body: echo})
			o.Guard, o.BodyTimeout = tc.guard, 100*time.Millisecond
			url, _ := serve(t, o)
			path := "/api/tasks"
			if strings.Contains(tc.head, "X-Path") {
				path = "/nothing"
			}
			conn := dial(t, url)
			if _, err := io.WriteString(conn, "POST "+path+" HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"+tc.head+"\r\n\r\n"); err != nil {
				t.Fatal(err)
			}
			// Whatever the answer, the connection ends long before the deadline.
			if _, err := io.Copy(io.Discard, conn); err != nil && !strings.Contains(err.Error(), "reset") {
				t.Error(err)
			}
		})
	}
}

// TestABodyThatCameLeavesTheStreamAlone: the deadline is of the body, and not of the answer.
func TestABodyThatCameLeavesTheStreamAlone(t *testing.T) {
	o := options(t, &loop{body: func(ctx context.Context, query string, _ func(chat.Event)) (chat.Status, string) {
		select {
		case <-time.After(3 * time.Second):
			return chat.StatusCompleted, query
		case <-ctx.Done():
			return chat.StatusFailed, context.Cause(ctx).Error()
		}
	}})
	o.BodyTimeout = 2 * time.Second
	url, _ := serve(t, o)
	if answer := read(t, ask(t, url, "patience", true).body); !strings.Contains(answer, `"status":"completed"`) {
		t.Error(answer)
	}
}

var _ gateway.Loop = named{}
