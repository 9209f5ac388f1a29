// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/mcpserver"
)

const head = "POST /mcp HTTP/1.1\r\nHost: x\r\n"

// peer is a server that answers each request on a connection with what it is told, and then ends the connection if it has no more.
func peer(t testing.TB, answers ...string) (*Pool, *atomic.Int64) {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = conn.Close() }()
				in := bufio.NewReader(conn)
				for _, answer := range answers {
					request, err := http.ReadRequest(in)
					if err != nil {
						return
					}
					_, _ = io.Copy(io.Discard, request.Body)
					_, _ = io.WriteString(conn, answer)
				}
			}()
		}
	}()
	var dialled atomic.Int64
	pool := &Pool{Silence: time.Minute, Dial: func(ctx context.Context) (net.Conn, error) {
		dialled.Add(1)
		return (&net.Dialer{}).DialContext(ctx, "tcp", listener.Addr().String())
	}}
	t.Cleanup(pool.Close)
	return pool, &dialled
}

func ask(t testing.TB, pool *Pool) (*Response, string, error) {
	t.Helper()
	response, err := pool.Do(t.Context(), Request{Head: []byte(head), Body: [][]byte{[]byte("ab"), []byte("c")}, Session: true})
	if err != nil {
		return nil, "", err
	}
	body, err := io.ReadAll(response)
	return response, string(body), err
}

