// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package mcpserver_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/mcpserver"
	"github.com/ry-ops/cortex/test/steady"
)

var (
	sessions  = mcp.StreamableHTTPOptions{}
	stateless = mcp.StreamableHTTPOptions{Stateless: true}
	plainJSON = mcp.StreamableHTTPOptions{Stateless: true, JSONResponse: true}
)

// connect opens a session over a pool of the test.
func connect(t *testing.T, s *server, pool http.RoundTripper) *mcp.ClientSession {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	session, err := mcpserver.Connect(ctx, s.endpoint(), mcpserver.ConnectOptions{Pool: pool})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { go session.Close() }) // a server that hangs is not waited for
	return session
}

func call(ctx context.Context, session *mcp.ClientSession, tool string, arguments map[string]any) error {
	_, err := session.CallTool(ctx, &mcp.CallToolParams{Name: tool, Arguments: arguments})
	return err
}

func check(t *testing.T, err error, class v1alpha1.ErrorClass, sent bool) {
	t.Helper()
	if err == nil {
		t.Fatal("the call passed")
	}
	if got := mcpserver.Classify(err); got != class {
		t.Errorf("class is %s, want %s (%v)", got, class, err)
	}
	if got := mcpserver.Sent(err); got != sent {
		t.Errorf("sent is %t, want %t (%v)", got, sent, err)
	}
}

// TestCallFails sends a tool call into each fault of a server that was healthy when the session was opened.
func TestCallFails(t *testing.T) {
	const jsonType, streamType = "application/json", "text/event-stream"
	cases := map[string]struct {
		fault http.HandlerFunc
		class v1alpha1.ErrorClass
	}{
		"500":                          {answer(500, "text/plain", "oops"), v1alpha1.ErrorUnavailable},
		"502":                          {answer(502, "text/html", "<h1>Bad Gateway</h1>"), v1alpha1.ErrorUnavailable},
		"503":                          {answer(503, "text/plain", "upstream connect error"), v1alpha1.ErrorUnavailable},
		"504":                          {answer(504, "text/plain", ""), v1alpha1.ErrorUnavailable},
		"505":                          {answer(505, "text/plain", ""), v1alpha1.ErrorUnavailable},
		"429":                          {answer(429, "text/plain", ""), v1alpha1.ErrorRateLimited},
		"reset without an answer":      {cut, v1alpha1.ErrorUnavailable},
		"hangs":                        {hang, v1alpha1.ErrorTimeout},
		"hangs in the body":            {hangInBody(jsonType), v1alpha1.ErrorTimeout},
		"hangs in the stream":          {hangInBody(streamType), v1alpha1.ErrorTimeout},
		"breaks off in the body":       {breakOff(jsonType, `{"jsonrpc":"2.0",`), v1alpha1.ErrorStreamCut},
		"breaks off in the stream":     {breakOff(streamType, "event: message\nda"), v1alpha1.ErrorStreamCut},
		"ends the stream early":        {answer(200, streamType, ""), v1alpha1.ErrorStreamCut},
		"ends a resumable stream":      {answer(200, streamType, "id: 1\ndata:\n\n"), v1alpha1.ErrorStreamCut},
		"malformed JSON":               {answer(200, jsonType, `{"jsonrpc":`), v1alpha1.ErrorProtocol},
		"malformed event":              {answer(200, streamType, "data: no JSON\n\n"), v1alpha1.ErrorProtocol},
		"a web page":                   {answer(200, "text/html", "<h1>Welcome</h1>"), v1alpha1.ErrorProtocol},
		"not HTTP":                     {notHTTP, v1alpha1.ErrorProtocol},
		"401":                          {answer(401, "text/plain", ""), v1alpha1.ErrorUnauthorized},
		"a redirect":                   {http.RedirectHandler("http://192.0.2.1/mcp", http.StatusTemporaryRedirect).ServeHTTP, v1alpha1.ErrorProtocol},
		"JSON-RPC internal error":      {answer(400, jsonType, `{"jsonrpc":"2.0","id":1,"error":{"code":-32603,"message":"oops"}}`), v1alpha1.ErrorProtocol},
		"JSON-RPC method not found":    {answer(404, jsonType, `{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"no"}}`), v1alpha1.ErrorProtocol},
		"JSON-RPC error of the server": {answer(400, jsonType, `{"jsonrpc":"2.0","id":1,"error":{"code":7,"message":"no"}}`), v1alpha1.ErrorToolError},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, stateless, "tools/call", c.fault)
			session := connect(t, s, mcpserver.NewTransport())
			ctx, late := steady.Overdue(t.Context())
			if c.class == v1alpha1.ErrorTimeout {
				s.late = late
			}
			check(t, call(ctx, session, "work", nil), c.class, true)
			if n := s.requests.Load(); n != 1 {
				t.Errorf("the call was sent %d times", n)
			}
			if n := s.gets.Load(); n != 0 {
				t.Errorf("%d attempts to resume or to listen", n)
			}
		})
	}
}

