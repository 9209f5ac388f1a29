// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync/atomic"
	"syscall"
	"time"

	"k8s.io/utils/clock"

	"github.com/ry-ops/cortex/internal/panics"
	"github.com/ry-ops/cortex/internal/task"
)

// push is the stream of a task on a connection that was taken over. Thousands of them wait for one heal, so none has a goroutine that
// waits to write (docs/adr/0035): whoever makes an event writes it, as far as the connection takes it at once. A connection that does
// not has a goroutine until it does, or until the deadline of a write.
type push struct {
	stream
	conn net.Conn
	// raw is nil where a write cannot be tried; then all are left to goroutines. attempt is made once, for thousands are made at a time.
	raw     syscall.RawConn
	attempt attempt
	reader  *task.Reader
	beat    clock.Timer
	// wakes that are not answered yet. Whoever makes it more than zero uses the stream, until it is zero again.
	wakes atomic.Int32
	// due: a heartbeat is to be written. gone: the reader left, or the stream is over.
	due, gone atomic.Bool
}

// attempt is to write what a connection takes at once.
type attempt struct {
	rest  []byte
	err   error
	write func(fd uintptr) bool
}

// read streams the events of a task after the one with an id. give is called when the stream is over.
func (s *Server) read(w http.ResponseWriter, r *http.Request, after int, t *task.Task, give func()) {
	out := s.begin(w, r, after, give)
	conn := s.takeOver(w, r)
	if conn == nil {
		wake, more := task.Signal()
		reader := t.Read(after, wake)
		out.left = reader.Leave
		s.answer(w, r, &out, func(ctx context.Context, out *stream) { out.serve(ctx, reader, more) })
		return
	}
	p := &push{stream: out, conn: conn}
	if c, ok := conn.(syscall.Conn); ok {
		p.raw, _ = c.SyscallConn()
	}
	p.attempt.write = func(fd uintptr) bool {
		var n int
		if n, p.attempt.err = syscall.Write(int(fd), p.attempt.rest); n > 0 {
			p.attempt.rest = p.attempt.rest[n:]
		}
		return true // with what was not written, whatever the reason
	}
	p.wakes.Store(1) // nobody uses it before it is whole
	p.reader = t.Read(after, p.wake)
	p.left = p.reader.Leave
	_ = conn.SetWriteDeadline(time.Time{}) // that of the head would hold for what is tried later
	p.schedule()
	s.conns.watch(conn, p.hungUp)
	p.write(opening)
	p.pump()
}

// wake has what there is written, by the caller unless somebody is at it.
func (p *push) wake() {
	if p.wakes.Add(1) == 1 {
		p.pump()
	}
}

// schedule is called by the one who uses the stream.
func (p *push) schedule() {
	p.beat = p.server.Clock.AfterFunc(p.server.Heartbeat, func() {
		p.due.Store(true)
		go p.wake() // a timer does not wait for a write
	})
}

func (p *push) hungUp() {
	p.gone.Store(true)
	p.wake()
}

// pump is called by the one who uses the stream. It returns when there is nothing to write, when a goroutine goes on, or when the
// stream is over: then there are wakes for ever, and nobody uses it again.
func (p *push) pump() {
	defer p.recovered()
	var room [1]task.Event
	for {
		wakes := p.wakes.Load()
		batch := p.reader.Next(room[:0], maxPooled)
		p.batch(batch)
		if p.due.Swap(false) {
			if p.schedule(); p.buffer == nil {
				p.write(": heartbeat\n\n")
			}
		}
		if p.err == nil && p.gone.Load() {
			p.err = errDropped
		}
		if rest := p.try(batch.Over); len(rest) > 0 {
			go p.later(rest, batch.Over)
			return
		}
		p.sentOff()
		switch {
		case p.err != nil || batch.Over:
			p.end()
			return
		case !batch.Rest && p.wakes.Add(-wakes) == 0:
			return
		}
	}
}

// try writes what the connection takes at once, and gives the rest.
func (p *push) try(over bool) (rest []byte) {
	if p.err != nil {
		return nil
	}
	if p.buffer != nil {
		rest = chunk(*p.buffer)
	}
	if over {
		rest = append(rest, lastChunk...)
	}
	if len(rest) == 0 || p.raw == nil {
		return rest
	}
	p.attempt.rest = rest
	err := p.raw.Write(p.attempt.write)
	rest, p.attempt.rest = p.attempt.rest, nil
	if err == nil {
		err = p.attempt.err
	}
	if err != nil && !errors.Is(err, syscall.EAGAIN) && !errors.Is(err, syscall.EINTR) {
		p.err = err
		return nil
	}
	return rest
}

// later writes what the connection did not take, and goes on.
func (p *push) later(rest []byte, over bool) {
	defer p.recovered()
	p.err = taken{p.conn, p.server.WriteTimeout}.write(rest)
	_ = p.conn.SetWriteDeadline(time.Time{}) // none for what is tried
	if p.sentOff(); p.err != nil || over {
		p.end()
		return
	}
	p.pump()
}

// recovered must be deferred by the one who uses the stream: a panic ends the stream alone, and not what made the event.
func (p *push) recovered() {
	if value := recover(); value != nil {
		p.server.Panics.Caught(panics.Handler, value)
		p.err = errCut // which is not the reader's doing
		p.end()
	}
}

// end is called once, by the one who uses the stream.
func (p *push) end() {
	p.gone.Store(true)
	p.beat.Stop()
	p.server.conns.close(p.conn)
	p.close()
}
