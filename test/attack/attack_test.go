// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package attack_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/test/standalone"
)

const body = `{"query": "list sandfly hosts"}`

// TestTheGateway attacks one process with all there is, one after the other: an API server takes seconds to start. The last
// attack takes the API server away.
func TestTheGateway(t *testing.T) {
	g := start(t)
	routines := g.metric(t, "go_goroutines")
	t.Run("callers", func(t *testing.T) { callers(t, g) })
	t.Run("requests", func(t *testing.T) { requests(t, g) })
	t.Run("slow", func(t *testing.T) { slow(t, g) })
	t.Run("idle", func(t *testing.T) { idle(t, g) })
	t.Run("slowhttptest", func(t *testing.T) { slowhttptest(t, g) })
	t.Run("afterwards", func(t *testing.T) {
		http.DefaultClient.CloseIdleConnections()
		standalone.Eventually(t, "what the attacks began to end", func() error {
			if now := g.metric(t, "go_goroutines"); now > routines+20 {
				return fmt.Errorf("%.0f goroutines, and %.0f before", now, routines)
			}
			return nil
		})
		if used := g.metric(t, "process_resident_memory_bytes"); used > 200<<20 {
			t.Errorf("%.0f MiB", used/(1<<20))
		}
	})
	t.Run("without the API server", func(t *testing.T) { away(t, g) })
}

// callers: real tokens, reviewed by a real API server and its RBAC.
func callers(t *testing.T, g *gateway) {
	for name, tc := range map[string]struct {
		token  string
		status int
		told   string
	}{
		"who may":            {g.alice, 200, "takes part in no heal"},
		"who may not":        {g.bob, 403, "--clusterrole=cortex-mcp-user --serviceaccount=default:bob"},
		"nobody":             {"", 401, "kubectl create token SERVICEACCOUNT -n NAMESPACE --audience=cortex"},
		"the cluster's own":  {g.token(t, namespace, "alice"), 401, "is for another audience"},
		"another's audience": {g.token(t, namespace, "alice", "vault"), 401, "is for another audience"},
		"made up":            {"eyJhbGciOiJub25lIn0.eyJzdWIiOiJzeXN0ZW06YWRtaW4iLCJhdWQiOiJjb3J0ZXgifQ.", 401, "is not valid"},
		"spoiled":            {g.alice[:len(g.alice)-4] + "AAAA", 401, "is not valid"},
	} {
		t.Run(name, func(t *testing.T) {
			status, text := g.ask(t, tc.token)
			if status != tc.status || status != 200 && !strings.Contains(text, tc.told) {
				t.Errorf("%d %s", status, text)
			}
		})
	}
	var heals v1alpha1.HealingRequestList
	standalone.Must(t, g.admin.List(t.Context(), &heals, client.InNamespace(namespace)))
	if len(heals.Items) != 1 || heals.Items[0].Spec.RequestedBy != "system:serviceaccount:cortex-system:alice" {
		t.Errorf("the caller is not on the one HealingRequest: %+v", heals.Items)
	}
}

