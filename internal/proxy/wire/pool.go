// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

// Package wire sends requests to MCP servers over HTTP/1.1 and knows of each failure whether the server may have acted on it. Beside
// http.Transport it saves the two goroutines of every connection and their hand-overs, which cost more than all else that the gateway
// does with a call; and it looks whether the server has closed a kept connection before a call is given to it.
package wire

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/ry-ops/cortex/internal/mcpserver"
)

const (
	// maxIdle bounds the connections that are kept for one session.
	maxIdle = 32
	// keep is shorter than the 5 s after which Node and uvicorn close an idle connection by default: so the client closes first.
	keep = 4 * time.Second
	// bufferSize of a connection's reader. Large enough for a usual answer.
	bufferSize = 8 << 10
	// lastLook is how long an answer is waited for that was given before the whole request was read.
	lastLook = 200 * time.Millisecond
)

// Pool has the connections of one session with a server. The zero value with a Dial is ready; it is safe for concurrent use.
type Pool struct {
	// Dial opens a connection.
	Dial func(context.Context) (net.Conn, error)
	// Silence bounds the time without a byte from the server, or with one that cannot be sent to it. Zero means no bound.
	Silence time.Duration

	mu     sync.Mutex
	idle   []*conn
	closed bool
}

// Request is a POST or a GET.
type Request struct {
	// Head is the request line and the headers, each with its line end, without Content-Length.
	Head []byte
	// Body in parts; nil for a GET.
	Body [][]byte
	// Session: the head names an MCP session.
	Session bool
	// Patient: the answer is a stream that may be silent for ever.
	Patient bool
}

// Do sends a request and returns the head of the answer. Its error is a *mcpserver.RequestError. When ctx ends, so does the
// connection.
func (p *Pool) Do(ctx context.Context, request Request) (*Response, error) {
	exchange := mcpserver.Exchange{Session: request.Session}
	c, err := p.take(ctx)
	if err != nil {
		return nil, failed(ctx, exchange, fmt.Errorf("connecting: %w", err))
	}
	exchange.Connected = true
	c.patience = p.Silence
	response := &Response{pool: p, conn: c, stop: context.AfterFunc(ctx, func() { _ = c.net.Close() })}
	if err := c.send(request); err == nil {
		exchange.Written = true
	} else if c.patience = lastLook; !c.answers() {
		response.Discard()
		return nil, failed(ctx, exchange, fmt.Errorf("sending the request: %w", err))
	}
	if err := response.head(&exchange); err != nil {
		response.Discard()
		return nil, failed(ctx, exchange, fmt.Errorf("reading the answer: %w", err))
	}
	if request.Patient {
		c.patience = 0
	}
	response.ctx, response.Exchange = ctx, exchange
	return response, nil
}

// failed is an error with what is known of the request. An end of ctx is the cause of all that follows from it.
func failed(ctx context.Context, exchange mcpserver.Exchange, err error) *mcpserver.RequestError {
	if ended := ctx.Err(); ended != nil {
		err = fmt.Errorf("%w: %w", ended, err)
	}
	return &mcpserver.RequestError{Exchange: exchange, Err: err}
}

// Close closes the connections that are idle, and each other one once its answer is read.
func (p *Pool) Close() {
	p.mu.Lock()
	idle := p.idle
	p.idle, p.closed = nil, true
	p.mu.Unlock()
	for _, c := range idle {
		c.end()
	}
}

// take returns a kept connection that is alive, or a new one.
func (p *Pool) take(ctx context.Context) (*conn, error) {
	for {
		c := p.kept()
		if c == nil {
			break
		}
		if c.expiry.Stop() && c.alive() {
			return c, nil
		}
		_ = c.net.Close()
	}
	opened, err := p.Dial(ctx)
	if err != nil {
		return nil, err
	}
	c := &conn{net: opened}
	c.raw, _ = rawOf(opened)
	c.in = bufio.NewReaderSize(c, bufferSize)
	return c, nil
}

// kept takes the connection that was used last.
func (p *Pool) kept() *conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	last := len(p.idle) - 1
	if last < 0 {
		return nil
	}
	c := p.idle[last]
	p.idle[last] = nil
	p.idle = p.idle[:last]
	return c
}

// put keeps a connection whose answer was read to its end.
func (p *Pool) put(c *conn) {
	p.mu.Lock()
	full := p.closed || len(p.idle) == maxIdle
	if !full {
		if c.expiry == nil {
			c.expiry = time.AfterFunc(keep, func() { p.expire(c) })
		} else {
			c.expiry.Reset(keep)
		}
		p.idle = append(p.idle, c)
	}
	p.mu.Unlock()
	if full {
		c.end()
	}
}

func (p *Pool) expire(c *conn) {
	p.mu.Lock()
	for i, one := range p.idle {
		if one == c {
			p.idle = append(p.idle[:i], p.idle[i+1:]...)
			break
		}
	}
	p.mu.Unlock()
	_ = c.net.Close()
}

// conn is one connection. One request at a time uses it.
type conn struct {
	net net.Conn
	raw syscall.RawConn
	in  *bufio.Reader
	// patience bounds each read and write; zero does not.
	patience time.Duration
	bounded  bool
	expiry   *time.Timer
	out      []byte
}

func (c *conn) end() {
	if c.expiry != nil {
		c.expiry.Stop()
	}
	_ = c.net.Close()
}

// Read implements io.Reader, for the buffer.
func (c *conn) Read(into []byte) (int, error) {
	switch {
	case c.patience > 0:
		_ = c.net.SetReadDeadline(time.Now().Add(c.patience))
		c.bounded = true
	case c.bounded:
		_ = c.net.SetReadDeadline(time.Time{})
		c.bounded = false
	}
	return c.net.Read(into)
}

// maxKeptOut bounds the buffer for requests that a connection keeps.
const maxKeptOut = 32 << 10

// send writes a request in one piece.
func (c *conn) send(request Request) error {
	out := append(c.out[:0], request.Head...)
	if request.Body != nil {
		length := 0
		for _, part := range request.Body {
			length += len(part)
		}
		out = append(out, "Content-Length: "...)
		out = strconv.AppendInt(out, int64(length), 10)
		out = append(out, "\r\n"...)
	}
	out = append(out, "\r\n"...)
	for _, part := range request.Body {
		out = append(out, part...)
	}
	if c.patience > 0 {
		_ = c.net.SetWriteDeadline(time.Now().Add(c.patience))
	}
	_, err := c.net.Write(out)
	if c.out = out; cap(out) > maxKeptOut {
		c.out = nil
	}
	return err
}

// answers reports whether the server has said something although it did not read the whole request.
func (c *conn) answers() bool {
	_, err := c.in.Peek(1)
	return err == nil
}

// alive reports whether a kept connection is still open, without waiting. A server that is gone has closed it.
func (c *conn) alive() bool {
	if c.raw == nil {
		return true
	}
	open := false
	err := c.raw.Read(func(fd uintptr) bool {
		var one [1]byte
		_, _, err := syscall.Recvfrom(int(fd), one[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		// Anything else is its end, or an answer that nobody asked for.
		open = err == syscall.EAGAIN || err == syscall.EWOULDBLOCK || err == syscall.EINTR
		return true
	})
	return err == nil && open
}

func rawOf(c net.Conn) (syscall.RawConn, error) {
	if socket, ok := c.(syscall.Conn); ok {
		return socket.SyscallConn()
	}
	return nil, nil
}
