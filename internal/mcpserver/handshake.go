// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package mcpserver

import (
	"context"
	"time"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

// Result is how a handshake went.
type Result struct {
	// Verdict is Passed if the server answered initialize and ping, else Failed.
	Verdict v1alpha1.Verdict
	// Class of the failure; empty if it passed.
	Class v1alpha1.ErrorClass
	// Accepted reports whether a TCP connection was accepted: a server that accepts and does not answer hangs.
	Accepted bool
	// Message says in one sentence what was seen, for people.
	Message string
	// Took is how long the handshake lasted.
	Took time.Duration
}

// Prober makes a handshake. It returns by the context's deadline, and never panics or returns an error: a handshake
// that could not be made is a Result as well.
type Prober interface {
	Probe(ctx context.Context, endpoint Endpoint) Result
}
