// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

// Package steady has what tests need to be certain on a machine that is busy.
package steady

import (
	"context"
	"math"
	"net/http/httptest"
	"sync"
	"testing"
)

// Stop stops a server and cuts its connections. httptest's own CloseClientConnections and Close leave a moment between them for a
// client to come back in, whose stream Close would then wait for.
func Stop(server *httptest.Server) {
	_ = server.Config.Close() // which takes nobody in any more before it cuts
	server.Close()
}

// Overdue makes a context whose deadline passes when late is called, by no clock: so what is to come too late has certainly come as far
// as the test wants, however slow the machine is.
func Overdue(parent context.Context) (ctx context.Context, late func()) {
	o := overdue{parent, make(chan struct{})}
	return o, sync.OnceFunc(func() { close(o.passed) })
}

type overdue struct {
	context.Context
	passed chan struct{}
}

func (o overdue) Done() <-chan struct{} { return o.passed }

func (o overdue) Err() error {
	select {
	case <-o.passed:
		return context.DeadlineExceeded
	default:
		return nil
	}
}

// Allocs is testing.AllocsPerRun at its least of some: other goroutines allocate as well, and are counted with it where the machine
// lets them run meanwhile.
func Allocs(f func()) float64 {
	least := math.Inf(1)
	for range 10 {
		least = min(least, testing.AllocsPerRun(100, f))
	}
	return least
}
