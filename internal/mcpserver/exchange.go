// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package mcpserver

import (
	"context"
	"net/http"
	"net/http/httptrace"
	"sync"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// Exchange is what is known of one HTTP request to an MCP server. The SDK turns most of it into text; the class of a
// failure, and whether the call may be replayed, must stand on facts.
type Exchange struct {
	// Connected: there was a connection to write to.
	Connected bool
	// Written: the whole request was handed to the connection.
	Written bool
	// Answered: at least one byte came back.
	Answered bool
	// Status of the HTTP answer; 0 if there was none.
	Status int
	// Session: the request named an MCP session.
	Session bool
	// RetryAfter is when the server wants to be asked again; 0 if it did not say.
	RetryAfter time.Duration
	// Cut: the answer began and its connection broke, or its stream ended, before it was whole.
	Cut bool
	// Flooded: the answer went beyond its bound.
	Flooded bool
	// WantsTLS: the answer is how a server that speaks TLS turns down a request without it.
	WantsTLS bool
}

// Sent reports whether the server may have acted on the request. It is false only where that is proven:
//   - there was no connection;
//   - 404 to a request with a session ID: the server does not know the session (MCP, "Session Management");
//   - 503 before the whole request was written. A 503 after it is no proof: proxies such as Envoy give it as well when
//     the server died over the request.
func (x Exchange) Sent() bool {
	switch {
	case !x.Connected:
		return false
	case x.Status == http.StatusNotFound && x.Session:
		return false
	case x.Status == http.StatusServiceUnavailable && !x.Written:
		return false
	default:
		return true
	}
}

// RequestError is a failed request, with what is known of it.
type RequestError struct {
	Exchange
	Err error
}

// Error implements error. It adds nothing: the facts are for programs.
func (e *RequestError) Error() string { return e.Err.Error() }

// Unwrap gives errors.Is and errors.As the underlying error.
func (e *RequestError) Unwrap() error { return e.Err }

// Timeout tells url.Error, which looks no deeper than one level, what kind of error it wraps.
func (e *RequestError) Timeout() bool { return isTimeout(e.Err) }

// notes collects an Exchange while net/http, in goroutines of its own, makes it.
type notes struct {
	mu       sync.Mutex
	exchange Exchange
	taken    bool
}

// take reserves the notes for one request. The SDK sends a notice of cancellation with the values of the cancelled call's
// context: it must not write over what is known of the call.
func (n *notes) take() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	first := !n.taken
	n.taken = true
	return first
}

func (n *notes) write(change func(*Exchange)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	change(&n.exchange)
}

func (n *notes) read() Exchange {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.exchange
}

type notesKey struct{}

// notesOf begins to note a request, on the notes that its context carries or on new ones.
func notesOf(request *http.Request) (*notes, context.Context) {
	ctx := request.Context()
	n, ok := ctx.Value(notesKey{}).(*notes)
	if !ok || !n.take() {
		n = &notes{}
	}
	session := request.Header.Get(sessionHeader) != ""
	return n, httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		// GetConn opens every attempt. net/http makes a second one of a POST only if it has written nothing of the
		// first (persistConn.shouldRetryRequest), so the notes may begin anew.
		GetConn: func(string) {
			n.write(func(x *Exchange) { *x = Exchange{Session: session} })
		},
		// GotConn and not WroteHeaders: it runs before anything is written and in the caller's goroutine, so it
		// cannot come too late when the caller gives up.
		GotConn: func(httptrace.GotConnInfo) {
			n.write(func(x *Exchange) { x.Connected = true })
		},
		// WroteRequest runs before the last of the request is flushed, so an answer to a whole request comes after it.
		WroteRequest: func(info httptrace.WroteRequestInfo) {
			n.write(func(x *Exchange) { x.Written = info.Err == nil })
		},
		GotFirstResponseByte: func() {
			n.write(func(x *Exchange) { x.Answered = true })
		},
	})
}

// withFacts is a sending middleware of the SDK: it makes the error of each call a *RequestError. The SDK makes one POST
// a call (multi-round-trips are off), so the notes are of that POST; a call that makes none, since its session is
// closed, is proven not to have been sent.
func withFacts(next mcp.MethodHandler) mcp.MethodHandler {
	return func(ctx context.Context, method string, request mcp.Request) (mcp.Result, error) {
		o, isOpening := ctx.Value(openingKey{}).(*opening)
		if isOpening && o.first != nil && !o.first.Connected {
			return nil, o.first // nobody is there: the SDK's second attempt would dial again
		}
		n := &notes{}
		result, err := next(context.WithValue(ctx, notesKey{}, n), method, request)
		if err == nil {
			return result, nil
		}
		failed := &RequestError{Exchange: n.read(), Err: err}
		if isOpening && o.first == nil {
			o.first = failed
		}
		return nil, failed
	}
}
