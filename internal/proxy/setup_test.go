// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-logr/logr/testr"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/healing"
	"github.com/ry-ops/cortex/internal/mcp"
	"github.com/ry-ops/cortex/internal/mcp/mcptest"
	"github.com/ry-ops/cortex/internal/recovery"
	"github.com/ry-ops/cortex/test/steady"
)

// healer stands in for the operator: it tells a step, waits until it is told that the server is well, and says so.
type healer struct {
	mu     sync.Mutex
	well   chan struct{}
	heals  int
	failed string
	began  chan healing.Failure
}

func newHealer() *healer {
	return &healer{well: make(chan struct{}), began: make(chan healing.Failure, 1000)}
}

func (h *healer) Heal(ctx context.Context, failure healing.Failure, progress func(v1alpha1.ProgressEntry)) (healing.Outcome, error) {
	h.mu.Lock()
	h.heals++
	uid := types.UID("heal")
	h.mu.Unlock()
	progress(v1alpha1.ProgressEntry{Message: "Checking pod status..."})
	h.began <- failure
	select {
	case <-h.well:
	case <-ctx.Done():
		return healing.Outcome{}, context.Cause(ctx)
	}
	if h.failed != "" {
		return healing.Outcome{Result: healing.Result{Diagnosis: h.failed, Recommendation: "see to it"}}, nil
	}
	return healing.Outcome{Result: healing.Result{Success: true, FixApplied: "Restarted it"}, Request: "heal-1", UID: uid}, nil
}

func (h *healer) count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.heals
}

// world is a gateway with servers behind it.
type world struct {
	t        testing.TB
	registry *mcp.Registry
	healer   *healer
	proxy    *Proxy
	http     *httptest.Server
	metrics  *prometheus.Registry
	// posts are the requests whose handlers have not returned.
	posts     atomic.Int64
	recoverer *recovery.Recoverer
}

type option func(*Options)

func newWorld(t testing.TB, backends []*mcptest.Backend, options ...option) *world {
	t.Helper()
	return newWorldAt(t, "127.0.0.1:0", backends, options...)
}

func newWorldAt(t testing.TB, address string, backends []*mcptest.Backend, options ...option) *world {
	t.Helper()
	w := &world{t: t, registry: mcp.NewRegistry(mcp.Options{Version: "1"}), healer: newHealer()}
	for _, b := range backends {
		w.registry.OnAdd(b.Service(), false)
	}
	w.startAt(address, options...)
	t.Cleanup(w.registry.Close)
	t.Cleanup(w.stop)
	return w
}

// start makes a gateway, as after a restart.
func (w *world) start(options ...option) { w.startAt("127.0.0.1:0", options...) }

func (w *world) startAt(address string, options ...option) {
	w.metrics = prometheus.NewRegistry()
	w.recoverer = recovery.New(recovery.Options{Healer: w.healer, Metrics: recovery.NewMetrics(w.metrics), Clock: clock.RealClock{}})
	o := Options{
		Servers: w.registry, Registry: w.metrics, Version: "1", Clock: clock.RealClock{}, Log: testr.New(testing.TB(w.t).(*testing.T)),
		Recoverer: w.recoverer,
		Caller:    func(r *http.Request) string { return r.Header.Get("X-Test-Caller") },
	}
	for _, option := range options {
		option(&o)
	}
	w.proxy = New(o)
	mux := http.NewServeMux()
	mux.Handle("/mcp", w.proxy)
	mux.Handle("/mcp/{server}", w.proxy)
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", address)
	if err != nil {
		w.t.Fatal(err)
	}
	w.http = httptest.NewUnstartedServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			w.posts.Add(1)
			defer w.posts.Add(-1)
		}
		mux.ServeHTTP(out, r)
	}))
	_ = w.http.Listener.Close()
	w.http.Listener = listener
	w.http.Start()
}

func (w *world) stop() {
	w.proxy.Drain()
	steady.Stop(w.http)
	w.proxy.Close()
	w.recoverer.Close()
}

// settle waits for what comes after an answer: the one on a stream is read before its call is let go.
func (w *world) settle() {
	w.t.Helper()
	mcptest.Eventually(w.t, "the handlers to return", func() bool { return w.posts.Load() == 0 })
}

// sessions is how many were opened with a server for clients. The registry, which lists tools and looks for a server that comes back, has its
// own.
func (w *world) sessions(server string) int {
	w.t.Helper()
	families, err := w.metrics.Gather()
	if err != nil {
		w.t.Fatal(err)
	}
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			if labels := metric.GetLabel(); family.GetName() == "cortex_gateway_mcp_upstream_sessions_total" && // labels are in order of their names
				labels[0].GetValue() == "opened" && labels[1].GetValue() == server {
				return int(metric.GetCounter().GetValue())
			}
		}
	}
	return 0
}

// connect opens a client's session at a path, in the latest version that has sessions.
func (w *world) connect(path string, options *sdk.ClientOptions) *sdk.ClientSession {
	w.t.Helper()
	return w.connectIn(versions[0], versions[0], path, options)
}

// connectIn has a client ask for a version first, and checks which one it comes to.
func (w *world) connectIn(first, want, path string, options *sdk.ClientOptions) *sdk.ClientSession {
	w.t.Helper()
	session, err := sdk.NewClient(&sdk.Implementation{Name: "test", Version: "1"}, options).Connect(w.t.Context(),
		&sdk.StreamableClientTransport{Endpoint: w.http.URL + path}, &sdk.ClientSessionOptions{ProtocolVersion: first})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = session.Close() })
	if got := session.InitializeResult().ProtocolVersion; got != want {
		w.t.Errorf("the client speaks %s, want %s", got, want)
	}
	return session
}

// inBoth runs a test in the latest version with sessions and in the one without.
func inBoth(t *testing.T, test func(*testing.T, string)) {
	for _, version := range []string{versions[0], stateless} {
		t.Run(version, func(t *testing.T) { test(t, version) })
	}
}

// callTool calls a tool and returns its text.
func callTool(t testing.TB, session *sdk.ClientSession, tool string, arguments map[string]any) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	result, err := session.CallTool(ctx, &sdk.CallToolParams{Name: tool, Arguments: arguments})
	if err != nil {
		return "", err
	}
	text, _ := result.Content[0].(*sdk.TextContent)
	return text.Text, nil
}

// awaitHeld waits until some calls wait for a heal.
func (w *world) awaitHeld(count int) {
	w.t.Helper()
	mcptest.Eventually(w.t, "calls are held", func() bool { return w.proxy.held.calls.Taken() == count })
}
