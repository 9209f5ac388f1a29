// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/ry-ops/cortex/internal/panics"
)

const (
	// chunkHead is the room for the length of a chunk, in hexadecimal digits, and its line end.
	chunkHead = 10
	// lastChunk ends a response.
	lastChunk = "0\r\n\r\n"
	// maxPooled bounds the buffers that are kept for the next stream.
	maxPooled = 64 << 10
)

// buffers hold what streams write at the moment. A stream that waits has none.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

// wire takes the bytes of a stream to its reader, each time within a deadline.
type wire interface {
	// send sends off what follows chunkHead bytes of room. It may use the room, and the capacity after the bytes.
	send(roomy []byte) error
	// end ends the response.
	end()
}

// answering is the wire of a handler's response: for protocols whose connections cannot be taken over.
type answering struct {
	w       http.ResponseWriter
	timeout time.Duration
}

func (a answering) send(roomy []byte) error {
	control := http.NewResponseController(a.w)
	// A deadline that cannot be set is no reason not to write: only tests have such writers.
	_ = control.SetWriteDeadline(time.Now().Add(a.timeout))
	if _, err := a.w.Write(roomy[chunkHead:]); err != nil {
		return err
	}
	return control.Flush()
}

func (answering) end() {}

// taken is the wire of a connection that was taken over from net/http, which would keep buffers of 10 KiB and a goroutine with a
// deep stack for it while nothing is written: more than half of what a stream takes (docs/adr/0021).
type taken struct {
	conn    net.Conn
	timeout time.Duration
}

func (t taken) send(roomy []byte) error { return t.write(chunk(roomy)) }

// chunk makes the bytes after chunkHead bytes of room a chunk, in place where there is capacity for its line end.
func chunk(roomy []byte) []byte {
	size := strconv.AppendInt(make([]byte, 0, chunkHead), int64(len(roomy)-chunkHead), 16)
	size = append(size, "\r\n"...)
	start := chunkHead - len(size)
	copy(roomy[start:], size)
	return append(roomy[start:], "\r\n"...)
}

func (t taken) write(raw []byte) error {
	_ = t.conn.SetWriteDeadline(time.Now().Add(t.timeout))
	_, err := t.conn.Write(raw)
	return err
}

func (t taken) end() { _ = t.write([]byte(lastChunk)) }

// takeOver takes the connection of a request from net/http, with the head of the response written; nil if that cannot be done, and
// then nothing was. The connection must be run.
func (s *Server) takeOver(w http.ResponseWriter, r *http.Request) net.Conn {
	if !r.ProtoAtLeast(1, 1) || r.ProtoMajor > 1 {
		return nil
	}
	// Counted before: from then on net/http does not wait for it.
	s.conns.running.Add(1)
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		s.conns.running.Done()
		return nil
	}
	exchangeOf(r.Context()).taken()
	header := w.Header()
	header.Set("Transfer-Encoding", "chunked")
	header.Set("Connection", "close")
	header.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	var head bytes.Buffer
	head.WriteString("HTTP/1.1 200 OK\r\n")
	_ = header.Write(&head)
	head.WriteString("\r\n")
	// What cannot be written now cannot be later, and then it is seen.
	_ = taken{conn, s.WriteTimeout}.write(head.Bytes())
	s.conns.add(conn)
	return conn
}

// detached runs a stream on a connection that was taken over, until tell returns. Its context ends when the reader leaves.
func (s *Server) detached(ctx context.Context, conn net.Conn, out *stream, tell func(context.Context, *stream)) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	go func() {
		defer s.conns.close(conn)
		defer cancel()
		defer s.Panics.Catch(panics.Handler, nil)
		s.conns.watch(conn, cancel)
		out.run(ctx, tell)
	}()
}

// connections are those that were taken over: net/http knows them no more, so it cannot wait for them.
type connections struct {
	running sync.WaitGroup
	hangups hangups
	mu      sync.Mutex
	// open has what hangups knows them by; 0 for those that it does not watch.
	open map[net.Conn]int32
}

// add takes a connection that was taken over, which must be closed.
func (c *connections) add(conn net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open == nil {
		c.open = map[net.Conn]int32{}
	}
	c.open[conn] = 0
}

// watch calls left when the reader leaves. A reader has nothing more to say; if it does say something, that is left unread.
func (c *connections) watch(conn net.Conn, left func()) {
	id := c.hangups.watch(conn, left)
	if id == 0 {
		go hangUp(conn, left)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open[conn] = id
}

// hangUp watches one connection. If something comes of it, its end is seen with the next write.
func hangUp(conn net.Conn, left func()) {
	var one [1]byte
	if _, err := conn.Read(one[:]); err != nil {
		left()
	}
}

func (c *connections) close(conn net.Conn) {
	defer c.running.Done()
	_ = conn.Close()
	c.mu.Lock()
	defer c.mu.Unlock()
	if id := c.open[conn]; id != 0 {
		c.hangups.forget(id)
	}
	delete(c.open, conn)
}

// wait waits until all streams have ended; if ctx ends first, it cuts them off. No handler may begin another one meanwhile.
func (c *connections) wait(ctx context.Context) {
	stop := context.AfterFunc(ctx, func() {
		c.mu.Lock()
		for conn := range c.open {
			_ = conn.Close()
		}
		c.mu.Unlock()
		c.hangups.cut() // the kernel tells nothing of a connection that is closed here
	})
	defer stop()
	c.running.Wait()
}