// requests that no client makes: each gets an answer of its own fault, and nothing of it gets anywhere.
func requests(t *testing.T, g *gateway) {
	post := func(headers, body string) string {
		return fmt.Sprintf("POST /api/tasks HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n%s\r\n%s", g.alice, len(body), headers, body)
	}
	rpc := func(body string) string {
		return fmt.Sprintf("POST /mcp HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nAccept: application/json, text/event-stream\r\nContent-Length: %d\r\n\r\n%s", g.alice, len(body), body)
	}
	for name, tc := range map[string]struct {
		request string
		want    []int
	}{
		"a header of 64 KiB":           {post("X-Long: "+strings.Repeat("a", 64<<10)+"\r\n", body), []int{431}},
		"ten thousand headers":         {post(strings.Repeat("X-A: b\r\n", 10000), body), []int{431}},
		"a body of 1 MiB":              {post("", `{"query": "`+strings.Repeat("a", 1<<20)+`"}`), []int{413}},
		"an address of 64 KiB":         {"GET /" + strings.Repeat("a", 64<<10) + " HTTP/1.1\r\nHost: localhost\r\n\r\n", []int{414, 431}},
		"broken JSON":                  {post("", `{"query": `), []int{400}},
		"JSON 60 thousand levels deep": {post("", strings.Repeat("[", 60000)), []int{400}},
		"a query that is no text":      {post("", `{"query": {"$gt": ""}}`), []int{400}},
		"no UTF-8":                     {post("", "{\"query\": \"\xff\xfe\"}"), []int{200, 400}},
		"JSON-RPC: no JSON":            {rpc(`{"jsonrpc": `), []int{400}},
		"JSON-RPC: a number":           {rpc(`7`), []int{400}},
		"JSON-RPC: a deep batch":       {rpc(strings.Repeat("[", 60000)), []int{400}},
		"JSON-RPC: an id of an object": {rpc(`{"jsonrpc":"2.0","id":{},"method":"tools/list"}`), []int{400}},
		"two Authorization headers":    {post("Authorization: Bearer "+g.bob+"\r\n", body), []int{400}},
		"a token in the address":       {"GET /api/tasks?access_token=" + g.alice + " HTTP/1.1\r\nHost: localhost\r\n\r\n", []int{400}},
		"no Host":                      {"GET /healthz HTTP/1.1\r\n\r\n", []int{400}},
		"two Hosts":                    {"GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n", []int{400}},
		"the name of a page":           {"GET /healthz HTTP/1.1\r\nHost: rebound.example\r\n\r\n", []int{403}},
		"a preflight":                  {"OPTIONS /api/tasks HTTP/1.1\r\nHost: localhost\r\nOrigin: https://evil.example\r\nAccess-Control-Request-Method: POST\r\n\r\n", []int{403}},
		"a form of a page":             {post("Origin: https://evil.example\r\n", body), []int{403}},
		"two lengths":                  {post("Content-Length: 5\r\n", body), []int{400}},
		"a length and chunks":          {post("Transfer-Encoding: chunked\r\n", body), []int{400}},
		"chunks of chunks":             {post("Transfer-Encoding: chunked, chunked\r\n", body), []int{400, 501}},
		"a negative length":            {"POST /api/tasks HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n", []int{400}},
		"a header with a space":        {post("X Key: a\r\n", body), []int{400}},
		"a header with a NUL":          {post("X-Key: a\x00b\r\n", body), []int{400}},
		"a header with no name":        {post(": a\r\n", body), []int{400}},
		"a folded header":              {post("X-Key: a\r\n Authorization: Bearer "+g.bob+"\r\n", body), []int{200, 400}},
		"another protocol":             {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", []int{0, 400, 403, 404, 405, 505}},
		"no HTTP at all":               {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", []int{0, 400}},
		"out of the folder":            {"GET /../../../../etc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n", []int{307, 301, 400, 404}},
		"out of it, hidden":            {"GET /%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n", []int{307, 301, 400, 404}},
		"around the guard":             {"POST /mcp/../api/tasks HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n", []int{401}},
		"around it, hidden":            {"POST /healthz/%2e%2e/api/tasks HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n", []int{401, 404}},
		"the profiler":                 {"GET /debug/pprof/ HTTP/1.1\r\nHost: localhost\r\n\r\n", []int{404}},
	} {
		t.Run(name, func(t *testing.T) {
			status, header := g.send(t, tc.request)
			expected := false
			for _, want := range tc.want {
				expected = expected || status == want
			}
			if !expected {
				t.Errorf("%d, want %v", status, tc.want)
			}
			for name := range header {
				if strings.HasPrefix(name, "Access-Control-") {
					t.Errorf("%s: %q", name, header.Get(name))
				}
			}
			standalone.Must(t, g.Ready(t.Context()))
		})
	}
}

// slow: a connection that has no whole request to show for itself is closed.
func slow(t *testing.T, g *gateway) {
	for name, begin := range map[string]string{
		"nothing at all":         "",
		"half a request line":    "POST /api/ta",
		"headers without an end": "POST /api/tasks HTTP/1.1\r\nHost: localhost\r\nX-A: b\r\n",
		"a body, by nobody":      "POST /api/tasks HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{",
		"a body, by alice":       "POST /api/tasks HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + g.alice + "\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{",
		"a message, by alice":    "POST /mcp HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + g.alice + "\r\nContent-Type: application/json\r\nAccept: application/json, text/event-stream\r\nContent-Length: 1000\r\n\r\n{",
		"chunks, by nobody":      "POST /mcp HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn := g.dial(t)
			_, err := io.WriteString(conn, begin)
			standalone.Must(t, err)
			began := time.Now()
			if _, err := io.Copy(io.Discard, conn); isTimeout(err) {
				t.Errorf("still open after %s", time.Since(began))
			}
		})
	}
}

// idle: many connections that say nothing hold nobody up, and are closed.
func idle(t *testing.T, g *gateway) {
	const many = 1000
	conns := make([]net.Conn, many)
	for i := range conns {
		conns[i] = g.dial(t)
	}
	standalone.Must(t, g.Ready(t.Context()))
	if status, text := g.ask(t, g.alice); status != http.StatusOK {
		t.Errorf("%d %s", status, text)
	}
	open := 0
	for _, conn := range conns {
		if _, err := conn.Read(make([]byte, 1)); isTimeout(err) {
			open++
		}
	}
	if open > 0 {
		t.Errorf("%d of %d are still open", open, many)
	}
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}

// slowhttptest runs the four attacks of that program, with a person's probe beside them.
func slowhttptest(t *testing.T, g *gateway) {
	program, err := exec.LookPath("slowhttptest")
	if err != nil {
		t.Skip("slowhttptest is not installed: hack/slowhttptest.sh installs it on Debian, as root")
	}
	common := []string{"-c", "300", "-r", "300", "-i", "1", "-l", "8", "-p", "3"}
	for name, attack := range map[string][]string{
		"slow headers": {"-H", "-t", "GET", "-x", "24", "-u", g.URL("/api/tasks")},
		"slow body":    {"-B", "-t", "POST", "-s", "8192", "-x", "10", "-u", g.URL("/api/tasks")},
		"ranges":       {"-R", "-t", "HEAD", "-a", "10", "-b", "3000", "-u", g.URL("/healthz")},
		"slow reading": {"-X", "-w", "8", "-y", "16", "-n", "1", "-z", "8", "-k", "3", "-u", g.URL("/metrics")},
		"slow page":    {"-X", "-w", "8", "-y", "16", "-n", "1", "-z", "8", "-k", "3", "-u", g.URL("/")},
	} {
		t.Run(name, func(t *testing.T) {
			attacking := exec.CommandContext(t.Context(), program, append(append([]string{}, common...), attack...)...)
			over := make(chan struct{})
			var said []byte
			go func() {
				defer close(over)
				said, err = attacking.CombinedOutput()
			}()
			probes, failed := 0, error(nil)
			for again := time.NewTicker(200 * time.Millisecond); ; {
				select {
				case <-again.C:
					probes++
					failed = errors.Join(failed, g.Ready(t.Context()))
					continue
				case <-over:
				}
				again.Stop()
				break
			}
			plain := regexp.MustCompile(`\x1b\[[0-9;]*m`).ReplaceAllString(string(said), "")
			if failed != nil || probes == 0 {
				t.Errorf("of %d probes some failed: %v", probes, failed)
			}
			if !regexp.MustCompile(`service available:\s+YES`).MatchString(plain) {
				t.Errorf("%v: %s", err, plain[max(0, len(plain)-1500):])
			}
		})
	}
}

// away: who was known a moment ago is let in, and nobody else, until there is somebody to ask. Carol is known from here alone: what is
// remembered of those who have asked before may be of any age.
func away(t *testing.T, g *gateway) {
	if status, text := g.ask(t, g.carol); status != http.StatusOK {
		t.Fatalf("%d %s", status, text)
	}
	unknown := g.token(t, namespace, "carol", "cortex")
	g.cut()
	if status, text := g.ask(t, g.carol); status != http.StatusOK {
		t.Errorf("%d %s", status, text)
	}
	if status, text := g.ask(t, unknown); status != http.StatusServiceUnavailable || !strings.Contains(text, "who you are could not be found out, so nothing was done") {
		t.Errorf("%d %s", status, text)
	}
	if status, _ := g.ask(t, ""); status != http.StatusUnauthorized {
		t.Errorf("%d", status)
	}
}
