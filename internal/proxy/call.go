// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/foreign"
	"github.com/ry-ops/cortex/internal/mcp"
	"github.com/ry-ops/cortex/internal/mcpserver"
	"github.com/ry-ops/cortex/internal/panics"
	"github.com/ry-ops/cortex/internal/proxy/wire"
	"github.com/ry-ops/cortex/internal/recovery"
	"github.com/ry-ops/cortex/internal/telemetry"
)

const (
	// maxTries bounds the sessions that one call tries before its server counts as failed.
	maxTries = 3
	// maxResumes bounds how often a server may end the stream of one call and have it asked for again.
	maxResumes = 64
	// maxText bounds the text of an error in what a client is told, in characters.
	maxText = 1024
)

// failedCall is what a call counts as of which the client gets an error.
const failedCall = "failed"

// call is a request that is passed to a server.
type call struct {
	*request
	proxy   *Proxy
	backend *backend
	// tool as the server names it; empty if the request is not a call of one. rename: the client calls it by a longer name.
	tool   string
	rename bool
	// listed: the server has listed the tool.
	listed bool
	hints  mcp.Hints
	// make does what is to be done on a session. Nil passes the message.
	make func(*session) error

	cancel    context.CancelCauseFunc
	questions []asked
	// failure is the last one, and own the message that it came as, if it did: the server's own word.
	failure *mcp.CallError
	own     *message
	// waiting is set once the call waits for a heal.
	waiting *waiting
	// progress is the last one that the client was told.
	progress float64
}

// call passes a request to a server and ends the reply.
func (p *Proxy) call(ctx context.Context, q *request, c *call) {
	c.proxy, c.request = p, q
	ctx, c.cancel = context.WithCancelCause(ctx)
	defer c.cancel(nil)
	if q.client.id != "" {
		key := flight{q.client.id, string(q.reply.id)}
		p.flights.begin(key, c)
		defer p.flights.end(key, c)
		c.backend.wants.seen(q.client.id)
	}
	err := p.Recoverer.Do(ctx, recovery.Call{Server: c.backend.server, Tool: c.tool, Hints: c.hints, RequestedBy: q.caller(), AtOnce: true, Make: c.try}, c)
	result := "passed"
	if c.waiting != nil {
		result = "recovered"
		c.waiting.end()
	}
	switch {
	case err != nil:
		result = c.end(ctx, err)
	case c.own != nil:
		_ = c.reply.answer(*c.own) // a client that is gone ends its request
	}
	for _, one := range c.questions {
		one.end()
	}
	class := c.class()
	p.metrics.calls.WithLabelValues(c.backend.name(), result, class).Inc()
	q.span.String(telemetry.Namespace, c.backend.server.Key().Namespace)
	q.span.String(telemetry.Service, c.backend.name())
	q.span.String(telemetry.Result, result)
	if result == failedCall {
		q.span.Fail(class)
	}
}

// try makes the call. If the session turns out to be dead, the call is made again on a new one, where the replay rule allows: the
// server may have been replaced in peace. An error that is a *mcp.CallError has the server healed and the call made again.
func (c *call) try(ctx context.Context) error {
	for tried := 1; ; tried++ {
		kept, err := c.once(ctx)
		var failure *mcp.CallError
		if err == nil || !errors.As(err, &failure) || ctx.Err() != nil {
			return err
		}
		c.failure = failure
		if tried == maxTries || !mcp.Stale(failure.Class, kept, tried) || !mcp.Replay(failure.Class, failure.Sent, c.hints).Replay {
			return failure
		}
	}
}

// once makes the call on the shared session. An error that a heal may cure is a *mcp.CallError.
func (c *call) once(ctx context.Context) (kept bool, err error) {
	s, kept, err := c.backend.session(ctx, c.client.caps)
	if err != nil {
		return false, c.backend.server.NotSent(ctx, err, c.tool)
	}
	do := c.make
	if do == nil {
		do = func(s *session) error { return c.passed(ctx, s) }
	}
	c.own = nil
	err = c.guarded(s, do)
	if told := new(rejected); c.tool != "" && errors.As(err, &told) {
		err = c.rejection(told)
	}
	if err == nil || errors.Is(err, errGone) || errors.Is(err, errBusy) || errors.As(err, new(*rejected)) {
		return kept, err
	}
	failure := c.backend.server.Failure(ctx, err, c.tool)
	if failure.Class == v1alpha1.ErrorDependencyDown {
		failure.Answered = true // by a server that works
	} else if mcp.Heals(failure.Class) {
		c.backend.drop(s)
	}
	return kept, failure
}

