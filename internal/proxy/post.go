// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/ry-ops/cortex/internal/mcp"
	"github.com/ry-ops/cortex/internal/proxy/envelope"
	"github.com/ry-ops/cortex/internal/telemetry"
)

// request is a message of a client.
type request struct {
	message
	client known
	// server is the one of the path, nil for all.
	server *backend
	caller func() string
	reply  *reply
	// Of a stateless client: its headers, and whether it says that servers may ask it something.
	header     http.Header
	canBeAsked bool
	// span is of the message.
	span telemetry.Span
}

// post takes one message.
func (p *Proxy) post(w http.ResponseWriter, r *http.Request) {
	if refused := acceptable(r.Header); refused != nil {
		refused.write(w, nil)
		return
	}
	body, refused := p.body(w, r)
	if refused != nil {
		refused.write(w, nil)
		return
	}
	defer bodies.Put(body)
	data := body.Bytes()
	found, err := envelope.Scan(data)
	id := found.ID.Of(data)
	if !found.ID.Given() {
		id = nil
	}
	if err != nil {
		unreadable(err).write(w, id)
		return
	}
	q := &request{message: message{data, found}, caller: func() string { return p.Caller(r) }}
	if q.client, refused = p.client(r); refused == nil && q.client.stateless() {
		refused = q.admit(r.Header)
	}
	if refused == nil {
		q.server, refused = p.target(r)
	}
	if refused != nil {
		refused.write(w, id)
		return
	}
	switch found.Kind {
	case envelope.Request:
		q.reply = p.reply(w, id)
		defer q.reply.close()
		ctx := p.traced(r.Context(), q)
		defer q.span.End()
		switch name := found.Method.Of(data); {
		case q.client.stateless() && p.alone(ctx, q):
		case string(name) == `"initialize"`:
			p.initialize(ctx, w, q)
		default:
			p.request(ctx, q)
		}
	case envelope.Notification:
		p.notification(q)
		w.WriteHeader(http.StatusAccepted)
	default:
		p.questions.answer(q)
		w.WriteHeader(http.StatusAccepted)
	}
}

// acceptable checks the headers as the transport demands them (MCP, "Streamable HTTP", "Sending Messages to the Server").
func acceptable(header http.Header) *refusal {
	if kind, _, _ := strings.Cut(header.Get("Content-Type"), ";"); !strings.EqualFold(strings.TrimSpace(kind), "application/json") {
		return &refusal{http.StatusUnsupportedMediaType, codeInvalidRequest, "set the header Content-Type: application/json", nil}
	}
	accept := strings.Join(header["Accept"], ",")
	if accept != "application/json, text/event-stream" && !(accepts(accept, "application/json", "application/*") && accepts(accept, "text/event-stream", "text/*")) {
		return &refusal{http.StatusNotAcceptable, codeInvalidRequest, "set the header Accept: application/json, text/event-stream", nil}
	}
	return nil
}

func accepts(accept, kind, family string) bool {
	for one := range strings.SplitSeq(accept, ",") {
		one, _, _ = strings.Cut(one, ";")
		switch strings.ToLower(strings.TrimSpace(one)) {
		case kind, family, "*/*":
			return true
		}
	}
	return false
}

// maxBody bounds a buffer that is kept for the next body.
const maxBody = 128 << 10

// pool of bodies.
type pool struct{ sync.Pool }

func (p *pool) Put(body *bytes.Buffer) {
	if body.Cap() <= maxBody {
		p.Pool.Put(body)
	}
}

var bodies = &pool{sync.Pool{New: func() any { return &bytes.Buffer{} }}}

// body reads a body. The gateway that the Proxy is part of bounds the time that it may take.
func (p *Proxy) body(w http.ResponseWriter, r *http.Request) (*bytes.Buffer, *refusal) {
	tooLarge := &refusal{http.StatusRequestEntityTooLarge, codeInvalidRequest, fmt.Sprintf("the body is larger than %d bytes", p.Limits.Body), nil}
	if r.ContentLength > p.Limits.Body {
		return nil, tooLarge
	}
	body, _ := bodies.Get().(*bytes.Buffer)
	body.Reset()
	_, err := body.ReadFrom(http.MaxBytesReader(w, r.Body, p.Limits.Body))
	if err == nil {
		return body, nil
	}
	bodies.Put(body)
	var limit *http.MaxBytesError
	if errors.As(err, &limit) {
		return nil, tooLarge
	}
	return nil, &refusal{http.StatusBadRequest, codeParse, "the body could not be read to its end", nil}
}

func unreadable(err error) *refusal {
	code := codeInvalidRequest
	switch {
	case errors.Is(err, envelope.ErrSyntax):
		code = codeParse
	case errors.Is(err, envelope.ErrName):
		code = codeInvalidParams
	}
	return &refusal{http.StatusBadRequest, code, err.Error(), nil}
}

// target is the server that the path names.
func (p *Proxy) target(r *http.Request) (*backend, *refusal) {
	name := r.PathValue("server")
	if name == "" {
		return nil, nil
	}
	b, err := p.backends.find(name)
	if err != nil {
		// 404 would mean to a client that its session is lost, and it would begin a new one again and again.
		return nil, &refusal{http.StatusBadRequest, codeInvalidParams, err.Error(), nil}
	}
	if err := p.MayUse(r.Context(), b.server.Key()); err != nil {
		p.Refused(err)
		return nil, &refusal{http.StatusForbidden, codeInvalidParams, err.Error(), nil}
	}
	return b, nil
}

