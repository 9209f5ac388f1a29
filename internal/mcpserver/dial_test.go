// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package mcpserver

import (
	"context"
	"errors"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// silent is an attempt that nobody answers.
func silent(ctx context.Context) (net.Conn, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// closing counts how often it is closed.
type closing struct {
	net.Conn
	closed *atomic.Int32
}

func (c closing) Close() error {
	c.closed.Add(1)
	return nil
}

func TestInsistentDialsBesideASilentAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var attempts atomic.Int32
		start := time.Now()
		conn, err := insistent(func(ctx context.Context, _, _ string) (net.Conn, error) {
			if attempts.Add(1) < 3 {
				return silent(ctx)
			}
			return closing{closed: &atomic.Int32{}}, nil
		})(t.Context(), "tcp", "10.96.0.9:3000")
		if conn == nil || err != nil {
			t.Fatalf("got %v, %v", conn, err)
		}
		if took := time.Since(start); took != 75*time.Millisecond {
			t.Errorf("took %s, want the third attempt after 75ms", took)
		}
	})
}

func TestInsistentTakesARefusalAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		_, err := insistent(func(context.Context, string, string) (net.Conn, error) {
			return nil, syscall.ECONNREFUSED
		})(t.Context(), "tcp", "10.96.0.9:3000")
		if !errors.Is(err, syscall.ECONNREFUSED) || time.Since(start) != 0 {
			t.Errorf("got %v after %s, want a refusal at once", err, time.Since(start))
		}
	})
}

func TestNoRoute(t *testing.T) {
	failing := func(op string, errno syscall.Errno) error {
		return &RequestError{Err: &net.OpError{Op: op, Err: os.NewSyscallError("connect", errno)}}
	}
	for want, errs := range map[bool][]error{
		true:  {failing("dial", syscall.EHOSTUNREACH), failing("dial", syscall.ENETUNREACH)},
		false: {nil, failing("dial", syscall.ECONNREFUSED), failing("read", syscall.EHOSTUNREACH), &net.OpError{Op: "dial", Err: context.DeadlineExceeded}},
	} {
		for _, err := range errs {
			if got := noRoute(err); got != want {
				t.Errorf("noRoute(%v) = %t", err, got)
			}
		}
	}
}

// TestInsistentGivesUpInTheWordsOfAnAttempt: an error that names no address is taken for one of the name (isDNS).
func TestInsistentGivesUpInTheWordsOfAnAttempt(t *testing.T) {
	at := &net.TCPAddr{IP: net.IPv4(10, 96, 0, 9), Port: 3000}
	for range 50 {
		synctest.Test(t, func(t *testing.T) {
			_, err := insistent(func(ctx context.Context, network, _ string) (net.Conn, error) {
				<-ctx.Done()
				return nil, &net.OpError{Op: "dial", Net: network, Addr: at, Err: ctx.Err()}
			})(t.Context(), "tcp", at.String())
			if isDNS(err) || !isTimeout(err) {
				t.Fatalf("error = %v, want a timeout of the dial", err)
			}
		})
	}
}

func TestInsistentGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var attempts atomic.Int32
		start := time.Now()
		_, err := insistent(func(ctx context.Context, _, _ string) (net.Conn, error) {
			attempts.Add(1)
			return silent(ctx)
		})(t.Context(), "tcp", "10.96.0.9:3000")
		var timeout net.Error
		if !errors.As(err, &timeout) || !timeout.Timeout() {
			t.Errorf("error = %v, want a timeout", err)
		}
		if took := time.Since(start); took != dialTimeout {
			t.Errorf("took %s, want %s", took, dialTimeout)
		}
		if got := attempts.Load(); got != 8 {
			t.Errorf("%d attempts, want 8", got)
		}
	})
}

func TestInsistentClosesConnectionsThatLose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var attempts, closed atomic.Int32
		conn, err := insistent(func(context.Context, string, string) (net.Conn, error) {
			if attempts.Add(1) == 1 {
				<-time.After(40 * time.Millisecond) // fake time: the second attempt wins while the first is on its way
			}
			return closing{closed: &closed}, nil
		})(t.Context(), "tcp", "10.96.0.9:3000")
		if conn == nil || err != nil {
			t.Fatalf("got %v, %v", conn, err)
		}
		synctest.Wait()
		<-time.After(time.Second)
		if closed.Load() != 1 {
			t.Errorf("%d connections closed, want the one that lost", closed.Load())
		}
	})
}
