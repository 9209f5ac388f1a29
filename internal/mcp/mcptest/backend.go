// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

// Package mcptest has a real MCP server for tests, which can be stopped, started and broken in the ways that servers
// in a cluster break.
package mcptest

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/mcpserver"
	"github.com/ry-ops/cortex/test/steady"
)

// Fault decides about a request before the MCP server sees it. It reports whether it has answered.
type Fault func(w http.ResponseWriter, r *http.Request, body string, serve http.HandlerFunc) bool

// Answering is a response that calls begins once, before anything of it is written, and so before the caller has it.
func Answering(w http.ResponseWriter, begins func()) http.ResponseWriter {
	return &answering{w, sync.OnceFunc(begins)}
}

type answering struct {
	http.ResponseWriter
	begins func()
}

func (a *answering) Write(p []byte) (int, error) {
	a.begins()
	return a.ResponseWriter.Write(p)
}

func (a *answering) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// Backend is an MCP server on a port of its own that it keeps while it is stopped. It has the tools list_hosts (reads),
// set_label (idempotent) and start_scan (neither; needs host).
type Backend struct {
	t       testing.TB
	name    string
	address string
	// Serving are options of the server, and Extend adds to what it has. Set them before Up.
	Serving sdk.StreamableHTTPOptions
	Extend  func(*sdk.Server)

	fault atomic.Pointer[Fault]
	mu    sync.Mutex
	http  *httptest.Server
	calls map[string]int
	began map[string]int
}

// Start makes a Backend and starts it. It ends with the test.
func Start(t testing.TB, name string) *Backend {
	t.Helper()
	b := Stopped(t, name)
	b.Up()
	return b
}

// Stopped makes a Backend that refuses connections until Up.
func Stopped(t testing.TB, name string) *Backend {
	t.Helper()
	mcpserver.AllowLoopback()
	b := &Backend{t: t, name: name, address: steady.Port(t), calls: map[string]int{}, began: map[string]int{}}
	t.Cleanup(b.Down)
	return b
}

// Up starts the server, with no memory of earlier sessions. It does nothing if the server is up.
func (b *Backend) Up() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.http != nil {
		return
	}
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", b.address)
	if err != nil {
		b.t.Errorf("starting %s: %v", b.name, err)
		return
	}
	server := httptest.NewUnstartedServer(b.handler())
	_ = server.Listener.Close()
	server.Listener = listener
	server.Start()
	b.http = server
}

// Down stops the server and cuts its connections.
func (b *Backend) Down() {
	b.mu.Lock()
	server := b.http
	b.http = nil
	b.mu.Unlock()
	if server != nil {
		steady.Stop(server)
	}
}

// Break makes every request pass through a fault; nil ends that.
func (b *Backend) Break(fault Fault) {
	if fault == nil {
		b.fault.Store(nil)
		return
	}
	b.fault.Store(&fault)
}

// Calls counts how often a tool has run.
func (b *Backend) Calls(tool string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.calls[tool]
}

// Opened counts how many sessions were opened: a server that keeps none is only discovered, and one that does is initialized after
// that.
func (b *Backend) Opened() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.Serving.Stateless {
		return b.began["server/discover"]
	}
	return b.began["initialize"]
}

// Service is the labelled Service of the server.
func (b *Backend) Service() *corev1.Service {
	_, port, _ := net.SplitHostPort(b.address)
	number, _ := strconv.ParseInt(port, 10, 32)
	return &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: "cortex-system", Name: b.name, Labels: map[string]string{v1alpha1.LabelMCPServer: "true"}},
		Spec:       corev1.ServiceSpec{ClusterIP: "127.0.0.1", Ports: []corev1.ServicePort{{Port: int32(number)}}},
	}
}

