// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package telemetry

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/ry-ops/cortex/internal/foreign"
)

// maxText bounds every text of a span, in characters.
const maxText = 256

// Keys of attributes that the conventions have (https://opentelemetry.io/docs/specs/semconv: HTTP, MCP, generative AI).
const (
	ErrorType       = "error.type"
	HTTPMethod      = "http.request.method"
	HTTPRoute       = "http.route"
	HTTPStatus      = "http.response.status_code"
	HTTPSize        = "http.response.body.size"
	MCPMethod       = "mcp.method.name"
	MCPSession      = "mcp.session.id"
	MCPVersion      = "mcp.protocol.version"
	RPCRequest      = "jsonrpc.request.id"
	Operation       = "gen_ai.operation.name"
	AgentName       = "gen_ai.agent.name"
	ConversationID  = "gen_ai.conversation.id"
	ToolName        = "gen_ai.tool.name"
	ToolCall        = "gen_ai.tool.call.id"
	Provider        = "gen_ai.provider.name"
	RequestModel    = "gen_ai.request.model"
	InputTokens     = "gen_ai.usage.input_tokens"  //nolint:gosec // a count
	OutputTokens    = "gen_ai.usage.output_tokens" //nolint:gosec // a count
	Namespace       = "k8s.namespace.name"
	Service         = "cortex.service"
	Result          = "cortex.result"
	Stream          = "cortex.stream.end"
	Task            = "cortex.task.id"
	Request         = "cortex.heal.request"
	Failure         = "cortex.failure.class"
	Outcome         = "cortex.heal.outcome"
	Cause           = "cortex.heal.cause"
	Findings        = "cortex.heal.findings"
	Action          = "cortex.action.type"
	ActionObject    = "cortex.action.object"
	ActionState     = "cortex.action.state"
	Actions         = "cortex.plan.actions"
	Verdict         = "cortex.verification.verdict"
	Check           = "cortex.verification.check"
	Replay          = "cortex.replay.verdict"
	ReplayReason    = "cortex.replay.reason"
	OperationTool   = "execute_tool"
	OperationChat   = "chat"
	OperationInvoke = "invoke_agent"
)

// Span is a span that is under way. The zero one is none, and takes everything in silence.
type Span struct{ span trace.Span }

// On reports whether what the span is told is told on. Ask before you make a value only for it.
func (s Span) On() bool { return s.span != nil && s.span.IsRecording() }

// String sets an attribute. Its value is cleaned and cut to 256 characters; an empty one is left out.
func (s Span) String(key, value string) {
	if s.On() && value != "" {
		s.span.SetAttributes(attribute.String(key, bounded(value)))
	}
}

// Int sets an attribute.
func (s Span) Int(key string, value int) {
	if s.On() {
		s.span.SetAttributes(attribute.Int(key, value))
	}
}

// Named gives the span another name.
func (s Span) Named(verb, object string) {
	if s.On() {
		s.span.SetName(name(verb, object))
	}
}

// Fail says that what the span is of has failed. class is one of few words.
func (s Span) Fail(class string) {
	if s.On() {
		s.span.SetAttributes(attribute.String(ErrorType, bounded(class)))
		s.span.SetStatus(codes.Error, "")
	}
}

// See links the span to another one, which has something to do with it and is not above it.
func (s Span) See(traceparent string) {
	if !s.On() {
		return
	}
	if other := trace.SpanContextFromContext(Under(context.Background(), traceparent)); other.IsValid() {
		s.span.AddLink(trace.Link{SpanContext: other})
	}
}

// End ends the span.
func (s Span) End() {
	if s.span != nil {
		s.span.End()
	}
}

// EndAt ends the span at a moment.
func (s Span) EndAt(at time.Time) {
	if s.span != nil {
		s.span.End(trace.WithTimestamp(at))
	}
}

func bounded(text string) string { return foreign.Line(text, maxText) }
