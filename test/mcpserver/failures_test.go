// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/go-logr/logr"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/mcp"
	"github.com/ry-ops/cortex/internal/mcpserver"
)

// produced are the reasons that the tests below have met. A row of the table that nobody has met is a promise that nobody keeps.
type produced struct {
	mu      sync.Mutex
	reasons map[mcpserver.Reason]bool
}

// expect checks a failure against its row of the table.
func (p *produced) expect(t *testing.T, err error, want mcpserver.Reason) {
	t.Helper()
	p.mu.Lock()
	p.reasons[want] = true
	p.mu.Unlock()
	var failure *mcp.CallError
	if !errors.As(err, &failure) {
		failure = mcp.NewCallError(err, "", "")
	}
	row := mcp.FailureOf(want)
	if failure.Reason != want || failure.Class != row.Class() {
		t.Errorf("it is %s of class %s, want %s of %s: %v", failure.Reason, failure.Class, want, row.Class(), err)
	}
	if row.Reach == mcp.Never && failure.Sent || row.Reach == mcp.Always && !failure.Sent {
		t.Errorf("sent is %v, and the table says that it reached the server %s: %v", failure.Sent, row.Reach, err)
	}
}

// TestEveryFailureIsProduced makes every row of docs/reference/failures.md happen: with this server where it can, with what the
// kernel says where a network of its own would be needed.
func TestEveryFailureIsProduced(t *testing.T) {
	mcpserver.AllowLoopback()
	met := &produced{reasons: map[mcpserver.Reason]bool{}}
	t.Run("on an open session", met.onAnOpenSession)
	t.Run("at the connection", met.atTheConnection)
	t.Run("of the session", met.ofTheSession)
	t.Run("of the tool", met.ofTheTool)
	t.Run("of the name", met.ofTheName)
	t.Run("by TLS", met.byTLS)
	t.Run("of the gateway", met.ofTheGateway)
	met.expect(t, errors.New("something new"), mcpserver.Unexplained)
	met.all(t)
}

// all checks that no row is missing.
func (p *produced) all(t *testing.T) {
	t.Helper()
	for _, row := range mcp.Failures() {
		if !p.reasons[row.Reason] {
			t.Errorf("nothing here produces %s", row.Reason)
		}
	}
}

// onTheWire are the faults of a server with an open session, and what each of them is.
var onTheWire = []struct {
	fault  string
	reason mcpserver.Reason
}{
	{"hang", mcpserver.FirstByteTimeout},
	{"stall-body", mcpserver.AnswerTimeout},
	{"reset", mcpserver.Dropped},
	{"cut-head", mcpserver.StreamCut},
	{"cut-stream", mcpserver.StreamCut},
	{"end-stream", mcpserver.StreamCut},
	{"web-page", mcpserver.NotMCP},
	{"tls", mcpserver.TLSWanted},
	{"rpc-error", mcpserver.RPCError},
	{"flood", mcpserver.AnswerTooLarge},
	{"status&code=500", mcpserver.ServerError},
	{"status&code=503", mcpserver.ServerError},
	{"status&code=429", mcpserver.RateLimited},
	{"status&code=401", mcpserver.Unauthorized},
	{"status&code=403", mcpserver.Unauthorized},
	{"status&code=404", mcpserver.BadStatus},
	{"status&code=413", mcpserver.RequestTooLarge},
	{"status&code=307", mcpserver.Redirected},
}

// short is a timeout that is awaited, and long enough for all that comes before it on a busy machine.
const short = 2 * time.Second

func (p *produced) onAnOpenSession(t *testing.T) {
	for _, c := range onTheWire {
		t.Run(c.fault, func(t *testing.T) {
			s := newSample(t, "sandfly", true)
			session := connect(t, s.URL, mcpserver.NewTransport())
			s.breakWith(t, c.fault)
			_, err := session.CallTool(untilTimeOf(t.Context(), c.reason), &sdk.CallToolParams{Name: "list_hosts"})
			p.expect(t, err, c.reason)
			if _, counts := s.request(t, http.MethodGet, "/fault/counts"); counts != "{}" {
				t.Errorf("a tool ran: %s", counts)
			}
			var request *mcpserver.RequestError
			if c.reason == mcpserver.RateLimited && (!errors.As(err, &request) || request.RetryAfter != time.Second) {
				t.Errorf("Retry-After is lost: %v", err)
			}
		})
	}
	t.Run("the caller leaves", func(t *testing.T) {
		s := newSample(t, "sandfly", true)
		session := connect(t, s.URL, mcpserver.NewTransport())
		ctx, leave := context.WithCancel(t.Context())
		leave()
		_, err := session.CallTool(ctx, &sdk.CallToolParams{Name: "list_hosts"})
		p.expect(t, err, mcpserver.Canceled)
	})
}

