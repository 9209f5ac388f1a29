// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/clock"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/healing"
	"github.com/ry-ops/cortex/internal/mcp"
	"github.com/ry-ops/cortex/internal/mcpserver"
	"github.com/ry-ops/cortex/internal/proxy"
	passing "github.com/ry-ops/cortex/internal/proxy/wire"
	"github.com/ry-ops/cortex/internal/recovery"
	"github.com/ry-ops/cortex/test/steady"
)

// TestEveryFailureIsTheSameByMCP makes the rows of the table happen to a client of /mcp, which passes bytes, and expects the same of
// each as TestEveryFailureIsProduced does of the chat's way.
func TestEveryFailureIsTheSameByMCP(t *testing.T) {
	mcpserver.AllowLoopback()
	met := &produced{reasons: map[mcpserver.Reason]bool{
		// Services are asked in plain HTTP, so no handshake can fail; internal/proxy panics in a test of its own; and what nothing
		// explains cannot be had on purpose.
		mcpserver.BadTLS: true, mcpserver.Panicked: true, mcpserver.Unexplained: true,
	}}
	for _, c := range onTheWire {
		t.Run(c.fault, func(t *testing.T) {
			s := newSample(t, "sandfly", true)
			w := s.behind(t, c.reason)
			got := w.breaks(t, s, c.fault)
			for range 5 {
				if got.Error == nil || got.Error.Data == nil || got.Error.Data.Reason != mcpserver.SessionTimeout {
					break
				}
				// What runs in the background met the fault first, and ended the session: from the start.
				s.breakWith(t, "none")
				w.end()
				w = s.behind(t, c.reason)
				got = w.breaks(t, s, c.fault)
			}
			told := w.expect(t, met, c.reason, got)
			if c.reason == mcpserver.RateLimited && told.RetryAfter != 1 {
				t.Errorf("Retry-After is lost: %+v", told)
			}
		})
	}
	t.Run("at the connection", met.atTheConnectionByMCP)
	t.Run("of the session", met.ofTheSessionByMCP)
	t.Run("of the tool", met.ofTheToolByMCP)
	t.Run("of the name", met.ofTheNameByMCP)
	t.Run("a server that speaks TLS", func(t *testing.T) {
		server := httptest.NewUnstartedServer(http.NotFoundHandler())
		server.Config.ErrorLog = log.New(io.Discard, "", 0)
		server.StartTLS()
		t.Cleanup(server.Close)
		newGateway(t, service(t, server.URL), mcpserver.TLSWanted).unopened(t, met, mcpserver.TLSWanted)
	})
	t.Run("the caller leaves", func(t *testing.T) {
		s := newSample(t, "sandfly", true)
		w := s.behind(t, mcpserver.Canceled)
		w.works(t)
		s.breakWith(t, "hang")
		ctx, leave := context.WithTimeout(t.Context(), 2*time.Second) // by then the server has the call
		defer leave()
		if _, err := w.post(ctx, `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"list_hosts"}}`); err == nil {
			t.Fatal("it was answered")
		}
		w.eventually(t, w.canceled)
		if len(w.healer) != 0 {
			t.Error("a heal was asked for")
		}
		met.reasons[mcpserver.Canceled] = true
	})
	met.all(t)
}

func (p *produced) atTheConnectionByMCP(t *testing.T) {
	s := newSample(t, "sandfly", true)
	w := s.behind(t, mcpserver.Refused)
	w.works(t)
	_ = s.Config.Close()
	w.fails(t, p, mcpserver.Refused)
	metadata := service(t, "http://169.254.169.254:80")
	newGateway(t, metadata, mcpserver.AddressRefused).unopened(t, p, mcpserver.AddressRefused)
	for reason, errno := range ofTheKernel {
		pool := &passing.Pool{Dial: func(context.Context) (net.Conn, error) {
			return nil, &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", errno)}
		}}
		_, err := pool.Do(t.Context(), passing.Request{Head: []byte("POST / HTTP/1.1\r\n")})
		p.expect(t, err, reason)
	}
}

func (p *produced) ofTheSessionByMCP(t *testing.T) {
	for fault, reason := range map[string]mcpserver.Reason{"lose-session": mcpserver.SessionLost, "hang": mcpserver.SessionTimeout, "stall-body": mcpserver.SessionTimeout} {
		t.Run(fault, func(t *testing.T) {
			s := newSample(t, "sandfly", false)
			s.breakWith(t, fault)
			s.behind(t, reason).unopened(t, p, reason)
		})
	}
}