func (b *Backend) handler() http.Handler {
	server := sdk.NewServer(&sdk.Implementation{Name: b.name, Version: "1"}, nil)
	hosts := map[string]any{"hosts": []string{"web-1", "db-1"}}
	type none struct{}
	sdk.AddTool(server, &sdk.Tool{Name: "list_hosts", Description: "Hosts that are watched.", Annotations: &sdk.ToolAnnotations{ReadOnlyHint: true}},
		func(context.Context, *sdk.CallToolRequest, none) (*sdk.CallToolResult, any, error) {
			b.count("list_hosts")
			return &sdk.CallToolResult{Content: []sdk.Content{&sdk.TextContent{Text: "2 hosts"}}}, hosts, nil
		})
	sdk.AddTool(server, &sdk.Tool{Name: "set_label", Description: "Label everything.", Annotations: &sdk.ToolAnnotations{IdempotentHint: true}},
		func(context.Context, *sdk.CallToolRequest, none) (*sdk.CallToolResult, any, error) {
			b.count("set_label")
			return &sdk.CallToolResult{Content: []sdk.Content{&sdk.TextContent{Text: "labelled"}}}, nil, nil
		})
	type scan struct {
		Host string `json:"host"`
	}
	sdk.AddTool(server, &sdk.Tool{Name: "start_scan", Description: "Start a scan of a host.", Annotations: &sdk.ToolAnnotations{}},
		func(_ context.Context, _ *sdk.CallToolRequest, in scan) (*sdk.CallToolResult, any, error) {
			b.count("start_scan")
			if in.Host == "unknown" {
				return &sdk.CallToolResult{IsError: true, Content: []sdk.Content{&sdk.TextContent{Text: "no such host: unknown"}}}, nil, nil
			}
			return &sdk.CallToolResult{Content: []sdk.Content{&sdk.TextContent{Text: "scan of " + in.Host + " started"}}}, nil, nil
		})
	if b.Extend != nil {
		b.Extend(server)
	}
	serving := b.Serving
	// Requests carry the Host of the Service, as in the cluster, and come over loopback.
	serving.DisableLocalhostProtection = true
	handler := sdk.NewStreamableHTTPHandler(func(*http.Request) *sdk.Server { return server }, &serving)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		if fault := b.fault.Load(); fault != nil && (*fault)(w, r, string(body), handler.ServeHTTP) {
			return
		}
		b.open(string(body))
		handler.ServeHTTP(w, r)
	})
}

func (b *Backend) count(tool string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.calls[tool]++
}

func (b *Backend) open(body string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, method := range []string{"initialize", "server/discover"} {
		if strings.Contains(body, `"method":"`+method+`"`) {
			b.began[method]++
		}
	}
}

// Hang accepts requests of a method and never answers; an empty method means all.
func Hang(method string) Fault { return Outlast(method, func() {}) }

// Outlast is Hang for a caller whose deadline late lets pass, once a request has come.
func Outlast(method string, late func()) Fault {
	return func(_ http.ResponseWriter, r *http.Request, body string, _ http.HandlerFunc) bool {
		if !strings.Contains(body, `"method":"`+method) {
			return false
		}
		late()
		<-r.Context().Done()
		return true
	}
}

// Status answers every request with an HTTP status.
func Status(code int) Fault {
	return func(w http.ResponseWriter, _ *http.Request, _ string, _ http.HandlerFunc) bool {
		w.WriteHeader(code)
		return true
	}
}

// Old makes the server one of the protocol versions with sessions.
func Old() Fault {
	return func(w http.ResponseWriter, _ *http.Request, body string, _ http.HandlerFunc) bool {
		if !strings.Contains(body, `"method":"server/discover"`) {
			return false
		}
		w.WriteHeader(http.StatusBadRequest)
		return true
	}
}

// LoseAnswer runs the next tool call and cuts the connection instead of answering, once.
func LoseAnswer() Fault {
	var done atomic.Bool
	return func(w http.ResponseWriter, r *http.Request, body string, serve http.HandlerFunc) bool {
		if !strings.Contains(body, `"method":"tools/call"`) || done.Swap(true) {
			return false
		}
		serve(httptest.NewRecorder(), r)
		if connection, _, err := http.NewResponseController(w).Hijack(); err == nil {
			_ = connection.Close()
		}
		return true
	}
}

// CloseKept cuts every connection that brings a second request, if that is a tool call, before the tool has run: a
// connection that is kept may be closed at any moment.
func CloseKept() Fault {
	var seen sync.Map
	return func(w http.ResponseWriter, r *http.Request, body string, _ http.HandlerFunc) bool {
		if _, again := seen.LoadOrStore(r.RemoteAddr, true); !again || !strings.Contains(body, `"method":"tools/call"`) {
			return false
		}
		if connection, _, err := http.NewResponseController(w).Hijack(); err == nil {
			_ = connection.Close()
		}
		return true
	}
}

// Eventually waits until a condition holds and fails the test if that takes longer than a minute: what holds in the end costs no
// more for that, and machines that test are busy.
func Eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	again, limit := time.NewTicker(2*time.Millisecond), time.NewTimer(time.Minute)
	defer again.Stop()
	defer limit.Stop()
	for !holds() {
		select {
		case <-again.C:
		case <-limit.C:
			t.Fatal("waited in vain: ", what)
		}
	}
}