// guarded turns a panic into an error of this call.
func (c *call) guarded(s *session, do func(*session) error) (err error) {
	defer c.proxy.Panics.Catch(panics.ToolCall, &err, "service", c.backend.server.Key(), "tool", c.tool)
	return do(s)
}

// pass sends the message and relays what comes back, up to the answer.
func (c *call) pass(ctx context.Context, s *session) error {
	number := c.backend.nextID.Add(1)
	var digits [20]byte
	id := strconv.AppendInt(digits[:0], number, 10)
	var parts [5][]byte
	response, err := s.send(ctx, c.proxy.placed(ctx, s.post), false, c.body(parts[:0], id)...)
	if err == nil {
		err = c.relay(ctx, s, response, id)
	}
	if err != nil && (ctx.Err() != nil || errors.Is(err, errGone)) && mcpserver.Sent(err) {
		s.tellLater(fmt.Appendf(nil, `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":%d,"reason":"the caller gave up"}}`, number))
	}
	return err
}

// body is the message with our id and the server's name of the tool.
func (c *call) body(parts [][]byte, id []byte) [][]byte {
	data, name := c.data, c.Name
	if !c.rename {
		return append(parts, data[:c.ID.From], id, data[c.ID.To:])
	}
	// The name's own quote, and what comes before the tool, are left out.
	name.From++
	name.To = name.From + len(data[name.From:name.To]) - 1 - len(c.tool)
	if c.ID.From < name.From {
		return append(parts, data[:c.ID.From], id, data[c.ID.To:name.From], data[name.To:])
	}
	return append(parts, data[:name.From], data[name.To:c.ID.From], id, data[c.ID.To:])
}

// relay reads the answer to a request with our id. A stream that the server ends before the answer is asked for again where it said
// how (MCP, "Resumability and Redelivery").
func (c *call) relay(ctx context.Context, s *session, response *wire.Response, id []byte) error {
	for resumed := 0; ; resumed++ {
		if err := s.refused(response); err != nil {
			return err
		}
		in := c.proxy.reader(response)
		m, err := in.answer(id, func(m message) error { return c.relayed(s, m) })
		last, pause, ended := bytes.Clone(in.lastEvent), in.retry, in.ended && err != nil
		if err == nil {
			if err = c.complaint(response, m); err == nil {
				err = c.reply.answer(m)
			}
			in.drain()
		}
		in.close()
		response.Discard()
		if err == nil || !ended || len(last) == 0 || resumed == maxResumes || !plainWord(string(last)) {
			return err
		}
		if !c.proxy.pause(ctx, pause) {
			return err
		}
		head := append(append(append(bytes.Clone(s.get), "Last-Event-ID: "...), last...), "\r\n"...)
		again, failure := s.send(ctx, head, false)
		if failure != nil {
			return err
		}
		if again.Status != 200 || again.ContentType != wire.Events {
			again.Discard()
			return err
		}
		response = again
	}
}

// pause waits for d. It reports false if ctx ended first.
func (p *Proxy) pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := p.Clock.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C():
		return true
	case <-ctx.Done():
		return false
	}
}

// end tells the client why there is no result. It returns what the call counts as.
func (c *call) end(ctx context.Context, err error) string {
	var told *rejected
	var failure *mcp.CallError
	switch {
	case errors.Is(err, errGone):
		return "canceled"
	case errors.Is(context.Cause(ctx), context.Canceled), errors.Is(context.Cause(ctx), errCancelled):
		c.reply.nothing()
		return "canceled"
	case errors.Is(context.Cause(ctx), errNoPlace), errors.Is(context.Cause(ctx), errNoPlaceEach):
		_ = c.reply.fail(codeBusy, c.backend.name()+context.Cause(ctx).Error(), c.facts())
	case ctx.Err() != nil:
		_ = c.reply.fail(codeUnavailable, context.Cause(ctx).Error(), c.facts())
	case errors.As(err, &told):
		_ = c.reply.rejected(told.message)
	case errors.Is(err, errBusy):
		_ = c.reply.fail(codeBusy, err.Error(), nil)
	case errors.As(err, &failure):
		text := strings.TrimPrefix(foreign.Line(err.Error(), maxText), c.backend.name()+": ")
		_ = c.reply.fail(codeUnavailable, c.backend.name()+": "+text, c.facts())
	default:
		_ = c.reply.fail(codeUnavailable, err.Error(), c.facts())
	}
	return failedCall
}
