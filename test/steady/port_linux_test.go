// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package steady

import (
	"context"
	"errors"
	"net"
	"syscall"
	"testing"
)

// TestAPortIsKept: it refuses connections, and the test may listen there, again and again.
func TestAPortIsKept(t *testing.T) {
	address := Port(t)
	for range 3 {
		if conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Fatal(conn, err)
		}
		listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.Close()
		_ = listener.Close()
	}
}