func (p *produced) ofTheToolByMCP(t *testing.T) {
	s := newSample(t, "sandfly", true)
	w := s.behind(t, mcpserver.ToolError)
	w.works(t)
	if answer := w.call(t, "no_such_tool"); answer.Error == nil || answer.Error.Code != -32602 || answer.Error.Data != nil {
		t.Errorf("the tool's own error is lost: %+v", answer)
	}
	if len(w.healer) != 0 {
		t.Error("a heal was asked for")
	}
	p.reasons[mcpserver.ToolError] = true
	s.breakWith(t, "dependency-down")
	answer := w.call(t, "list_hosts")
	if answer.Result == nil || !answer.Result.IsError || !strings.Contains(answer.Result.Content[0].Text, "10.96.0.12:5432") {
		t.Errorf("the tool's own words are lost: %+v", answer)
	}
	w.eventually(t, func() bool { return len(w.healer) > 0 })
	if failure := <-w.healer; failure.Error.Class != v1alpha1.ErrorDependencyDown || failure.Error.Tool != "list_hosts" {
		t.Errorf("recorded %+v", failure)
	}
	p.reasons[mcpserver.DependencyDown] = true
}

// nameServer is dialled for names, if it is set. The resolver of the process is replaced once and for all: what a test leaves behind may
// still read it.
var nameServer atomic.Pointer[func(context.Context, string, string) (net.Conn, error)]

func init() {
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
		if dial := nameServer.Load(); dial != nil {
			return (*dial)(ctx, network, address)
		}
		return new(net.Dialer).DialContext(ctx, network, address)
	}}
}

func (p *produced) ofTheNameByMCP(t *testing.T) {
	t.Cleanup(func() { nameServer.Store(nil) })
	for reason, code := range map[mcpserver.Reason]byte{mcpserver.NoSuchName: 3, mcpserver.NoResolver: 2} {
		t.Run(string(reason), func(t *testing.T) {
			dial := resolving(t, code)
			nameServer.Store(&dial)
			headless := service(t, "http://127.0.0.1:3000")
			headless.Spec.ClusterIP = corev1.ClusterIPNone
			w := newGateway(t, headless, reason)
			w.unopened(t, p, reason)
			w.end()
		})
	}
}

// heals are asked for, and fail: what is wrong with a call is told at its end.
type heals chan healing.Failure

// Heal implements recovery.Healer.
func (h heals) Heal(_ context.Context, failure healing.Failure, _ func(v1alpha1.ProgressEntry)) (healing.Outcome, error) {
	h <- failure
	return healing.Outcome{Result: healing.Result{Diagnosis: "nothing", Recommendation: "look"}}, nil
}

// gateway is /mcp in front of one server.
type gateway struct {
	url     string
	healer  heals
	metrics *prometheus.Registry
	end     func()
}

func service(t *testing.T, address string) *corev1.Service {
	t.Helper()
	at, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	port, _ := strconv.ParseInt(at.Port(), 10, 32)
	return &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: "cortex-system", Name: "sandfly-mcp-server", Labels: map[string]string{v1alpha1.LabelMCPServer: "true"}},
		Spec:       corev1.ServiceSpec{ClusterIP: at.Hostname(), Ports: []corev1.ServicePort{{Port: int32(port)}}},
	}
}

func (s *sample) behind(t *testing.T, reason mcpserver.Reason) *gateway {
	t.Helper()
	return newGateway(t, service(t, s.URL), reason)
}

func newGateway(t *testing.T, server *corev1.Service, reason mcpserver.Reason) *gateway {
	t.Helper()
	options := mcp.Options{Log: logr.Discard()}
	if reason.Class() == v1alpha1.ErrorTimeout {
		options.CallTimeout, options.ConnectTimeout = short, short
	}
	registry := mcp.NewRegistry(options)
	registry.OnAdd(server, true)
	w := &gateway{healer: make(heals, 1000), metrics: prometheus.NewRegistry()}
	recoverer := recovery.New(recovery.Options{Healer: w.healer, Metrics: recovery.NewMetrics(w.metrics), Clock: clock.RealClock{}, Log: logr.Discard()})
	tools := proxy.New(proxy.Options{Servers: registry, Recoverer: recoverer, Registry: w.metrics, Version: "1", Clock: clock.RealClock{}, Log: logr.Discard()})
	mux := http.NewServeMux()
	mux.Handle("/mcp/{server}", tools)
	served := httptest.NewServer(mux)
	w.url = served.URL + "/mcp/sandfly-mcp-server"
	ended := false
	w.end = func() {
		if ended {
			return
		}
		ended = true
		tools.Drain()
		steady.Stop(served)
		tools.Close()
		recoverer.Close()
		registry.Close()
	}
	t.Cleanup(w.end)
	return w
}

