// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package mcp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"testing"
	"time"
)

// One refusal ends the dials that would have been left to time out.
func TestARefusalIsSpread(t *testing.T) {
	refused, refuse := context.WithCancelCause(t.Context())
	current := &session{pool: newPool(refused), refuse: refuse}
	dialled := make(chan error, 1)
	go func() {
		// TEST-NET-1 (RFC 5737) is routed nowhere: the dial is silent, or fails in some other way at once.
		_, err := current.pool.DialContext(t.Context(), "tcp", "192.0.2.1:9")
		dialled <- err
	}()
	current.spread(&net.OpError{Op: "read", Err: syscall.ECONNRESET})
	if refused.Err() != nil {
		t.Error("a reset is no refusal")
	}
	current.spread(fmt.Errorf("calling: %w", &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}))
	started := time.Now()
	err := <-dialled
	if took := time.Since(started); !errors.Is(err, syscall.ECONNREFUSED) || took > dialTimeout/2 {
		t.Errorf("got %v after %s", err, took)
	}
}

func TestASilentDialIsMadeAnew(t *testing.T) {
	silent, refused := &net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded}, &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for name, tc := range map[string]struct {
		ctx      context.Context
		address  string
		script   []error
		attempts int
		want     error
	}{
		"answered at once":          {t.Context(), "10.0.0.1:80", []error{nil}, 1, nil},
		"refused at once":           {t.Context(), "10.0.0.1:80", []error{refused}, 1, refused},
		"silent, then refused":      {t.Context(), "10.0.0.1:80", []error{silent, silent, refused}, 3, refused},
		"silent, then answered":     {t.Context(), "[fd00::1]:80", []error{silent, nil}, 2, nil},
		"the caller has left":       {ended, "10.0.0.1:80", []error{silent, nil}, 1, silent},
		"a name is looked up once":  {t.Context(), "sandfly.svc:80", []error{silent, nil}, 1, silent},
		"an address that is broken": {t.Context(), "10.0.0.1", []error{silent, nil}, 1, silent},
	} {
		t.Run(name, func(t *testing.T) {
			attempts := 0
			dial := func(context.Context, string, string) (net.Conn, error) {
				attempts++
				return nil, tc.script[attempts-1]
			}
			_, err := redialer{dial, dial}.dial(tc.ctx, "tcp", tc.address)
			if !errors.Is(err, tc.want) || attempts != tc.attempts {
				t.Errorf("got %v after %d attempts", err, attempts)
			}
		})
	}
}
