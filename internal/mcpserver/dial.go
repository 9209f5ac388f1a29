// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package mcpserver

import (
	"context"
	"net"
	"sync/atomic"
	"time"
)

const (
	// dialTimeout bounds a TCP connection, all attempts together. Inside a cluster one takes well under a millisecond;
	// after 5 s the packets are being dropped.
	dialTimeout = 5 * time.Second
	// dialAgain is the pause before a second attempt beside the first; it doubles for each one more.
	dialAgain = 25 * time.Millisecond
	// dialCrowd is how many dials may be under way for one to be made again: where so many wait, the answers are late for want of
	// room or time, and more attempts make them later.
	dialCrowd = 32
)

type dialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// insistent dials again while an attempt is without an answer, and takes the first answer of any. A connection attempt
// that falls into the moment before kube-proxy has heard of a new endpoint is rejected by an ICMP message, of which the
// kernel sends one a second (net.ipv4.icmp_ratelimit): without it, the kernel's own next attempt comes after a second
// (RFC 6298), the one after that two seconds later. A heal is full of such moments. To connect twice does no harm, and
// the connections that lose are closed before anything is written to them.
func insistent(dial dialFunc) dialFunc {
	var crowd atomic.Int32
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		ctx, cancel := context.WithTimeout(ctx, dialTimeout)
		defer cancel()
		crowd.Add(1)
		defer crowd.Add(-1)
		type answer struct {
			conn net.Conn
			err  error
		}
		answers, over := make(chan answer), make(chan struct{})
		defer close(over)
		attempt := func() {
			conn, err := dial(ctx, network, address)
			select {
			case answers <- answer{conn, err}:
			case <-over:
				if conn != nil {
					_ = conn.Close()
				}
			}
		}
		go attempt()
		pause := time.NewTimer(dialAgain)
		defer pause.Stop()
		for wait := 2 * dialAgain; ; wait *= 2 {
			select {
			// The end of ctx ends the attempts, and theirs is the word that is taken: it tells whether the name had an address by then.
			case first := <-answers:
				return first.conn, first.err
			case <-pause.C:
				if crowd.Load() <= dialCrowd {
					go attempt()
				}
				pause.Reset(wait)
			}
		}
	}
}
