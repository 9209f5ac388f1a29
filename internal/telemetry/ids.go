// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package telemetry

import (
	"context"
	"crypto/rand"
	"crypto/sha256"

	"go.opentelemetry.io/otel/trace"
)

// seedKey is that of a text from which the ids of the next span follow.
type seedKey struct{}

// ids are random, unless the context has a seed.
type ids struct{}

// NewIDs implements sdktrace.IDGenerator.
func (g ids) NewIDs(ctx context.Context) (id trace.TraceID, span trace.SpanID) {
	fill(id[:], ctx, "trace")
	return id, g.NewSpanID(ctx, id)
}

// NewSpanID implements sdktrace.IDGenerator.
func (ids) NewSpanID(ctx context.Context, _ trace.TraceID) (span trace.SpanID) {
	fill(span[:], ctx, "span")
	return span
}

//nolint:revive // what is filled comes first, as in copy
func fill(id []byte, ctx context.Context, what string) {
	if seed, _ := ctx.Value(seedKey{}).(string); seed != "" {
		sum := sha256.Sum256([]byte(what + "/" + seed))
		copy(id, sum[:])
		return
	}
	_, _ = rand.Read(id) // it never fails (crypto/rand)
}
