// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package mcp

import (
	"context"
	"errors"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/mcp/mcptest"
	"github.com/ry-ops/cortex/internal/mcpserver"
)

// One refusal ends the dials that would have been left to time out.
func TestARefusalIsSpread(t *testing.T) {
	backend := mcptest.Start(t, "sandfly-mcp-server")
	registry := NewRegistry(Options{Log: logr.Discard()})
	t.Cleanup(registry.Close)
	endpoint, err := mcpserver.EndpointOf(backend.Service())
	if err != nil {
		t.Fatal(err)
	}
	var gone atomic.Bool
	var dials atomic.Int32
	server := registry.serverAt(types.NamespacedName{Namespace: "cortex-system", Name: "sandfly-mcp-server"}, endpoint)
	server.dialer.attempt = func(ctx context.Context, network, address string) (net.Conn, error) {
		switch {
		case !gone.Load():
			return (&net.Dialer{}).DialContext(ctx, network, address)
		case dials.Add(1) == 5: // the last of five; the others are silent
			return nil, &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
		default:
			<-ctx.Done()
			return nil, &net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded}
		}
	}
	if err := server.List(t.Context()); err != nil {
		t.Fatal(err)
	}
	gone.Store(true)
	started := time.Now()
	var all sync.WaitGroup
	for range 5 {
		all.Go(func() {
			_, err := server.Call(t.Context(), Tool{Name: "start_scan"}, nil)
			var failure *CallError
			if !errors.As(err, &failure) || failure.Class != v1alpha1.ErrorConnectionRefused || failure.Sent {
				t.Errorf("got %v", err)
			}
		})
	}
	all.Wait()
	if took := time.Since(started); took > 5*time.Second {
		t.Errorf("took %s", took)
	}
}

func TestOnlyARefusalIsSpread(t *testing.T) {
	refused, refuse := context.WithCancelCause(t.Context())
	current := &session{refuse: refuse}
	current.spread(&net.OpError{Op: "read", Err: syscall.ECONNRESET})
	current.spread(&net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded})
	if refused.Err() != nil {
		t.Error(context.Cause(refused))
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