// request answers a request that is not initialize.
func (p *Proxy) request(ctx context.Context, q *request) {
	method := q.Method.Of(q.data)
	switch string(method) {
	case `"ping"`:
		_ = q.reply.result([]byte("{}"))
	case `"tools/call"`:
		p.callTool(ctx, q)
	default:
		switch {
		case q.server != nil && p.share(ctx, q, string(method)):
		case q.server != nil:
			p.call(ctx, q, &call{backend: q.server, hints: mcp.Hints{Given: true, Idempotent: slices.Contains(idempotent, string(method))}})
		case string(method) == `"tools/list"`:
			_ = q.reply.result(p.list(ctx))
		default:
			_ = q.reply.fail(codeMethodNotFound, fmt.Sprintf("%.80s is not offered here, where the tools of all servers are; each server has all that it offers at its own address, /mcp/SERVER", method), nil)
		}
	}
}

// idempotent are the methods of the protocol that may be called twice.
var idempotent = []string{
	`"tools/list"`, `"resources/list"`, `"resources/templates/list"`, `"resources/read"`, `"resources/subscribe"`, `"resources/unsubscribe"`,
	`"prompts/list"`, `"prompts/get"`, `"completion/complete"`, `"logging/setLevel"`, `"tasks/get"`, `"tasks/list"`, `"tasks/result"`,
}

// callTool finds the server and the hints of a tool.
func (p *Proxy) callTool(ctx context.Context, q *request) {
	if !q.Name.Given() {
		_ = q.reply.fail(codeInvalidParams, "params.name is missing: name the tool", nil)
		return
	}
	quoted := q.Name.Of(q.data)
	name := string(quoted[1 : len(quoted)-1])
	c := &call{backend: q.server, tool: name}
	if c.backend == nil {
		server, tool, ok := splitTool(name)
		var err error
		if c.backend, err = p.backends.find(server); err != nil || !ok {
			_ = q.reply.fail(codeInvalidParams, fmt.Sprintf("there is no tool %.128q: tools are named SERVER__TOOL, as tools/list has them", name), nil)
			return
		}
		if err := p.MayUse(ctx, c.backend.server.Key()); err != nil {
			p.Refused(err)
			_ = q.reply.fail(codeInvalidParams, err.Error(), nil)
			return
		}
		c.tool, c.rename = tool, true
	}
	known, listed := c.backend.tools.about(c.tool)
	c.hints, c.listed = known.hints, listed
	if q.client.stateless() {
		if header := q.mirrored(known.mirrors); header != "" {
			_ = q.reply.fail(codeHeaderMismatch, "header mismatch: "+header+" does not say what the argument is that it repeats", nil)
			return
		}
	}
	q.span.Named("tools/call", c.spanned())
	q.span.String(telemetry.ToolName, c.tool)
	q.span.String(telemetry.Operation, telemetry.OperationTool)
	p.call(ctx, q, c)
}

// notification takes note of what a client tells.
func (p *Proxy) notification(q *request) {
	switch string(q.Method.Of(q.data)) {
	case `"notifications/cancelled"`:
		var params struct {
			RequestID json.RawMessage `json:"requestId"`
		}
		if json.Unmarshal(q.Params.Of(q.data), &params) == nil {
			p.flights.cancel(flight{q.client.id, string(params.RequestID)})
		}
	default:
		// initialized is said for the one session that the server knows, once; and roots are not offered to servers.
	}
}

// initialize begins a client's session. For all servers we answer, and for one server what it said itself.
func (p *Proxy) initialize(ctx context.Context, w http.ResponseWriter, q *request) {
	var params struct {
		ProtocolVersion string   `json:"protocolVersion"`
		Capabilities    declared `json:"capabilities"`
	}
	if err := json.Unmarshal(q.Params.Of(q.data), &params); err != nil {
		_ = q.reply.fail(codeInvalidParams, "the params of initialize cannot be read", nil)
		return
	}
	version := params.ProtocolVersion
	if !slices.Contains(versions, version) {
		version = versions[0]
	}
	q.client = newSession(version, params.Capabilities.set())
	begin := func() { w.Header().Set(sessionHeader, q.client.id) }
	if q.server == nil {
		begin()
		_ = q.reply.result(p.hello(version))
		return
	}
	p.call(ctx, q, &call{backend: q.server, hints: mcp.Hints{Given: true, ReadOnly: true}, make: func(s *session) error {
		hello, err := s.helloIn(version)
		if err != nil {
			return err
		}
		begin()
		return q.reply.result(hello)
	}})
}

const instructions = "The tools of all MCP servers of this cluster, named SERVER__TOOL. When a server fails, a call waits until it was healed; a tool that may have run, and is marked neither read-only nor idempotent, is never called twice."

func (p *Proxy) hello(version string) []byte {
	hello, _ := json.Marshal(map[string]any{ // of values that cannot fail
		"protocolVersion": version,
		"capabilities":    map[string]any{"tools": map[string]bool{"listChanged": true}},
		"serverInfo":      map[string]string{"name": "cortex", "version": p.Version},
		"instructions":    instructions,
	})
	return hello
}

// helloIn is what the server said to initialize, in the version that a client speaks.
func (s *session) helloIn(version string) ([]byte, error) {
	var hello map[string]json.RawMessage
	if err := json.Unmarshal(s.hello, &hello); err != nil {
		return nil, fmt.Errorf("reading the server's answer to initialize: %w", err)
	}
	hello["protocolVersion"] = quoted(version)
	return json.Marshal(hello)
}
