// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package steady

import (
	"net"
	"strconv"
	"syscall"
	"testing"
)

// Port is an address on loopback that is the test's until it ends. Connections are refused while nobody listens there. A port that
// was only picked and given back is soon another's: every test that runs beside this one, and every connection, takes free ports.
func Port(t testing.TB) (address string) {
	t.Helper()
	// A socket that is bound and does not listen keeps the port, and one that listens may have it as well: net sets SO_REUSEADDR too.
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Close(fd) })
	if err := syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	bound, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(bound.(*syscall.SockaddrInet4).Port))
}
