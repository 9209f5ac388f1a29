// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package mcpserver_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/ry-ops/cortex/internal/mcpserver"
	"github.com/ry-ops/cortex/test/steady"
)

// patience bounds what must happen soon, on a machine that may be busy.
const patience = time.Minute

// server is a real MCP server on loopback, with a tool "work", and a fault that can be put in front of one method.
type server struct {
	*httptest.Server
	handler atomic.Pointer[http.Handler]
	// method whose requests the fault answers.
	method string
	fault  http.HandlerFunc
	// runs of the tool, requests of the method, and GETs.
	runs, requests, gets atomic.Int32
	// late, if set, is called once a request of the method has come.
	late func()
	// done is closed at the end of the test.
	done chan struct{}
}

func newServer(t *testing.T, options mcp.StreamableHTTPOptions, method string, fault http.HandlerFunc) *server {
	t.Helper()
	s := &server{method: method, fault: fault, done: make(chan struct{})}
	s.restart(options)
	s.Server = httptest.NewServer(s)
	t.Cleanup(func() {
		close(s.done)
		steady.Stop(s.Server)
	})
	return s
}

// restart forgets all sessions, as a new process does.
func (s *server) restart(options mcp.StreamableHTTPOptions) {
	options.DisableLocalhostProtection = true // the Host is a Service's, as in a cluster
	server := mcp.NewServer(&mcp.Implementation{Name: "sandfly-mcp-server", Version: "1.0"}, nil)
	mcp.AddTool(server, &mcp.Tool{Name: "work"}, func(_ context.Context, _ *mcp.CallToolRequest, in struct {
		How string `json:"how,omitempty"`
	}) (*mcp.CallToolResult, any, error) {
		s.runs.Add(1)
		switch in.How {
		case "badly":
			return nil, nil, errors.New("the host does not answer")
		case "later":
			return &mcp.CallToolResult{InputRequests: mcp.InputRequestMap{}}, nil, nil
		case "not at all":
			return nil, nil, &jsonrpc.Error{Code: 1001, Message: "licence expired"}
		default:
			return nil, nil, nil
		}
	})
	handler := http.Handler(mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server }, &options))
	s.handler.Store(&handler)
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet {
		s.gets.Add(1)
	}
	if s.method != "" {
		head := make([]byte, 256)
		n, _ := io.ReadFull(r.Body, head)
		body := io.MultiReader(bytes.NewReader(head[:n]), r.Body)
		r.Body = io.NopCloser(body)
		if bytes.Contains(head[:n], []byte(`"method":"`+s.method+`"`)) {
			s.requests.Add(1)
			if s.late != nil {
				s.late()
			}
			if s.fault != nil {
				s.fault(w, r)
				return
			}
		}
	}
	(*s.handler.Load()).ServeHTTP(w, r)
}

func (s *server) endpoint() mcpserver.Endpoint {
	return mcpserver.Endpoint{Namespace: "cortex-system", Service: "sandfly-mcp-server", URL: s.URL + "/mcp", Host: "sandfly-mcp-server.cortex-system.svc:3000"}
}

// cut closes the connection of a request without an answer.
func cut(w http.ResponseWriter, _ *http.Request) {
	connection, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	_ = connection.(*net.TCPConn).SetLinger(0) // reset, as a killed process's kernel does with unread data
	_ = connection.Close()
}

// answer gives a whole HTTP answer.
func answer(status int, contentType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// breakOff begins an answer and closes the connection in the middle of it.
func breakOff(contentType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", contentType)
		w.Header().Set("Content-Length", "4096")
		_, _ = io.WriteString(w, body)
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
}

// hang accepts a request and answers nothing until the client has gone.
func hang(_ http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	<-r.Context().Done()
}

// hangInBody sends the headers of an answer and no more.
func hangInBody(contentType string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", contentType)
		_ = http.NewResponseController(w).Flush()
		hang(w, r)
	}
}