// untilTimeOf is the context of a caller whose time is up just where a timeout is of that reason, however slow the machine is.
func untilTimeOf(ctx context.Context, reason mcpserver.Reason) context.Context {
	e := &expires{up: make(chan struct{})}
	end := sync.OnceFunc(func() { close(e.up) })
	trace := &httptrace.ClientTrace{}
	switch reason {
	case mcpserver.FirstByteTimeout:
		trace.WroteRequest = func(httptrace.WroteRequestInfo) { end() }
	case mcpserver.AnswerTimeout:
		trace.GotFirstResponseByte = end
	default:
		return ctx
	}
	e.Context = httptrace.WithClientTrace(ctx, trace)
	return e
}

// expires is a context with a deadline that is no time.
type expires struct {
	context.Context
	up chan struct{}
}

func (e *expires) Done() <-chan struct{} { return e.up }

func (e *expires) Err() error {
	select {
	case <-e.up:
		return context.DeadlineExceeded
	default:
		return nil
	}
}

func (p *produced) atTheConnection(t *testing.T) {
	t.Run("nobody listens", func(t *testing.T) {
		s := newSample(t, "sandfly", true)
		session := connect(t, s.URL, mcpserver.NewTransport())
		_ = s.Config.Close()
		_, err := session.CallTool(mcpserver.OnNewConnection(t.Context()), &sdk.CallToolParams{Name: "list_hosts"})
		p.expect(t, err, mcpserver.Refused)
	})
	_, err := mcpserver.Connect(t.Context(), mcpserver.Endpoint{URL: "http://169.254.169.254:80/mcp"}, mcpserver.ConnectOptions{})
	p.expect(t, err, mcpserver.AddressRefused)
	for reason, errno := range ofTheKernel {
		t.Run(errno.Error(), func(t *testing.T) {
			pool := mcpserver.NewTransport()
			pool.DialContext = func(context.Context, string, string) (net.Conn, error) {
				return nil, &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", errno)}
			}
			_, err := mcpserver.Connect(t.Context(), mcpserver.Endpoint{URL: "http://192.0.2.1:3000/mcp"}, mcpserver.ConnectOptions{Pool: pool})
			p.expect(t, err, reason)
		})
	}
}

// ofTheKernel are the failures of a connection that need a network of their own, as the kernel tells them.
var ofTheKernel = map[mcpserver.Reason]syscall.Errno{
	mcpserver.NoRoute: syscall.EHOSTUNREACH, mcpserver.DialFailed: syscall.EPERM, mcpserver.DialTimeout: syscall.ETIMEDOUT, mcpserver.Exhausted: syscall.EMFILE,
}

func (p *produced) ofTheSession(t *testing.T) {
	t.Run("lost", func(t *testing.T) {
		s := newSample(t, "sandfly", false)
		s.breakWith(t, "lose-session")
		_, err := mcpserver.Connect(t.Context(), mcpserver.Endpoint{URL: s.URL + "/mcp"}, mcpserver.ConnectOptions{})
		p.expect(t, err, mcpserver.SessionLost)
	})
	t.Run("never opened", func(t *testing.T) {
		s := newSample(t, "sandfly", false)
		s.breakWith(t, "hang")
		registry := mcp.NewRegistry(mcp.Options{ConnectTimeout: short, Log: logr.Discard()})
		t.Cleanup(registry.Close)
		_, err := s.registered(t, registry).Call(t.Context(), mcp.Tool{Name: "list_hosts"}, nil)
		p.expect(t, err, mcpserver.SessionTimeout)
	})
}

func (p *produced) ofTheTool(t *testing.T) {
	s := newSample(t, "sandfly", true)
	registry := mcp.NewRegistry(mcp.Options{Log: logr.Discard()})
	t.Cleanup(registry.Close)
	server := s.registered(t, registry)
	_, err := server.Call(t.Context(), mcp.Tool{Name: "no_such_tool"}, nil)
	p.expect(t, err, mcpserver.ToolError)
	s.breakWith(t, "dependency-down")
	result, err := server.Call(t.Context(), mcp.Tool{Name: "list_hosts"}, nil)
	p.expect(t, err, mcpserver.DependencyDown)
	if result == nil || !result.IsError {
		t.Errorf("the tool's own words are lost: %+v", result)
	}
}

// The names are asked of a real resolver, over UDP, which this test answers for.
func (p *produced) ofTheName(t *testing.T) {
	for reason, code := range map[mcpserver.Reason]byte{mcpserver.NoSuchName: 3, mcpserver.NoResolver: 2} {
		t.Run(string(reason), func(t *testing.T) {
			resolver := &net.Resolver{PreferGo: true, Dial: resolving(t, code)}
			pool := mcpserver.NewTransport()
			pool.DialContext = (&net.Dialer{Resolver: resolver}).DialContext
			_, err := mcpserver.Connect(t.Context(), mcpserver.Endpoint{URL: "http://sandfly-mcp-server.cortex-system.svc.:3000/mcp"}, mcpserver.ConnectOptions{Pool: pool})
			p.expect(t, err, reason)
		})
	}
}

// resolving dials a DNS server that answers every question with a code.
func resolving(t *testing.T, code byte) func(context.Context, string, string) (net.Conn, error) {
	t.Helper()
	server, err := (&net.ListenConfig{}).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	go func() {
		message := make([]byte, 1500)
		for {
			n, from, err := server.ReadFrom(message)
			if err != nil {
				return
			}
			_, _ = server.WriteTo(refusal(message[:n], code), from)
		}
	}()
	return func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", server.LocalAddr().String())
	}
}

