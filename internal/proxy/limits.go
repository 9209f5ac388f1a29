// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"sync/atomic"
	"time"

	"github.com/ry-ops/cortex/internal/quota"
)

// Limits of a Proxy. Zero values mean the defaults.
type Limits struct {
	// Body of a request, in bytes.
	Body int64
	// Held calls at a time: those that wait for a heal. HeldPerServer bounds those of one server and HeldEach those of one caller,
	// so that neither uses up the places of the others; HeldBytes the memory of their requests.
	Held, HeldPerServer, HeldEach int
	HeldBytes                     int64
	// HeldFor bounds the time that one call waits.
	HeldFor time.Duration
	// Listeners at a time: clients with an open GET; and ListenersEach, those of one caller.
	Listeners, ListenersEach int
	// Message of a server, in bytes; and Buffered, the memory of all messages that are larger than usual and on their way.
	Message, Buffered int64
}

func (l *Limits) setDefaults() {
	for _, limit := range []struct {
		value     *int64
		otherwise int64
	}{
		{&l.Body, 4 << 20},
		{&l.HeldBytes, 64 << 20},
		{&l.Message, 8 << 20},
		{&l.Buffered, 256 << 20},
	} {
		if *limit.value == 0 {
			*limit.value = limit.otherwise
		}
	}
	for _, limit := range []struct {
		value     *int
		otherwise int
	}{{&l.Held, 4096}, {&l.HeldPerServer, 1024}, {&l.HeldEach, 512}, {&l.Listeners, 10000}, {&l.ListenersEach, 1000}} {
		if *limit.value == 0 {
			*limit.value = limit.otherwise
		}
	}
	if l.HeldFor == 0 {
		l.HeldFor = 5 * time.Minute
	}
}

// held counts what waits for heals.
type held struct {
	calls *quota.Quota
	bytes atomic.Int64
}

// enter takes a place for a call of a caller. The error is one of package quota; without one, leave must be called once.
func (p *Proxy) enter(b *backend, caller string, size int64) (leave func(), err error) {
	give, err := p.held.calls.Take(caller)
	if err != nil {
		return nil, err
	}
	bytes, mine := p.held.bytes.Add(size), b.held.Add(1)
	leave = func() {
		give()
		p.held.bytes.Add(-size)
		b.held.Add(-1)
	}
	if bytes > p.Limits.HeldBytes || mine > int64(p.Limits.HeldPerServer) {
		leave()
		return nil, quota.ErrTooMany
	}
	return leave, nil
}

// bytesInUse bounds the memory of large messages.
type bytesInUse struct{ used atomic.Int64 }

func (b *bytesInUse) take(n, limit int64) bool {
	if b.used.Add(n) > limit {
		b.used.Add(-n)
		return false
	}
	return true
}

func (b *bytesInUse) give(n int64) { b.used.Add(-n) }
