// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package mcp

import (
	"context"
	"errors"
	"fmt"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/foreign"
	"github.com/ry-ops/cortex/internal/mcpserver"
	"github.com/ry-ops/cortex/internal/panics"
	"github.com/ry-ops/cortex/internal/telemetry"
)

// CallError is a call that brought no result.
type CallError struct {
	// Class of the failure, and the Reason that it is of that class.
	Class  v1alpha1.ErrorClass
	Reason mcpserver.Reason
	// Sent reports whether the call may have reached the server. It is false only where that is proven.
	Sent bool
	// Endpoint and Tool that were called. Tool is empty for tools/list.
	Endpoint, Tool string
	// RetryAfter is when the server wants to be asked again; 0 if it did not say.
	RetryAfter time.Duration
	// Answered: there is a result as well, which is the tool's own error. It is the answer where no heal changes it.
	Answered bool
	err      error
}

// NewCallError tells what became of a call that failed with err, an error of internal/mcpserver or a panic that was caught.
func NewCallError(err error, endpoint, tool string) *CallError {
	reason := mcpserver.ReasonOf(err)
	if errors.Is(err, panics.Err) {
		reason = mcpserver.Panicked
	}
	failure := &CallError{Class: reason.Class(), Reason: reason, Sent: mcpserver.Sent(err), Endpoint: endpoint, Tool: tool, err: err}
	var request *mcpserver.RequestError
	if errors.As(err, &request) {
		failure.RetryAfter = request.RetryAfter
	}
	return failure
}

// Error says what went wrong.
func (e *CallError) Error() string {
	if e.err == nil {
		return FailureOf(e.Reason).Issue
	}
	return e.err.Error()
}

// Unwrap gives the error of the session or the connection.
func (e *CallError) Unwrap() error { return e.err }

// Observed is the failure as it may be recorded, logged and shown: what a server says of itself is foreign text.
func (e *CallError) Observed() v1alpha1.ObservedError {
	return v1alpha1.ObservedError{Class: e.Class, Message: foreign.Line(e.Error(), maxReason), Endpoint: e.Endpoint, Tool: e.Tool}
}

// Heals reports whether the failure is the infrastructure's fault, so that a heal may cure it.
func (e *CallError) Heals() bool { return Heals(e.Class) }

// Call calls a tool. It returns within CallTimeout. An error is a *CallError; a result that is the tool's own error is
// returned as it is, and if that says that the tool's own dependency is down, with an error of class DependencyDown beside it.
func (s *Server) Call(ctx context.Context, tool Tool, arguments map[string]any) (*sdk.CallToolResult, error) {
	var result *sdk.CallToolResult
	err := s.using(ctx, tool.Name, s.options.CallTimeout, tool.Hints, func(ctx context.Context, client *sdk.ClientSession) (err error) {
		params := &sdk.CallToolParams{Name: tool.Name, Arguments: arguments}
		if at := telemetry.Traceparent(ctx); at != "" {
			params.Meta = sdk.Meta{telemetry.Header: at} // MCP, SEP-414; the HTTP request has it as well
		}
		result, err = client.CallTool(ctx, params)
		return err
	})
	if said, down := mcpserver.DependencyDownIn(result); err == nil && down {
		err = &CallError{Class: v1alpha1.ErrorDependencyDown, Reason: mcpserver.DependencyDown, Sent: true, Endpoint: s.Endpoint().URL,
			Tool: tool.Name, Answered: true, err: errors.New(said)}
	}
	return result, err
}

type use func(context.Context, *sdk.ClientSession) error

// maxSessions bounds the sessions that one call tries: the shared one, a new shared one, one of its own.
const maxSessions = 3

// using makes a call on the server's session. If that turns out to be dead, the call is made again on a new one, where
// the replay rule allows: the server may have been replaced in peace, or another call may have ended the session. The last
// try is on a session of the call's own.
func (s *Server) using(ctx context.Context, tool string, timeout time.Duration, hints Hints, call use) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	for tried := 1; ; tried++ {
		try := s.once
		if tried == maxSessions {
			try = s.alone
		}
		kept, failure := s.guarded(ctx, try, tool, hints, call)
		if failure == nil {
			return nil
		}
		verdict := Replay(failure.Class, failure.Sent, hints)
		if ctx.Err() != nil || !stale(failure.Class, kept, tried) || !verdict.Replay {
			return failure
		}
		replayed(ctx, failure, verdict)
	}
}

