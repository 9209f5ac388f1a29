// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package mcpserver_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/mcpserver"
	"github.com/ry-ops/cortex/test/steady"
)

var _ mcpserver.Prober = mcpserver.MCPProber{}

func TestProbePasses(t *testing.T) {
	cases := map[string]struct {
		options mcp.StreamableHTTPOptions
		says    string
	}{
		"a server with sessions":    {sessions, `^answered initialize and ping as sandfly-mcp-server 1\.0 in \S+s$`},
		"a server without sessions": {stateless, `^answered server/discover as sandfly-mcp-server 1\.0 in \S+s$`},
		"plain JSON":                {plainJSON, `^answered server/discover as sandfly-mcp-server 1\.0 in \S+s$`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s := newServer(t, c.options, "", nil)
			got := mcpserver.MCPProber{}.Probe(t.Context(), s.endpoint())
			want := mcpserver.Result{Verdict: v1alpha1.VerdictPassed, Accepted: true}
			expect(t, got, want, c.says)
		})
	}
}

func TestProbeFails(t *testing.T) {
	const jsonType = "application/json"
	page := answer(200, "text/html", "<h1>Welcome to nginx</h1>")
	cases := map[string]struct {
		method string
		fault  http.HandlerFunc
		class  v1alpha1.ErrorClass
		says   string
	}{
		"hangs":                     {"server/discover", hang, v1alpha1.ErrorTimeout, `^connection accepted, no answer in \S+s$`},
		"hangs at initialize":       {"initialize", hang, v1alpha1.ErrorTimeout, `^connection accepted, no answer in \S+s$`},
		"hangs at the notification": {"notifications/initialized", hang, v1alpha1.ErrorTimeout, `^connection accepted, no answer`},
		"hangs at ping":             {"ping", hang, v1alpha1.ErrorTimeout, `^connection accepted, no answer in \S+s$`},
		"hangs in the body":         {"initialize", hangInBody(jsonType), v1alpha1.ErrorTimeout, `^connection accepted, no answer`},
		"503":                       {"initialize", answer(503, "", ""), v1alpha1.ErrorUnavailable, `^answered HTTP 503 Service Unavailable$`},
		"503 at ping":               {"ping", answer(503, "", ""), v1alpha1.ErrorUnavailable, `^answered HTTP 503 Service Unavailable$`},
		"reset":                     {"initialize", cut, v1alpha1.ErrorUnavailable, `^connection accepted and closed again without an answer$`},
		"a session lost at once":    {"ping", answer(404, "", ""), v1alpha1.ErrorSessionLost, `^opened a session and did not know it any more`},
		"a web page":                {"initialize", page, v1alpha1.ErrorProtocol, `^answered, but not as an MCP server: .*text/html`},
		"an SSH server":             {"initialize", notHTTP, v1alpha1.ErrorProtocol, `^answered, but not as an MCP server: .*SSH-2.0`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, sessions, c.method, c.fault)
			ctx, late := steady.Overdue(t.Context())
			if c.class == v1alpha1.ErrorTimeout {
				s.late = late
			}
			got := mcpserver.MCPProber{Timeout: patience}.Probe(ctx, s.endpoint())
			expect(t, got, mcpserver.Result{Verdict: v1alpha1.VerdictFailed, Class: c.class, Accepted: true}, c.says)
		})
	}
}

// TestProbeOfEverythingBroken: a server whose every request meets the same fault, as a real one does.
func TestProbeOfEverythingBroken(t *testing.T) {
	cases := map[string]struct {
		handler http.HandlerFunc
		class   v1alpha1.ErrorClass
	}{
		"hangs":      {hang, v1alpha1.ErrorTimeout},
		"503":        {answer(503, "", ""), v1alpha1.ErrorUnavailable},
		"reset":      {cut, v1alpha1.ErrorUnavailable},
		"a web page": {answer(200, "text/html", ""), v1alpha1.ErrorProtocol},
		"404":        {http.NotFound, v1alpha1.ErrorProtocol},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, late := steady.Overdue(t.Context())
			broken := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if c.class == v1alpha1.ErrorTimeout {
					late()
				}
				c.handler(w, r)
			}))
			t.Cleanup(func() { steady.Stop(broken) })
			got := mcpserver.MCPProber{Timeout: patience}.Probe(ctx, mcpserver.Endpoint{URL: broken.URL + "/mcp"})
			expect(t, got, mcpserver.Result{Verdict: v1alpha1.VerdictFailed, Class: c.class, Accepted: true}, ``)
		})
	}
}

// TestProbeReturnsInTime: a server that hangs after it has opened a session hangs at its end as well, and the SDK waits
// 5 s for that.
func TestProbeReturnsInTime(t *testing.T) {
	stuck := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Mcp-Session-Id") == "" {
			w.Header().Set("Mcp-Session-Id", "abc")
			hangInBody("application/json")(w, r)
			return
		}
		hang(w, r)
	}))
	t.Cleanup(func() { steady.Stop(stuck) })
	got := mcpserver.MCPProber{Timeout: 2 * time.Second}.Probe(t.Context(), mcpserver.Endpoint{URL: stuck.URL})
	expect(t, got, mcpserver.Result{Verdict: v1alpha1.VerdictFailed, Class: v1alpha1.ErrorTimeout, Accepted: true}, ``)
	if got.Took >= (2+5)*time.Second {
		t.Errorf("took %s with a timeout of 2s", got.Took)
	}
}

