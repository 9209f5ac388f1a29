// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"

	"github.com/ry-ops/cortex/internal/telemetry"
)

// methods are those that spans are named after, so that nobody who calls can make up names.
var methods = append([]string{`"initialize"`, discover, subscribe, `"ping"`, `"tools/call"`, `"tasks/cancel"`}, idempotent...)

// traced begins the span of a message, as OpenTelemetry's conventions for MCP have it: below the span that the message names in
// its _meta, and then linked with that of the HTTP request, else below that one.
func (p *Proxy) traced(ctx context.Context, q *request) context.Context {
	if p.Tracer == nil {
		return ctx
	}
	method := string(q.Method.Of(q.data))
	if slices.Contains(methods, method) {
		method = method[1 : len(method)-1]
	} else {
		method = "_OTHER"
	}
	around := telemetry.Traceparent(ctx)
	below := telemetry.Under(ctx, q.traceparent())
	ctx, q.span = p.Tracer.Start(below, telemetry.Server, method, "")
	if telemetry.Traceparent(below) != around {
		q.span.See(around)
	}
	q.span.String(telemetry.MCPMethod, method)
	q.span.String(telemetry.MCPSession, q.client.id)
	q.span.String(telemetry.MCPVersion, q.client.version)
	q.span.String(telemetry.RPCRequest, string(bytes.Trim(q.reply.id, `"`)))
	return ctx
}

// traceparent is what the message names in its _meta (MCP, SEP-414); empty if it names nothing.
func (q *request) traceparent() string {
	if !q.Params.Given() || !bytes.Contains(q.Params.Of(q.data), []byte(telemetry.Header)) {
		return ""
	}
	var params struct {
		Meta struct {
			Traceparent string `json:"traceparent"`
		} `json:"_meta"`
	}
	if json.Unmarshal(q.Params.Of(q.data), &params) != nil {
		return ""
	}
	return params.Meta.Traceparent
}

// passed is pass with a span of its own: each attempt has one.
func (c *call) passed(ctx context.Context, s *session) error {
	if c.proxy.Tracer == nil {
		return c.pass(ctx, s)
	}
	verb := "tools/call"
	if c.tool == "" {
		verb = "request"
	}
	ctx, span := c.proxy.Tracer.Start(ctx, telemetry.Client, verb, c.spanned())
	defer span.End()
	span.String(telemetry.ToolName, c.tool)
	span.String(telemetry.Namespace, c.backend.server.Key().Namespace)
	span.String(telemetry.Service, c.backend.name())
	err := c.pass(ctx, s)
	if err != nil {
		span.Fail(string(c.backend.server.Failure(ctx, err, c.tool).Class))
	}
	return err
}

// spanned is the tool in the name of a span; empty if the server has not listed it: then only an attribute has what the caller wrote.
func (c *call) spanned() string {
	if !c.listed {
		return ""
	}
	return c.tool
}

// placed is the head of a request to a server, with its place in the trace.
func (p *Proxy) placed(ctx context.Context, head []byte) []byte {
	if p.Tracer == nil {
		return head
	}
	at := telemetry.Traceparent(ctx)
	if at == "" {
		return head
	}
	return slices.Concat(head, []byte("Traceparent: "+at+"\r\n"))
}

// class is that of the last failure of a call, and OK if there was none.
func (c *call) class() string {
	if c.failure == nil {
		return "OK"
	}
	return string(c.failure.Class)
}
