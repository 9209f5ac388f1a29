// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package steady

import (
	"net"
	"testing"
)

// Port is an address on loopback at which nobody listens. Elsewhere than on Linux another may take it.
func Port(t testing.TB) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it is closed at once
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}
