// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// caller is an MCP client that costs little: one connection, and requests that are made beforehand.
type caller struct {
	conn    net.Conn
	in      *bufio.Reader
	path    string
	session string
	prefix  string
	token   string
}

// dial opens a session.
func dial(ctx context.Context, w way) (*caller, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", w.process.address)
	if err != nil {
		return nil, err
	}
	c := &caller{conn: conn, in: bufio.NewReaderSize(conn, 128<<10), path: w.path, prefix: w.prefix, token: w.token}
	if _, err := c.do(c.request(`{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"bench","version":"1"}}}`)); err != nil {
		return nil, err
	}
	for _, body := range []string{`{"jsonrpc":"2.0","method":"notifications/initialized"}`, `{"jsonrpc":"2.0","id":1,"method":"tools/list"}`} {
		if _, err := c.do(c.request(body)); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func (c *caller) request(body string) []byte {
	headers := ""
	if c.session != "" {
		headers = "Mcp-Session-Id: " + c.session + "\r\n"
	}
	if c.token != "" {
		headers += "Authorization: Bearer " + c.token + "\r\n"
	}
	return fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nAccept: application/json, text/event-stream\r\nMcp-Protocol-Version: 2025-11-25\r\n%sContent-Length: %d\r\n\r\n%s",
		c.path, headers, len(body), body)
}

// call is a request for a tool.
func (c *caller) call(tool string) []byte {
	return c.request(`{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"` + c.prefix + tool + `","arguments":{"q":"which hosts are up?"}}}`)
}

// do sends a request and reads the answer.
func (c *caller) do(request []byte) ([]byte, error) {
	if _, err := c.conn.Write(request); err != nil {
		return nil, err
	}
	response, err := http.ReadResponse(c.in, nil) //nolint:bodyclose // it is read to its end, and the connection is kept
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	if id := response.Header.Get("Mcp-Session-Id"); id != "" {
		c.session = id
	}
	if response.StatusCode/100 != 2 || bytes.Contains(body, []byte(`"error":`)) {
		return nil, fmt.Errorf("HTTP %d: %.200s", response.StatusCode, body)
	}
	return body, nil
}

// measure makes calls one after the other, for some time, and returns how long each took, and how many failed.
func (c *caller) measure(ctx context.Context, tool string, length time.Duration) (took []time.Duration, failed int, err error) {
	request := c.call(tool)
	for begun := time.Now(); time.Since(begun) < length; {
		start := time.Now()
		if _, err := c.do(request); err == nil {
			took = append(took, time.Since(start))
			continue
		}
		failed++
		_ = c.conn.Close()
		if c.conn, err = (&net.Dialer{}).DialContext(ctx, "tcp", c.conn.RemoteAddr().String()); err != nil {
			return nil, failed, err
		}
		c.in.Reset(c.conn)
	}
	return took, failed, nil
}