func notHTTP(w http.ResponseWriter, _ *http.Request) {
	connection, _, _ := http.NewResponseController(w).Hijack()
	_, _ = io.WriteString(connection, "SSH-2.0-OpenSSH_9.6\r\n")
	_ = connection.Close()
}

func headersWithoutEnd(w http.ResponseWriter, _ *http.Request) {
	for range 200 {
		w.Header().Add("X-Filler", strings.Repeat("x", 1024))
	}
	w.WriteHeader(http.StatusOK)
}

// TestServerLosesSession restarts the server between two calls.
func TestServerLosesSession(t *testing.T) {
	s := newServer(t, sessions, "tools/call", nil)
	session := connect(t, s, mcpserver.NewTransport())
	if session.ID() == "" {
		t.Fatal("the server keeps no session: nothing to lose")
	}
	if err := call(t.Context(), session, "work", nil); err != nil {
		t.Fatal(err)
	}
	s.restart(sessions)
	check(t, call(t.Context(), session, "work", nil), v1alpha1.ErrorSessionLost, false)
	// The SDK closes such a session. The next call makes no request at all.
	check(t, call(t.Context(), session, "work", nil), v1alpha1.ErrorSessionLost, false)
	if runs := s.runs.Load(); runs != 1 {
		t.Errorf("the tool ran %d times, want 1", runs)
	}
}

