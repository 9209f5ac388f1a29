// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package recovery

import (
	"context"

	"github.com/ry-ops/cortex/internal/healing"
	"github.com/ry-ops/cortex/internal/mcp"
	"github.com/ry-ops/cortex/internal/telemetry"
)

// begun begins the span of a heal that the call waits for, and ends that of the one before. Its context is for what asks for the
// heal. What is done after the heal is not below it.
func (c *call) begun(ctx context.Context, failure *mcp.CallError) context.Context {
	c.span.End()
	ctx, c.span = c.Tracer.Start(ctx, telemetry.Internal, "heal", c.service())
	c.span.String(telemetry.Namespace, c.Server.Key().Namespace)
	c.span.String(telemetry.Service, c.service())
	c.span.String(telemetry.Failure, string(failure.Class))
	return ctx
}

// told says in the span how the heal ended. Where another call had asked for it, the span is linked with that call's trace, in which
// the operator's spans are.
func (c *call) told(outcome *healing.Outcome, back bool, unhealed error) {
	result := "healed"
	switch {
	case back:
		result = "back by itself"
	case outcome.Unverified:
		result = "unverified"
	case unhealed != nil:
		result = "not healed"
	}
	c.span.String(telemetry.Outcome, result)
	if unhealed != nil {
		c.span.Fail(result)
	}
	c.span.String(telemetry.Request, outcome.Request)
	c.span.See(outcome.Traceparent)
	c.span.End()
}

// replay makes the call again after a heal.
func (c *call) replay(ctx context.Context, verdict mcp.Verdict) error {
	ctx, span := c.Tracer.Start(ctx, telemetry.Internal, "replay", c.service()) // a caller may have made up the tool
	defer span.End()
	span.String(telemetry.ToolName, c.Tool)
	span.String(telemetry.Service, c.service())
	span.String(telemetry.Replay, decided(verdict))
	span.String(telemetry.ReplayReason, verdict.Reason)
	err := c.settled(ctx)
	if failure := curable(ctx, err); failure != nil {
		span.Fail(string(failure.Class))
	}
	return err
}

// decided is a verdict in one word.
func decided(verdict mcp.Verdict) string {
	if verdict.Replay {
		return "replayed"
	}
	return "refused"
}
