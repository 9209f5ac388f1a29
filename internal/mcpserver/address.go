// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package mcpserver

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"sync/atomic"
	"syscall"
)

// AddressError is a name or a Service that leads to where no MCP server may be: whoever writes it would have Cortex ask
// questions there in its own name.
type AddressError struct{ Address netip.Addr }

// Error implements error.
func (e *AddressError) Error() string {
	return fmt.Sprintf("%s is never dialled: it is the node's own, the network's or the cloud's, and no MCP server. Give the Service a selector of pods", e.Address)
}

// Where clouds answer their machines about themselves, credentials and all, outside of the link-local addresses.
var metadata = map[netip.Addr]bool{
	netip.MustParseAddr("fd00:ec2::254"):   true, // Amazon, IPv6
	netip.MustParseAddr("fd20:ce::254"):    true, // Google, IPv6
	netip.MustParseAddr("100.100.100.200"): true, // Alibaba
	netip.MustParseAddr("168.63.129.16"):   true, // Azure's platform
	netip.MustParseAddr("192.0.0.192"):     true, // Oracle
}

// nat64 leads to the IPv4 address in its last four bytes, where the network translates (RFC 6052).
var nat64 = netip.MustParsePrefix("64:ff9b::/96")

var loopbackAllowed atomic.Bool

// AllowLoopback lets MCP servers be on this machine's loopback, for tests and for a gateway that runs beside them on one
// machine. It cannot be taken back: nothing may open what is closed for a moment only.
func AllowLoopback() { loopbackAllowed.Store(true) }

// permitted reports whether an MCP server may be at an address.
func permitted(address netip.Addr) bool {
	address = address.Unmap().WithZone("")
	if nat64.Contains(address) {
		bytes := address.As16()
		address = netip.AddrFrom4([4]byte(bytes[12:]))
	}
	switch {
	case address.IsLoopback():
		return loopbackAllowed.Load()
	case address.IsUnspecified(), address.IsMulticast(), address.IsLinkLocalUnicast(), address == broadcast:
		return false
	default:
		return !metadata[address]
	}
}

var broadcast = netip.AddrFrom4([4]byte{255, 255, 255, 255})

// dialer dials what a name resolved to only if an MCP server may be there. It looks at the address of the very socket that is
// about to connect, so a name that resolves to something else a moment later gains nothing.
func dialer() *net.Dialer {
	return &net.Dialer{ControlContext: func(_ context.Context, _, address string, _ syscall.RawConn) error {
		at, err := netip.ParseAddrPort(address)
		if err != nil {
			return fmt.Errorf("reading the address %s: %w", address, err)
		}
		if !permitted(at.Addr()) {
			return &AddressError{Address: at.Addr()}
		}
		return nil
	}}
}