// TestOtherCallLosesSession: a call that is in flight while another finds the session lost may well have run.
func TestOtherCallLosesSession(t *testing.T) {
	begun := make(chan struct{})
	var calls atomic.Int32
	s := newServer(t, sessions, "tools/call", func(w http.ResponseWriter, r *http.Request) {
		if calls.Add(1) > 1 {
			answer(404, "text/plain", "session not found")(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		_ = http.NewResponseController(w).Flush()
		close(begun)
		hang(w, r)
	})
	session := connect(t, s, mcpserver.NewTransport())
	first := make(chan error, 1)
	go func() { first <- call(t.Context(), session, "work", nil) }()
	<-begun
	check(t, call(t.Context(), session, "work", nil), v1alpha1.ErrorSessionLost, false)
	check(t, <-first, v1alpha1.ErrorSessionLost, true)
}

func TestCallAfterClose(t *testing.T) {
	s := newServer(t, sessions, "", nil)
	session := connect(t, s, mcpserver.NewTransport())
	_ = session.Close()
	check(t, call(t.Context(), session, "work", nil), v1alpha1.ErrorSessionLost, false)
}

func TestCallerGivesUp(t *testing.T) {
	s := newServer(t, stateless, "tools/call", hang)
	session := connect(t, s, mcpserver.NewTransport())
	ctx, cancel := context.WithCancel(t.Context())
	failed := make(chan error, 1)
	go func() { failed <- call(ctx, session, "work", nil) }()
	await(t, "the call to arrive", func() bool { return s.requests.Load() == 1 })
	cancel()
	check(t, <-failed, v1alpha1.ErrorCanceled, true)
}

func TestToolErrors(t *testing.T) {
	for name, options := range map[string]mcp.StreamableHTTPOptions{"sessions": sessions, "stateless": stateless, "plain JSON": plainJSON} {
		t.Run(name, func(t *testing.T) {
			session := connect(t, newServer(t, options, "", nil), mcpserver.NewTransport())
			check(t, call(t.Context(), session, "no_such_tool", nil), v1alpha1.ErrorToolError, true)
			check(t, call(t.Context(), session, "work", map[string]any{"how": "not at all"}), v1alpha1.ErrorToolError, true)
			// A result with IsError is no error of the call.
			if err := call(t.Context(), session, "work", map[string]any{"how": "badly"}); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestToolAsksForMore: a tool that asks for more input, or for patience, is not called again by the SDK: only the replay
// rule may do that.
func TestToolAsksForMore(t *testing.T) {
	s := newServer(t, stateless, "tools/call", nil)
	session := connect(t, s, mcpserver.NewTransport())
	_ = call(t.Context(), session, "work", map[string]any{"how": "later"})
	if runs := s.runs.Load(); runs != 1 {
		t.Errorf("the tool ran %d times, want 1", runs)
	}
}

// TestSentOfForeignErrors: errors of clients that are not ours tell less, and prove less.
func TestSentOfForeignErrors(t *testing.T) {
	cases := map[string]struct {
		err  error
		sent bool
	}{
		"dial":      {&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, false},
		"DNS":       {&net.DNSError{Err: "no such host"}, false},
		"DNS, late": {&net.OpError{Op: "dial", Net: "tcp", Err: context.DeadlineExceeded}, false},
		"read":      {&net.OpError{Op: "read", Err: syscall.ECONNRESET}, true},
		"deadline":  {context.DeadlineExceeded, true},
		"a session": {mcp.ErrSessionMissing, true},
	}
	for name, c := range cases {
		if got := mcpserver.Sent(c.err); got != c.sent {
			t.Errorf("%s: sent is %t, want %t", name, got, c.sent)
		}
	}
}

// TestDialFails replaces the dial under an open session.
func TestDialFails(t *testing.T) {
	dialError := func(errno syscall.Errno) func(context.Context) error {
		return func(context.Context) error {
			return &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", errno)}
		}
	}
	cases := map[string]struct {
		dial  func(context.Context) error
		class v1alpha1.ErrorClass
	}{
		"refused":             {dialError(syscall.ECONNREFUSED), v1alpha1.ErrorConnectionRefused},
		"no route to host":    {dialError(syscall.EHOSTUNREACH), v1alpha1.ErrorConnectionRefused},
		"network unreachable": {dialError(syscall.ENETUNREACH), v1alpha1.ErrorConnectionRefused},
		"timed out":           {dialError(syscall.ETIMEDOUT), v1alpha1.ErrorTimeout},
		"packets are dropped": {func(ctx context.Context) error { <-ctx.Done(); return &net.OpError{Op: "dial", Err: ctx.Err()} }, v1alpha1.ErrorTimeout},
		"no such name":        {lookup, v1alpha1.ErrorDNS},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, stateless, "tools/call", nil)
			pool := mcpserver.NewTransport()
			// Set once and switched: net/http may still be dialling in the background.
			var dials atomic.Int32
			var failing atomic.Bool
			ctx, passes := steady.Overdue(t.Context())
			dial := pool.DialContext
			pool.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
				if !failing.Load() {
					return dial(ctx, network, address)
				}
				if dials.Add(1); c.class == v1alpha1.ErrorTimeout {
					passes()
				}
				return nil, c.dial(ctx)
			}
			session := connect(t, s, pool)
			pool.CloseIdleConnections()
			failing.Store(true)
			check(t, call(ctx, session, "work", nil), c.class, false)
			// After a call that was given up, the SDK sends a notice of it, which may already be dialling as well.
			notices := int32(0)
			if ctx.Err() != nil {
				notices = 1
			}
			if n := dials.Load(); n < 1 || n > 1+notices {
				t.Errorf("dialed %d times: a retry hides the failure from its caller", n)
			}
			// The session outlives a failed dial.
			failing.Store(false)
			if err := call(t.Context(), session, "work", nil); err != nil {
				t.Errorf("after the server is back: %v", err)
			}
		})
	}
}

// TestConnectDialsOnce: the SDK's fallback from server/discover to initialize is no reason to dial again.
func TestConnectDialsOnce(t *testing.T) {
	var dials atomic.Int32
	pool := mcpserver.NewTransport()
	pool.DialContext = func(context.Context, string, string) (net.Conn, error) {
		dials.Add(1)
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	}
	_, err := mcpserver.Connect(t.Context(), mcpserver.Endpoint{URL: "http://192.0.2.1:3000/mcp"}, mcpserver.ConnectOptions{Pool: pool})
	check(t, err, v1alpha1.ErrorConnectionRefused, false)
	if n := dials.Load(); n != 1 {
		t.Errorf("dialed %d times", n)
	}
}

// lookup fails as the resolver of a cluster does for a name that is not there, without asking one.
func lookup(context.Context) error {
	return &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: "sandfly-mcp-server.cortex-system.svc", IsNotFound: true}}
}