// refusal is the question back with a code, and without what follows it (RFC 1035 §4.1).
func refusal(question []byte, code byte) []byte {
	end := 12
	for question[end] != 0 {
		end += int(question[end]) + 1
	}
	answer := slices.Clone(question[:end+5])
	answer[2], answer[3] = 0x81, 0x80|code
	copy(answer[6:12], make([]byte, 6))
	return answer
}

func (p *produced) byTLS(t *testing.T) {
	server := httptest.NewUnstartedServer(newHandler(quiet, options{profile: "sandfly"}, newFaults(quiet, t.TempDir()), nil))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	_, err := mcpserver.Connect(t.Context(), mcpserver.Endpoint{URL: server.URL + "/mcp"}, mcpserver.ConnectOptions{})
	p.expect(t, err, mcpserver.BadTLS)
	_, err = mcpserver.Connect(t.Context(), mcpserver.Endpoint{URL: strings.Replace(server.URL, "https", "http", 1) + "/mcp"}, mcpserver.ConnectOptions{})
	p.expect(t, err, mcpserver.TLSWanted)
}

// bomb is an argument that cannot be written.
type bomb struct{}

// MarshalJSON panics.
func (bomb) MarshalJSON() ([]byte, error) { panic("boom") }

func (p *produced) ofTheGateway(t *testing.T) {
	s := newSample(t, "sandfly", true)
	registry := mcp.NewRegistry(mcp.Options{Log: logr.Discard()})
	t.Cleanup(registry.Close)
	_, err := s.registered(t, registry).Call(t.Context(), mcp.Tool{Name: "list_hosts"}, map[string]any{"bomb": bomb{}})
	p.expect(t, err, mcpserver.Panicked)
}

// TestEveryClassHasARow holds the table against the enum that the API server checks.
func TestEveryClassHasARow(t *testing.T) {
	raw, err := os.ReadFile("../../config/crd/bases/healing.cortex.dev_healingrequests.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var crd struct {
		Spec struct {
			Versions []struct {
				Schema struct {
					OpenAPIV3Schema struct {
						Properties struct {
							Spec struct {
								Properties struct {
									Error struct {
										Properties struct {
											Class struct {
												Enum []v1alpha1.ErrorClass `json:"enum"`
											} `json:"class"`
										} `json:"properties"`
									} `json:"error"`
								} `json:"properties"`
							} `json:"spec"`
						} `json:"properties"`
					} `json:"openAPIV3Schema"`
				} `json:"schema"`
			} `json:"versions"`
		} `json:"spec"`
	}
	if err := yaml.Unmarshal(raw, &crd); err != nil || len(crd.Spec.Versions) == 0 {
		t.Fatal("the CRD cannot be read: ", err)
	}
	known := crd.Spec.Versions[0].Schema.OpenAPIV3Schema.Properties.Spec.Properties.Error.Properties.Class.Enum
	rows := map[v1alpha1.ErrorClass][]mcp.Failure{}
	for _, row := range mcp.Failures() {
		rows[row.Class()] = append(rows[row.Class()], row)
		if !slices.Contains(known, row.Class()) {
			t.Errorf("the API does not know class %s of %s", row.Class(), row.Reason)
		}
	}
	for _, class := range known {
		if len(rows[class]) == 0 {
			t.Errorf("class %s has no row", class)
		}
		for _, row := range rows[class] {
			if row.Heals != mcp.Heals(class) {
				t.Errorf("%s does not agree with its class on whether it heals", row.Reason)
			}
			if row.When == "" || row.Issue == "" || row.Heals == (row.Advice != "") {
				t.Errorf("the row of %s is not whole", row.Reason)
			}
		}
	}
}

func connect(t *testing.T, address string, pool http.RoundTripper) *sdk.ClientSession {
	t.Helper()
	session, err := mcpserver.Connect(t.Context(), mcpserver.Endpoint{URL: address + "/mcp"}, mcpserver.ConnectOptions{Pool: pool})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { go session.Close() }) // a server that hangs is not waited for
	return session
}

func (s *sample) breakWith(t *testing.T, fault string) {
	t.Helper()
	if status, body := s.request(t, http.MethodPost, "/fault?mode="+fault); status != http.StatusOK {
		t.Fatalf("setting the fault: %d %s", status, body)
	}
}

// registered is the server as the gateway knows it.
func (s *sample) registered(t *testing.T, registry *mcp.Registry) *mcp.Server {
	t.Helper()
	address, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	port, _ := strconv.ParseInt(address.Port(), 10, 32)
	registry.OnAdd(&corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: "cortex-system", Name: "sandfly-mcp-server", Labels: map[string]string{v1alpha1.LabelMCPServer: "true"}},
		Spec:       corev1.ServiceSpec{ClusterIP: address.Hostname(), Ports: []corev1.ServicePort{{Port: int32(port)}}},
	}, true)
	return registry.Servers()[0]
}
