// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package gateway

import "net"

// hangups watches nothing where there is no epoll: each connection has a goroutine.
type hangups struct{}

func (*hangups) watch(net.Conn, func()) int32 { return 0 }

func (*hangups) forget(int32) {}

func (*hangups) cut() {}