// TestRefusedBehindIdleConnection: net/http finds its idle connection dead before it has written anything to it, dials
// again and is refused. The call was not sent, although there was a connection.
func TestRefusedBehindIdleConnection(t *testing.T) {
	s := newServer(t, plainJSON, "tools/call", nil)
	pool := mcpserver.NewTransport()
	var dead atomic.Bool
	dial := pool.DialContext
	pool.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		if dead.Load() {
			return nil, &net.OpError{Op: "dial", Net: network, Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
		}
		connection, err := dial(ctx, network, address)
		return &mortal{Conn: connection, dead: &dead}, err
	}
	session := connect(t, s, pool)
	dead.Store(true)
	check(t, call(t.Context(), session, "work", nil), v1alpha1.ErrorConnectionRefused, false)
	if n := s.requests.Load(); n != 0 {
		t.Errorf("the server got %d calls", n)
	}
}

// mortal is a connection that nothing can be written to once it is dead.
type mortal struct {
	net.Conn
	dead *atomic.Bool
}

func (m *mortal) Write(data []byte) (int, error) {
	if m.dead.Load() {
		return 0, syscall.EPIPE
	}
	return m.Conn.Write(data)
}

// TestUnavailableBeforeTheBody: a server that says 503 before it has the whole call has not run it.
func TestUnavailableBeforeTheBody(t *testing.T) {
	s := newServer(t, plainJSON, "tools/call", nil)
	s.fault = func(w http.ResponseWriter, _ *http.Request) {
		connection, _, _ := http.NewResponseController(w).Hijack()
		_, _ = io.WriteString(connection, "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n")
		<-s.done
		_ = connection.Close()
	}
	session := connect(t, s, mcpserver.NewTransport())
	large := map[string]any{"how": strings.Repeat("x", 32<<20)}
	check(t, call(t.Context(), session, "work", large), v1alpha1.ErrorUnavailable, false)
}

