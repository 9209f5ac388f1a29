// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// The ways to be broken on the wire: each is an answer to an MCP request that no server which is well gives. Health and
// readiness are well.
const (
	// modeStatus answers with the HTTP status of the fault's code.
	modeStatus mode = "status"
	// modeReset takes the request and resets the connection.
	modeReset mode = "reset"
	// modeStallBody sends the headers of an answer and no more.
	modeStallBody mode = "stall-body"
	// modeCutStream begins a stream of events and cuts the connection in the middle of one.
	modeCutStream mode = "cut-stream"
	// modeCutHead cuts the connection in the middle of the headers.
	modeCutHead mode = "cut-head"
	// modeEndStream ends a stream of events politely, without the answer.
	modeEndStream mode = "end-stream"
	// modeLoseSession knows no session, though it opens them.
	modeLoseSession mode = "lose-session"
	// modeWebPage answers in HTML.
	modeWebPage mode = "web-page"
	// modeTLS answers with an alert of TLS.
	modeTLS mode = "tls"
	// modeRPCError answers with an internal error of JSON-RPC.
	modeRPCError mode = "rpc-error"
	// modeFlood answers with 9 MiB.
	modeFlood mode = "flood"
	// modeDependencyDown makes every tool say that its backend refuses connections.
	modeDependencyDown mode = "dependency-down"
)

const floodBytes = 9 << 20

// wire are the faults that answer in place of the MCP server.
var wire = map[mode]func(http.ResponseWriter, *http.Request, fault){
	modeHang:      func(_ http.ResponseWriter, r *http.Request, _ fault) { <-r.Context().Done() },
	modeStatus:    answerStatus,
	modeReset:     func(w http.ResponseWriter, _ *http.Request, _ fault) { hijack(w, "") },
	modeStallBody: stallBody,
	modeCutStream: cutStream,
	modeCutHead: func(w http.ResponseWriter, _ *http.Request, _ fault) {
		hijack(w, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n")
	},
	modeEndStream: func(w http.ResponseWriter, _ *http.Request, _ fault) {
		w.Header().Set("Content-Type", "text/event-stream")
	},
	modeLoseSession: loseSession,
	modeWebPage: func(w http.ResponseWriter, _ *http.Request, _ fault) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<h1>Welcome to nginx!</h1>")
	},
	modeTLS:      func(w http.ResponseWriter, _ *http.Request, _ fault) { hijack(w, "\x15\x03\x01\x00\x02\x02\x46") },
	modeRPCError: rpcError,
	modeFlood: func(w http.ResponseWriter, _ *http.Request, _ fault) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"jsonrpc":"2.0","id":1,"result":"`+strings.Repeat("x", floodBytes)+`"}`)
	},
}

// broken answers as the fault says, where a request meets it.
func (f *faults) broken(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := wire[f.current().Mode]
		if answer == nil {
			next.ServeHTTP(w, r)
			return
		}
		now := f.meet(says(r, `"method":"tools/call"`))
		if now.Mode == modeNone || now.Mode == modeLoseSession && opens(r) {
			next.ServeHTTP(w, r)
			return
		}
		if now.Runs {
			next.ServeHTTP(nowhere{}, r)
		}
		_, _ = io.Copy(io.Discard, r.Body) // net/http sees that a client has gone only once the body is read
		answer(w, r, now)
	})
}

// nowhere takes an answer that nobody gets.
type nowhere http.Header

func (n nowhere) Header() http.Header          { return http.Header(n) }
func (nowhere) Write(data []byte) (int, error) { return len(data), nil }
func (nowhere) WriteHeader(int)                {}
func (nowhere) Flush()                         {}

// says reports whether the body of a request has a text in it, and leaves the body as it was.
func says(r *http.Request, text string) bool {
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	return bytes.Contains(body, []byte(text))
}

// opens reports whether a request begins a session. One of the protocol without sessions is none.
func opens(r *http.Request) bool {
	return r.Header.Get("Mcp-Session-Id") == "" && says(r, `"method":"initialize"`)
}

func loseSession(w http.ResponseWriter, r *http.Request, _ fault) {
	if r.Header.Get("Mcp-Session-Id") == "" {
		http.Error(w, "initialize first", http.StatusBadRequest)
		return
	}
	http.Error(w, "session not found", http.StatusNotFound)
}

func answerStatus(w http.ResponseWriter, _ *http.Request, now fault) {
	switch now.Code {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", "1")
	case http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	if now.Code/100 == 3 {
		w.Header().Set("Location", "http://169.254.169.254/latest/meta-data/")
	}
	http.Error(w, http.StatusText(now.Code), now.Code)
}

func stallBody(w http.ResponseWriter, r *http.Request, _ fault) {
	w.Header().Set("Content-Type", "text/event-stream")
	_ = http.NewResponseController(w).Flush()
	<-r.Context().Done()
}

func cutStream(w http.ResponseWriter, _ *http.Request, _ fault) {
	w.Header().Set("Content-Type", "text/event-stream")
	_, _ = io.WriteString(w, "event: message\ndata: {\"jsonrpc\":\"2.0\",")
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}

func rpcError(w http.ResponseWriter, _ *http.Request, _ fault) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusBadRequest)
	_, _ = io.WriteString(w, `{"jsonrpc":"2.0","id":1,"error":{"code":-32603,"message":"internal error"}}`)
}

// hijack says its last words and resets the connection, as the kernel does for a process that was killed.
func hijack(w http.ResponseWriter, words string) {
	connection, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	_, _ = io.WriteString(connection, words)
	if tcp, ok := connection.(*net.TCPConn); ok && words == "" {
		_ = tcp.SetLinger(0)
	}
	_ = connection.Close()
}

// dependencyDown is a middleware that makes every tool fail for want of its backend, before it has done anything.
func (f *faults) dependencyDown(next mcp.MethodHandler) mcp.MethodHandler {
	return func(ctx context.Context, method string, request mcp.Request) (mcp.Result, error) {
		if _, ok := request.(*mcp.CallToolRequest); ok && f.current().Mode == modeDependencyDown && f.meet(true).Mode == modeDependencyDown {
			failed := text("querying the database: connect ECONNREFUSED 10.96.0.12:5432")
			failed.IsError = true
			return failed, nil
		}
		return next(ctx, method, request)
	}
}
