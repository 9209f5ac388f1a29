// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"
	"time"
)

const (
	// deafTries bounds the connections that fill a queue with room for none: the kernel takes one or two all the same.
	deafTries = 8
	// deafAfter is how long one waits that the kernel does not take. On loopback, one that it takes needs microseconds.
	deafAfter = 500 * time.Millisecond
)

// deaf listens as a server that has stopped to take connections, when its queue is full: the kernel drops the packets of whoever
// comes, without a word. It lasts until the listener is closed.
func deaf(ctx context.Context, addr string) (net.Listener, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listening without taking connections: %w", err)
	}
	if err := noRoom(listener); err != nil {
		_ = listener.Close()
		return nil, err
	}
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	dialer := net.Dialer{Timeout: deafAfter}
	for range deafTries {
		// What it opens stays in the queue, with or without this end of it.
		_, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort("127.0.0.1", port))
		var waited net.Error
		if errors.As(err, &waited) && waited.Timeout() {
			return listener, nil
		}
	}
	_ = listener.Close()
	return nil, fmt.Errorf("listening without taking connections: %s takes them all the same", addr)
}

// noRoom sets the length of a listener's queue to nothing.
func noRoom(listener net.Listener) error {
	raw, err := listener.(*net.TCPListener).SyscallConn()
	if err != nil {
		return fmt.Errorf("shortening the queue: %w", err)
	}
	var failed error
	if err := raw.Control(func(fd uintptr) { failed = syscall.Listen(int(fd), 0) }); err != nil {
		return fmt.Errorf("shortening the queue: %w", err)
	}
	return failed
}