// TestPlainHTTP: callers that pass bytes on use the client without the SDK.
func TestPlainHTTP(t *testing.T) {
	post := func(t *testing.T, ctx context.Context, s *server, session string) error {
		t.Helper()
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL, strings.NewReader(`{"method":"tools/call"}`))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Mcp-Session-Id", session)
		response, err := mcpserver.NewHTTPClient(s.endpoint(), mcpserver.NewTransport()).Do(request)
		if err != nil {
			return err
		}
		defer response.Body.Close()
		return mcpserver.StatusError(response)
	}
	cases := map[string]struct {
		fault   http.HandlerFunc
		session string
		class   v1alpha1.ErrorClass
		sent    bool
	}{
		"503":                     {answer(503, "", ""), "", v1alpha1.ErrorUnavailable, true},
		"404 of a session":        {answer(404, "", ""), "abc", v1alpha1.ErrorSessionLost, false},
		"reset without an answer": {cut, "", v1alpha1.ErrorUnavailable, true},
		"hangs":                   {hang, "", v1alpha1.ErrorTimeout, true},
		"headers without end":     {headersWithoutEnd, "", v1alpha1.ErrorProtocol, true},
		"200":                     {answer(200, "", ""), "", "", true},
		"404 without a session":   {answer(404, "", ""), "", "", true},
		"403":                     {answer(403, "", ""), "abc", "", true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s := newServer(t, stateless, "tools/call", c.fault)
			ctx, late := steady.Overdue(t.Context())
			if c.class == v1alpha1.ErrorTimeout {
				s.late = late
			}
			err := post(t, ctx, s, c.session)
			if c.class == "" && err == nil {
				return
			}
			check(t, err, c.class, c.sent)
		})
	}
	t.Run("canceled with a cause", func(t *testing.T) {
		s := newServer(t, stateless, "tools/call", hang)
		ctx, cancel := context.WithCancelCause(t.Context())
		go func() {
			await(t, "the request to arrive", func() bool { return s.requests.Load() == 1 })
			cancel(errors.New("the browser has gone"))
		}()
		check(t, post(t, ctx, s, ""), v1alpha1.ErrorCanceled, true)
	})
	t.Run("no error", func(t *testing.T) {
		if got := mcpserver.Classify(nil); got != "" {
			t.Errorf("no error has class %s", got)
		}
	})
}

// TestNoProxy looks at the field: net/http never asks a proxy for loopback, so no request of a test would show it.
func TestNoProxy(t *testing.T) {
	if mcpserver.NewTransport().Proxy != nil {
		t.Error("MCP servers of the cluster are called through a proxy")
	}
}

// TestHostHeader: the server sees the Service's name, wherever it was dialed.
func TestHostHeader(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	host := make(chan string, 1)
	go func() {
		connection, err := listener.Accept()
		if err != nil {
			return
		}
		defer connection.Close()
		request, err := http.ReadRequest(bufio.NewReader(connection))
		if err != nil {
			return
		}
		host <- request.Host
	}()
	endpoint := mcpserver.Endpoint{URL: "http://" + listener.Addr().String() + "/mcp", Host: "sandfly-mcp-server.cortex-system.svc:3000"}
	request, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, endpoint.URL, nil)
	response, err := mcpserver.NewHTTPClient(endpoint, mcpserver.NewTransport()).Do(request)
	if err == nil {
		response.Body.Close()
	}
	select {
	case got := <-host:
		if got != endpoint.Host {
			t.Errorf("Host is %q, want %q", got, endpoint.Host)
		}
	case <-time.After(patience):
		t.Error("the request did not arrive")
	}
}

// await polls until a thing is so.
func await(t *testing.T, what string, so func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for !so() {
		if time.Now().After(deadline) {
			t.Errorf("waited %s for %s", patience, what)
			return
		}
		<-time.After(time.Millisecond)
	}
}

// TestResolverThatIsSilent: the time for a dial is up before there is an address to dial.
func TestResolverThatIsSilent(t *testing.T) {
	late := &net.OpError{Op: "dial", Net: "tcp", Err: context.DeadlineExceeded}
	if got := mcpserver.ReasonOf(late); got != mcpserver.NoResolver {
		t.Errorf("without an address it is %s", got)
	}
	late.Addr = &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 3000}
	if got := mcpserver.ReasonOf(late); got != mcpserver.DialTimeout {
		t.Errorf("with one it is %s", got)
	}
}
