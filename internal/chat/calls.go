// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package chat

import (
	"context"
	"errors"
	"fmt"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/ry-ops/cortex/internal/foreign"
	"github.com/ry-ops/cortex/internal/telemetry"
)

const (
	// maxShownArguments and maxShownResult bound what events tell of a call, in characters.
	maxShownArguments = 1024
	maxShownResult    = 240
)

var errSkipped = errors.New("not called: a call before it failed, and it may have been meant to come after that one's success")

// callAll makes the calls of one turn: neighbours that only read side by side, and those that change something one after the
// other, in order. Once one of those fails, no other that changes something is made: they were planned for its success.
func (r *run) callAll(ctx context.Context, calls []Call) {
	results := make([]Result, len(calls))
	for i := range calls {
		results[i].Call = calls[i]
		if results[i].Call.ID == "" {
			results[i].Call.ID = fmt.Sprintf("call-%d", len(r.results)+i+1)
		}
	}
	broken := false
	for from := 0; from < len(calls); {
		to := from + 1
		for calls[from].Reads && to < len(calls) && calls[to].Reads {
			to++
		}
		if group := results[from:to]; broken && !calls[from].Reads {
			group[0].Err = errSkipped
		} else {
			r.sideBySide(len(group), func(i int) error {
				r.call(ctx, &group[i])
				return nil
			}, func(i int, err error) { group[i].Err = err })
		}
		broken = broken || !calls[from].Reads && results[from].Failed()
		from = to
	}
	r.results = append(r.results, results...)
}

// call makes one call and tells of it.
func (r *run) call(ctx context.Context, result *Result) {
	call := &result.Call
	ctx, span := r.calling(ctx, call)
	defer span.End()
	result.Output, result.Err = r.output(ctx, call)
	r.called(span, result)
}

func (r *run) calling(ctx context.Context, call *Call) (context.Context, telemetry.Span) {
	r.tell(ToolStart{ID: call.ID, Service: call.Server.Name, Tool: call.Tool.Name, Arguments: argumentsShown(call.Arguments, maxShownArguments)})
	ctx, span := r.Tracer.Start(ctx, telemetry.Internal, telemetry.OperationTool, call.Tool.Name)
	span.String(telemetry.Operation, telemetry.OperationTool)
	span.String(telemetry.ToolName, call.Tool.Name)
	span.String(telemetry.ToolCall, call.ID)
	span.String(telemetry.Service, call.Server.Name)
	return ctx, span
}

func (r *run) called(span telemetry.Span, result *Result) {
	if class := classOf(result.Err); class != "OK" {
		span.Fail(class)
	} else if result.Output != nil && result.Output.IsError {
		span.Fail("tool_error")
	}
	call := &result.Call
	r.tell(ToolResult{ID: call.ID, Service: call.Server.Name, Tool: call.Tool.Name, Success: !result.Failed(), Message: foreign.Line(result.Text(), maxShownResult)})
}

func (r *run) output(ctx context.Context, call *Call) (output *sdk.CallToolResult, err error) {
	defer r.recovered(&err)
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	server, err := r.find(ctx, call.Server)
	if err != nil {
		return nil, err
	}
	err = r.outliving(ctx, server, &call.Tool, func(ctx context.Context) error {
		started := r.Clock.Now()
		output, err = server.Call(ctx, call.Tool, call.Arguments)
		r.Metrics.called(call.Server.Name, err, r.Clock.Since(started))
		return err
	})
	return output, err
}