type attempt func(ctx context.Context, tool string, hints Hints, call use) (kept bool, failure *CallError)

// guarded turns a panic of an attempt into a failure of it.
func (s *Server) guarded(ctx context.Context, try attempt, tool string, hints Hints, call use) (kept bool, failure *CallError) {
	var err error
	defer func() {
		if err != nil {
			failure = NewCallError(err, s.Endpoint().URL, tool)
		}
	}()
	defer s.options.Panics.Catch(panics.ToolCall, &err, "service", s.key, "tool", tool)
	return try(ctx, tool, hints, call)
}

type replaysKey struct{}

// OnReplay has a function called for every call of a context that is made again on another session, before any heal: what
// failed, and why the call may be made again. It is called from the goroutine of the call.
func OnReplay(ctx context.Context, told func(*CallError, Verdict)) context.Context {
	return context.WithValue(ctx, replaysKey{}, told)
}

func replayed(ctx context.Context, failure *CallError, verdict Verdict) {
	if told, ok := ctx.Value(replaysKey{}).(func(*CallError, Verdict)); ok {
		told(failure, verdict)
	}
}

// stale reports whether a failure may be that of the session rather than of the server. A bad answer to one call ends the
// session for all that are under way, so where it was kept, another one is worth one try.
func stale(class v1alpha1.ErrorClass, kept bool, tried int) bool {
	switch class {
	case v1alpha1.ErrorSessionLost:
		return tried < maxSessions
	case v1alpha1.ErrorUnavailable, v1alpha1.ErrorProtocol, v1alpha1.ErrorStreamCut:
		return kept && tried == 1
	default:
		return false
	}
}

func (s *Server) once(ctx context.Context, tool string, hints Hints, call use) (kept bool, failure *CallError) {
	current, kept, err := s.acquire(ctx)
	if err != nil {
		// No session, so the call itself was never made.
		return false, s.failed(ctx, err, false, tool)
	}
	defer s.release(current)
	if !hints.ReadOnly && !hints.Idempotent {
		ctx = mcpserver.OnNewConnection(ctx)
	}
	if err := call(ctx, current.client); err != nil {
		failure := s.failed(ctx, err, mcpserver.Sent(err), tool)
		if failure.Heals() && failure.Class != v1alpha1.ErrorDependencyDown {
			s.drop(current)
		}
		return kept, failure
	}
	return kept, nil
}

// alone makes a call on a session and a connection of its own. Behind a Service, a server of several pods that keep
// sessions knows a session on one of them only, and every new connection may reach another: one connection stays.
func (s *Server) alone(ctx context.Context, tool string, _ Hints, call use) (kept bool, failure *CallError) {
	pool := s.newPool()
	pool.MaxConnsPerHost = 1
	defer pool.CloseIdleConnections()
	client, err := mcpserver.Connect(ctx, s.Endpoint(), s.connectOptions(pool))
	if err != nil {
		return false, s.failed(ctx, err, false, tool)
	}
	defer s.background(func(context.Context) { _ = client.Close() }) // a courtesy
	if err := call(ctx, client); err != nil {
		return false, s.failed(ctx, err, mcpserver.Sent(err), tool)
	}
	return false, nil
}

func (s *Server) failed(ctx context.Context, err error, sent bool, tool string) *CallError {
	failure := NewCallError(err, s.Endpoint().URL, tool)
	failure.Sent = sent
	if cause := context.Cause(ctx); failure.Class == v1alpha1.ErrorCanceled && cause != nil && !errors.Is(err, cause) {
		failure.err = fmt.Errorf("%w: %w", cause, err)
	}
	var unauthorized *CredentialError
	if errors.As(err, &unauthorized) {
		// Nothing that is wrong with the server: the answer to the call is this error, and no heal would change it.
		failure.Class = v1alpha1.ErrorToolError
	}
	return failure
}