// facts are the data of an error of the gateway's own.
type facts struct {
	Class      v1alpha1.ErrorClass `json:"class"`
	Reason     mcpserver.Reason    `json:"reason"`
	MayHaveRun bool                `json:"mayHaveRun"`
	RetryAfter int                 `json:"retryAfter"`
}

type answer struct {
	Result *struct {
		IsError bool                    `json:"isError"`
		Content []struct{ Text string } `json:"content"`
	} `json:"result"`
	Error *struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
		Data    *facts `json:"data"`
	} `json:"error"`
}

func (w *gateway) post(ctx context.Context, body string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept", "application/json, text/event-stream")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	return io.ReadAll(response.Body)
}

// call calls a tool and reads the answer, which comes on a stream if there was a heal to tell of.
func (w *gateway) call(t *testing.T, tool string) (last answer) {
	t.Helper()
	body, err := w.post(t.Context(), `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"`+tool+`"}}`)
	if err != nil {
		t.Fatal(err)
	}
	if at := bytes.LastIndex(body, []byte("data: ")); at >= 0 {
		body = body[at+len("data: "):]
	}
	if err := json.Unmarshal(body, &last); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	return last
}

// canceled reports whether a call has ended since its client left.
func (w *gateway) canceled() bool {
	families, _ := w.metrics.Gather()
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			for _, label := range metric.GetLabel() {
				if family.GetName() == "cortex_gateway_mcp_calls_total" && label.GetValue() == "canceled" {
					return true
				}
			}
		}
	}
	return false
}

func (w *gateway) eventually(t *testing.T, holds func() bool) {
	t.Helper()
	within(t, "it", func(ctx context.Context) {
		for ctx.Err() == nil && !holds() {
			<-time.After(10 * time.Millisecond)
		}
	})
}

// breaks is a call that meets a fault on an open session.
func (w *gateway) breaks(t *testing.T, s *sample, fault string) answer {
	t.Helper()
	w.works(t)
	s.breakWith(t, fault)
	return w.call(t, "list_hosts")
}

// works opens the session and waits until it is in use.
func (w *gateway) works(t *testing.T) {
	t.Helper()
	w.eventually(t, func() bool { return w.call(t, "list_hosts").Result != nil })
	for len(w.healer) > 0 { // of a machine that is slow
		<-w.healer
	}
}

// fails expects that a call fails as the row of the table says, and is healed if that says so.
func (w *gateway) fails(t *testing.T, p *produced, want mcpserver.Reason) facts {
	t.Helper()
	return w.expect(t, p, want, w.call(t, "list_hosts"))
}

// unopened is fails of a server with which no session can be opened, whatever the table says of calls: this one did not run.
func (w *gateway) unopened(t *testing.T, p *produced, want mcpserver.Reason) {
	t.Helper()
	if told := w.expect(t, p, want, w.call(t, "list_hosts")); told.MayHaveRun {
		t.Error("it cannot have run")
	}
}

func (w *gateway) expect(t *testing.T, p *produced, want mcpserver.Reason, got answer) facts {
	t.Helper()
	p.reasons[want] = true
	row := mcp.FailureOf(want)
	if got.Error == nil || got.Error.Data == nil {
		t.Fatalf("no error of the gateway's: %+v", got)
	}
	told := *got.Error.Data
	if told.Reason != want || told.Class != row.Class() {
		t.Errorf("it is %s of class %s, want %s of %s: %s", told.Reason, told.Class, want, row.Class(), got.Error.Message)
	}
	if row.Reach == mcp.Never && told.MayHaveRun {
		t.Errorf("it may have run, and the table says that it did not reach the server: %s", got.Error.Message)
	}
	switch {
	case row.Heals: // who is answered at once does not wait for it to begin
		w.eventually(t, func() bool { return len(w.healer) > 0 })
	case len(w.healer) > 0:
		t.Errorf("a heal was asked for, and the table says that there is none: %s", got.Error.Message)
	}
	return told
}
