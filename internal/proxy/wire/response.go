// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http/httputil"
	"strconv"
	"time"

	"github.com/ry-ops/cortex/internal/mcpserver"
)

// maxHeader bounds the head of an answer. MCP servers send a few hundred bytes.
const maxHeader = 64 << 10

// Response is the answer to a request. Read its body to the end, or Discard it.
type Response struct {
	Status      int
	ContentType string
	// SessionID is the value of Mcp-Session-Id.
	SessionID string
	// Length of the body; -1 if it is not known before its end.
	Length int64
	// Exchange is what is known of the request.
	Exchange mcpserver.Exchange

	ctx     context.Context //nolint:containedctx // the request's own, for the errors of Read
	pool    *Pool
	conn    *conn
	stop    func() bool
	body    io.Reader
	chunked bool
	close   bool
	// retryAfter is what the header of that name says.
	retryAfter time.Duration
}

var (
	errHead   = errors.New("the head of the answer is no HTTP/1.1")
	errHeader = fmt.Errorf("the head of the answer is larger than %d bytes", maxHeader)
)

// Read reads the body. Its error is io.EOF or a *mcpserver.RequestError.
func (r *Response) Read(into []byte) (int, error) {
	if r.conn == nil {
		return 0, io.EOF
	}
	n, err := r.body.Read(into)
	switch {
	case err == nil:
		return n, nil
	case errors.Is(err, io.EOF) && r.whole():
		r.done()
		return n, io.EOF
	case errors.Is(err, io.EOF):
		err = io.ErrUnexpectedEOF
	}
	r.Exchange.Cut = true // unless it was late: a timeout is told from it by its error
	failure := failed(r.ctx, r.Exchange, fmt.Errorf("reading the answer: %w", err))
	r.Discard()
	return n, failure
}

// whole reports whether a body that ends was complete, and reads what follows a chunked one.
func (r *Response) whole() bool {
	if limited, ok := r.body.(*io.LimitedReader); ok {
		return limited.N == 0
	}
	if r.chunked {
		for budget := maxHeader; ; {
			line, err := r.line(&budget)
			if err != nil {
				return false
			}
			if len(line) == 0 {
				return true
			}
		}
	}
	return true
}

// done gives the connection back.
func (r *Response) done() {
	c := r.conn
	r.conn = nil
	if !r.stop() || r.close || c.in.Buffered() > 0 {
		c.end()
		return
	}
	r.pool.put(c)
}

// Discard ends an answer that is not read to its end, and its connection.
func (r *Response) Discard() {
	if r.conn == nil {
		return
	}
	r.stop()
	r.conn.end()
	r.conn = nil
}

// Hurry bounds the wait for more of the body.
func (r *Response) Hurry(patience time.Duration) {
	if r.conn != nil {
		r.conn.patience = patience
	}
}

// head reads the head of the final answer.
func (r *Response) head(exchange *mcpserver.Exchange) error {
	for budget := maxHeader; ; {
		if _, err := r.conn.in.Peek(1); err != nil {
			return err
		}
		exchange.Answered = true
		if exchange.WantsTLS = r.alert(); exchange.WantsTLS {
			return errHead
		}
		if err := r.one(&budget); err != nil {
			exchange.Cut = mcpserver.Broke(err)
			return err
		}
		if r.Status >= 200 {
			break
		}
	}
	exchange.Status, exchange.RetryAfter = r.Status, r.retryAfter
	r.close = r.close || !exchange.Written
	return nil
}

// alert reports whether the answer is an alert of TLS (RFC 8446, 5.1: content type 21, version 3.x), as a server that speaks it answers
// a request without.
func (r *Response) alert() bool {
	first, _ := r.conn.in.Peek(1)
	if first[0] != 21 {
		return false
	}
	record, _ := r.conn.in.Peek(2)
	return len(record) == 2 && record[1] == 3
}

// one reads a status line and the headers after it.
func (r *Response) one(budget *int) error {
	line, err := r.line(budget)
	if err != nil {
		return err
	}
	version, rest, _ := bytes.Cut(line, []byte(" "))
	code, _, _ := bytes.Cut(rest, []byte(" "))
	status, err := strconv.Atoi(string(code))
	if err != nil || len(code) != 3 || status < 100 || !bytes.HasPrefix(version, []byte("HTTP/1.")) {
		return errHead
	}
	r.Status, r.Length, r.chunked, r.close = status, -1, false, string(version) == "HTTP/1.0"
	for {
		line, err := r.line(budget)
		if err != nil {
			return err
		}
		if len(line) == 0 {
			return r.frame()
		}
		name, value, ok := bytes.Cut(line, []byte(":"))
		if !ok || len(name) == 0 || bytes.ContainsAny(name, " \t") {
			return errHead
		}
		if err := r.header(name, bytes.TrimSpace(value)); err != nil {
			return err
		}
	}
}

func (r *Response) header(name, value []byte) error {
	switch {
	case is(name, "content-length"):
		length, err := strconv.ParseUint(string(value), 10, 63)
		if err != nil || r.Length >= 0 && r.Length != int64(length) {
			return errHead
		}
		r.Length = int64(length)
	case is(name, "transfer-encoding"):
		if r.chunked || !is(value, "chunked") {
			return errHead
		}
		r.chunked = true
	case is(name, "connection"):
		r.close = r.close && !is(value, "keep-alive") || is(value, "close")
	case is(name, "content-type"):
		r.ContentType = mediaType(value)
	case is(name, "mcp-session-id"):
		r.SessionID = string(value)
	case is(name, "content-encoding"):
		if !is(value, "identity") {
			return fmt.Errorf("the answer is encoded as %q, which was not asked for", value)
		}
	case is(name, "retry-after"):
		r.retryAfter = mcpserver.RetryAfter(string(value))
	}
	return nil
}

// frame finds out where the body ends (RFC 9112, 6.3).
func (r *Response) frame() error {
	switch {
	case r.Status < 200:
	case r.chunked && r.Length >= 0:
		return errHead // two lengths: whoever is in between may have seen another end
	case r.Status == 204 || r.Status == 304:
		r.Length, r.chunked = 0, false
		r.body = &io.LimitedReader{R: r.conn.in}
	case r.chunked:
		r.body = httputil.NewChunkedReader(r.conn.in)
	case r.Length >= 0:
		r.body = &io.LimitedReader{R: r.conn.in, N: r.Length}
	default:
		r.body, r.close = r.conn.in, true
	}
	return nil
}

// line reads a line without its end. It is valid until the next read.
func (r *Response) line(budget *int) ([]byte, error) {
	line, err := r.conn.in.ReadSlice('\n')
	if *budget -= len(line); *budget < 0 || errors.Is(err, bufio.ErrBufferFull) {
		return nil, errHeader
	}
	if errors.Is(err, io.EOF) {
		return nil, io.ErrUnexpectedEOF
	}
	if err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(line[:len(line)-1], []byte("\r")), nil
}

// is compares without regard to the case of letters.
func is(text []byte, lower string) bool {
	return len(text) == len(lower) && bytes.EqualFold(text, []byte(lower))
}

// The two types of an answer, without an allocation for each.
const (
	JSON   = "application/json"
	Events = "text/event-stream"
)

func mediaType(value []byte) string {
	kind, _, _ := bytes.Cut(value, []byte(";"))
	kind = bytes.TrimSpace(kind)
	switch {
	case is(kind, JSON):
		return JSON
	case is(kind, Events):
		return Events
	default:
		return string(kind)
	}
}
