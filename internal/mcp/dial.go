// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package mcp

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/ry-ops/cortex/internal/mcpserver"
)

const (
	// attemptTimeout is how long one attempt at a connection may take. Inside a cluster it takes well under a millisecond.
	attemptTimeout = 400 * time.Millisecond
	// dialTimeout bounds all attempts at one connection.
	dialTimeout = 3 * time.Second
)

// newPool returns a connection pool that dials through r until refused ends; then its cause is the error of every
// dial, of those under way as well.
func newPool(refused context.Context, r redialer) *http.Transport {
	pool := mcpserver.NewTransport()
	pool.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		defer context.AfterFunc(refused, cancel)()
		connection, err := r.dial(ctx, network, address)
		if err != nil && refused.Err() != nil {
			return nil, context.Cause(refused)
		}
		return connection, err
	}
	return pool
}

type dialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// redialer gives up on a silent attempt early and makes another from a new port. While a Service's endpoints change, a
// packet may be sent to a pod that is gone; connection tracking then sends all its retransmissions there as well (for
// 5 s and more, seen on a real cluster), but looks up the Service's rules anew for a new port. So both news arrive at
// once: that nobody is there any more, and that somebody is there again.
type redialer struct {
	// attempt dials an address once and briefly. patient is for names, since looking them up may take its time.
	attempt, patient dialFunc
}

func newRedialer() redialer {
	return redialer{(&net.Dialer{Timeout: attemptTimeout}).DialContext, (&net.Dialer{Timeout: dialTimeout}).DialContext}
}

func (r redialer) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if host, _, err := net.SplitHostPort(address); err != nil || net.ParseIP(host) == nil {
		return r.patient(ctx, network, address)
	}
	for end := time.Now().Add(dialTimeout); ; {
		connection, err := r.attempt(ctx, network, address)
		var failure net.Error
		if err == nil || !errors.As(err, &failure) || !failure.Timeout() || ctx.Err() != nil || !time.Now().Before(end) {
			return connection, err
		}
	}
}