func TestProbeRefused(t *testing.T) {
	endpoint := mcpserver.Endpoint{URL: "http://" + steady.Port(t) + "/mcp"}
	got := mcpserver.MCPProber{}.Probe(t.Context(), endpoint)
	expect(t, got, mcpserver.Result{Verdict: v1alpha1.VerdictFailed, Class: v1alpha1.ErrorConnectionRefused}, `^connection refused$`)
}

func TestProbeCanceled(t *testing.T) {
	s := newServer(t, sessions, "server/discover", hang)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		await(t, "the probe to arrive", func() bool { return s.requests.Load() == 1 })
		cancel()
	}()
	got := mcpserver.MCPProber{}.Probe(ctx, s.endpoint())
	expect(t, got, mcpserver.Result{Verdict: v1alpha1.VerdictUnknown, Class: v1alpha1.ErrorCanceled, Accepted: true}, `^given up after`)
}

// TestProbeInvalidEndpoint: what cannot be asked is a Result as well, and no panic.
func TestProbeInvalidEndpoint(t *testing.T) {
	for _, url := range []string{"", "http://", "gopher://x", "http://[::1/mcp", "%"} {
		got := mcpserver.MCPProber{}.Probe(t.Context(), mcpserver.Endpoint{URL: url})
		if got.Verdict != v1alpha1.VerdictFailed || got.Message == "" {
			t.Errorf("%q: %+v", url, got)
		}
	}
}

// TestProbeLeavesNothing: no connection and no session, and all its requests went through one connection.
func TestProbeLeavesNothing(t *testing.T) {
	s := newServer(t, sessions, "", nil)
	var (
		mu     sync.Mutex
		open   = map[net.Conn]bool{}
		opened atomic.Int32
		ended  atomic.Int32
	)
	recorded := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodDelete {
			ended.Add(1)
		}
		s.ServeHTTP(w, r)
		if w.Header().Get("Content-Type") == "text/event-stream" {
			// The end of a stream comes a little after its last message, as over a network.
			<-time.After(5 * time.Millisecond)
		}
	}))
	recorded.Config.ConnState = func(connection net.Conn, state http.ConnState) {
		mu.Lock()
		defer mu.Unlock()
		switch state {
		case http.StateNew:
			opened.Add(1)
			open[connection] = true
		case http.StateClosed:
			delete(open, connection)
		}
	}
	recorded.Start()
	t.Cleanup(recorded.Close)

	got := mcpserver.MCPProber{}.Probe(t.Context(), mcpserver.Endpoint{URL: recorded.URL + "/mcp", Host: "x.y.svc:3000"})
	expect(t, got, mcpserver.Result{Verdict: v1alpha1.VerdictPassed, Accepted: true}, ``)
	await(t, "the session to be closed", func() bool { return ended.Load() == 1 })
	await(t, "the connection to be closed", func() bool { mu.Lock(); defer mu.Unlock(); return len(open) == 0 })
	if n := opened.Load(); n != 1 {
		t.Errorf("%d connections, want 1: behind a Service, another pod would not know the session", n)
	}
}

// TestProbeCleansForeignText: the server's name is its own choice.
func TestProbeCleansForeignText(t *testing.T) {
	long := mcp.NewServer(&mcp.Implementation{Name: "evil\x1b[2J\n\u202e" + string(make([]byte, 4096)) + longText, Version: longText}, nil)
	handler := mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return long }, nil)
	evil := httptest.NewServer(handler)
	t.Cleanup(evil.Close)
	got := mcpserver.MCPProber{}.Probe(t.Context(), mcpserver.Endpoint{URL: evil.URL + "/mcp"})
	expect(t, got, mcpserver.Result{Verdict: v1alpha1.VerdictPassed, Accepted: true}, `^answered initialize and ping as evil x+\.\.\. x+\.\.\. in`)
	if n := len([]rune(got.Message)); n > 256 {
		t.Errorf("the message has %d characters", n)
	}
}

var longText = func() string {
	text := make([]byte, 1000)
	for i := range text {
		text[i] = 'x'
	}
	return string(text)
}()

func expect(t *testing.T, got, want mcpserver.Result, says string) {
	t.Helper()
	if got.Verdict != want.Verdict || got.Class != want.Class || got.Accepted != want.Accepted {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if !regexp.MustCompile(says).MatchString(got.Message) {
		t.Errorf("the message is %q, want %s", got.Message, says)
	}
	if got.Took <= 0 {
		t.Error("took no time")
	}
}

// BenchmarkProbe is the price of a handshake with a healthy server on loopback.
func BenchmarkProbe(b *testing.B) {
	for name, options := range map[string]*mcp.StreamableHTTPOptions{"sessions": {}, "stateless": {Stateless: true}} {
		b.Run(name, func(b *testing.B) {
			server := mcp.NewServer(&mcp.Implementation{Name: "bench", Version: "1"}, nil)
			healthy := httptest.NewServer(mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server }, options))
			b.Cleanup(healthy.Close)
			for b.Loop() {
				if got := (mcpserver.MCPProber{}).Probe(b.Context(), mcpserver.Endpoint{URL: healthy.URL}); got.Verdict != v1alpha1.VerdictPassed {
					b.Fatalf("%+v", got)
				}
			}
		})
	}
}