func TestAnswers(t *testing.T) {
	for name, tc := range map[string]struct {
		answer, body string
		status       int
		kept         bool
	}{
		"length":                 {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Type: Application/JSON; charset=utf-8\r\n\r\nhello", "hello", 200, true},
		"chunks and a trailer":   {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\nTrailer: x\r\n\r\n", "hello", 200, true},
		"nothing":                {"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n", "", 202, true},
		"no content":             {"HTTP/1.1 204 No Content\r\n\r\n", "", 204, true},
		"a word before":          {"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", "x", 200, true},
		"to the end":             {"HTTP/1.1 200 OK\r\n\r\nhello", "hello", 200, false},
		"close":                  {"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx", "x", 200, false},
		"HTTP/1.0":               {"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx", "x", 200, false},
		"more than was said":     {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\ny", "x", 200, false},
		"line ends without a CR": {"HTTP/1.1 200 OK\nContent-Length: 1\n\nx", "x", 200, true},
	} {
		t.Run(name, func(t *testing.T) {
			answers := []string{tc.answer, tc.answer}
			if !tc.kept {
				answers = answers[:1]
			}
			pool, dialled := peer(t, answers...)
			for range 2 {
				response, body, err := ask(t, pool)
				if err != nil || body != tc.body || response.Status != tc.status {
					t.Fatalf("got %+v %q %v", response, body, err)
				}
			}
			if kept := dialled.Load() == 1; kept != tc.kept {
				t.Errorf("dialled %d times", dialled.Load())
			}
		})
	}
}

func TestFailures(t *testing.T) {
	for name, tc := range map[string]struct {
		answer string
		class  v1alpha1.ErrorClass
	}{
		"nothing":                 {"", v1alpha1.ErrorUnavailable},
		"half a head":             {"HTTP/1.1 200 OK\r\nContent-Le", v1alpha1.ErrorStreamCut},
		"half a body":             {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhe", v1alpha1.ErrorStreamCut},
		"half a chunk":            {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe", v1alpha1.ErrorStreamCut},
		"chunks without an end":   {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n", v1alpha1.ErrorStreamCut},
		"an alert of TLS":         {"\x15\x03\x01\x00\x02\x02\x46", v1alpha1.ErrorTLS},
		"no HTTP":                 {"SSH-2.0-x\r\n", v1alpha1.ErrorProtocol},
		"two lengths":             {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx", v1alpha1.ErrorProtocol},
		"a length and chunks":     {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", v1alpha1.ErrorProtocol},
		"a negative length":       {"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", v1alpha1.ErrorProtocol},
		"a header over two lines": {"HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n", v1alpha1.ErrorProtocol},
		"a head without an end":   {"HTTP/1.1 200 OK\r\n" + strings.Repeat("X: "+strings.Repeat("x", 1000)+"\r\n", 100), v1alpha1.ErrorProtocol},
		"compressed, unasked":     {"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 0\r\n\r\n", v1alpha1.ErrorProtocol},
	} {
		t.Run(name, func(t *testing.T) {
			pool, _ := peer(t, tc.answer)
			_, _, err := ask(t, pool)
			if class := mcpserver.Classify(err); class != tc.class || !mcpserver.Sent(err) {
				t.Errorf("got %s, sent %t: %v", class, mcpserver.Sent(err), err)
			}
		})
	}
}

// TestClosedWhileKept: a server that has closed a kept connection is not given a call on it, so a call that must not run twice is safe.
func TestClosedWhileKept(t *testing.T) {
	pool, dialled := peer(t, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx") // and closes
	for i := range 5 {
		if _, _, err := ask(t, pool); err != nil {
			t.Fatal(err)
		}
		until(t, func() bool {
			pool.mu.Lock()
			defer pool.mu.Unlock()
			return len(pool.idle) == 0 || !pool.idle[0].alive()
		})
		if int(dialled.Load()) != i+1 {
			t.Errorf("dialled %d times", dialled.Load())
		}
	}
}

func until(t testing.TB, holds func() bool) {
	t.Helper()
	again, limit := time.NewTicker(time.Millisecond), time.After(time.Minute)
	defer again.Stop()
	for !holds() {
		select {
		case <-again.C:
		case <-limit:
			t.Fatal("waited in vain")
		}
	}
}

func TestNobodyThere(t *testing.T) {
	pool := &Pool{Dial: func(ctx context.Context) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "tcp", "127.0.0.1:1")
	}}
	_, _, err := ask(t, pool)
	if class := mcpserver.Classify(err); class != v1alpha1.ErrorConnectionRefused || mcpserver.Sent(err) {
		t.Errorf("got %s: %v", class, err)
	}
}

// TestSilence: a server that does not answer, and one that stops in the middle.
func TestSilence(t *testing.T) {
	for name, answer := range map[string]string{"no answer": "", "no end": "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhe"} {
		t.Run(name, func(t *testing.T) {
			pool, _ := peer(t, answer, "") // it waits for another request
			pool.Silence = 500 * time.Millisecond
			_, _, err := ask(t, pool)
			if class := mcpserver.Classify(err); class != v1alpha1.ErrorTimeout || !mcpserver.Sent(err) {
				t.Errorf("got %s: %v", class, err)
			}
		})
	}
}

// TestGivenUp: the end of the context ends the request wherever it is, and counts as the caller's.
func TestGivenUp(t *testing.T) {
	for name, answer := range map[string]string{"no answer": "", "no end": "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhe"} {
		t.Run(name, func(t *testing.T) {
			pool, _ := peer(t, answer, "")
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(20*time.Millisecond, cancel)
			response, err := pool.Do(ctx, Request{Head: []byte(head), Body: [][]byte{{}}})
			if err == nil {
				_, err = io.ReadAll(response)
			}
			if !errors.Is(err, context.Canceled) || mcpserver.Classify(err) != v1alpha1.ErrorCanceled {
				t.Errorf("got %v", err)
			}
		})
	}
}

// TestEarlyAnswer: a server that refuses a request before it has read it is heard.
func TestEarlyAnswer(t *testing.T) {
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		_, _ = io.WriteString(conn, "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n")
		_, _ = io.ReadFull(conn, make([]byte, 1000))
		_ = conn.(*net.TCPConn).CloseWrite()
		_, _ = io.ReadFull(conn, make([]byte, 1<<20))
		_ = conn.Close()
	}()
	pool := &Pool{Silence: time.Minute, Dial: func(ctx context.Context) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "tcp", listener.Addr().String())
	}}
	response, err := pool.Do(t.Context(), Request{Head: []byte(head), Body: [][]byte{bytes.Repeat([]byte("x"), 64<<20)}})
	if err != nil {
		t.Skip("the reset came before the answer: ", err) // the kernel may drop what was received (RFC 1122, 4.2.2.13)
	}
	if response.Status != http.StatusServiceUnavailable || response.Exchange.Written || response.Exchange.Sent() {
		t.Errorf("got %+v", response)
	}
}

// FuzzResponse: an answer that both can read, both read alike.
func FuzzResponse(f *testing.F) {
	for _, seed := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n0\r\n\r\n",
		"HTTP/1.1 204 No Content\r\n\r\n", "HTTP/1.0 404 Not Found\r\nConnection: keep-alive\r\n\r\nx",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, answer []byte) {
		near, far := net.Pipe()
		go func() {
			_, _ = far.Write(answer)
			_ = far.Close()
		}()
		c := &conn{net: near}
		c.in = bufio.NewReaderSize(c, bufferSize)
		ours := &Response{ctx: context.Background(), pool: &Pool{closed: true}, conn: c, stop: func() bool { return true }}
		err := ours.head(&mcpserver.Exchange{Written: true})
		if err != nil {
			_ = near.Close()
			return
		}
		body, err := io.ReadAll(ours)
		_ = near.Close()
		if err != nil {
			return
		}
		in := bufio.NewReader(bytes.NewReader(answer))
		theirs, err := http.ReadResponse(in, &http.Request{Method: http.MethodPost}) //nolint:bodyclose // it is read from memory
		for err == nil && theirs.StatusCode < 200 {
			theirs, err = http.ReadResponse(in, &http.Request{Method: http.MethodPost}) //nolint:bodyclose // it is read from memory
		}
		if err != nil {
			return
		}
		want, err := io.ReadAll(theirs.Body)
		if err == nil && (theirs.StatusCode != ours.Status || !bytes.Equal(want, body)) {
			t.Fatalf("got %d %q, net/http %d %q", ours.Status, body, theirs.StatusCode, want)
		}
	})
}
