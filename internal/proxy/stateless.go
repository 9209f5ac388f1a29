// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/ry-ops/cortex/internal/mcp"
	"github.com/ry-ops/cortex/internal/proxy/envelope"
)

// stateless is the version of the protocol without sessions: each request says itself what its client is and can do. Towards a server it is
// a request of the session that all share, in the version that the server speaks; what is said here is put in and taken out on the way.
const stateless = "2026-07-28"

// supported are all versions that clients may speak, the latest first.
var supported = append([]string{stateless}, versions...)

// Headers of a stateless request, which repeat what its body says (MCP 2026-07-28, "Streamable HTTP", "Request Metadata").
const (
	methodHeader = "Mcp-Method"
	nameHeader   = "Mcp-Name"
)

// Members of _meta (MCP 2026-07-28, "_meta").
const (
	metaVersion      = "io.modelcontextprotocol/protocolVersion"
	metaClient       = "io.modelcontextprotocol/clientInfo"
	metaCapabilities = "io.modelcontextprotocol/clientCapabilities"
	metaLevel        = "io.modelcontextprotocol/logLevel"
	metaServer       = "io.modelcontextprotocol/serverInfo"
	metaSubscription = "io.modelcontextprotocol/subscriptionId"
)

// cacheable are the methods that stateless clients may call whose results say how long they may be kept, and plain the others. Both mean the
// same in the versions that servers speak.
var (
	cacheable = []string{`"tools/list"`, `"prompts/list"`, `"resources/list"`, `"resources/templates/list"`, `"resources/read"`}
	plain     = []string{`"tools/call"`, `"prompts/get"`, `"completion/complete"`}
)

const (
	discover  = `"server/discover"`
	subscribe = `"subscriptions/listen"`
)

// needed is a member that each result must have.
type needed struct {
	name, value string
	// ours: what a server says of it does not count.
	ours bool
}

// What is kept is private, since the rights of each caller decide what it sees, and for no time: nobody can say when a server has changed.
var (
	complete     = []needed{{name: "resultType", value: `"complete"`}}
	completeList = []needed{complete[0], {name: "ttlMs", value: "0"}, {name: "cacheScope", value: `"private"`, ours: true}}
)

func (k known) stateless() bool { return k.version == stateless }

// unsupported refuses a version, and says which to use.
func unsupported(version, why string, instead []string) *refusal {
	data, _ := json.Marshal(map[string]any{"supported": instead, "requested": version}) // of values that cannot fail
	return &refusal{http.StatusBadRequest, codeUnsupportedVersion, why, data}
}

// admit checks what a stateless client says of itself, in the headers and in _meta, and takes it out of the message.
func (q *request) admit(header http.Header) *refusal {
	switch q.Kind {
	case envelope.Request:
	case envelope.Notification:
		return nil // there are none that mean something
	default:
		return &refusal{http.StatusBadRequest, codeInvalidRequest, "nothing is asked of clients that speak " + stateless, nil}
	}
	malformed := func(text string) *refusal { return &refusal{http.StatusBadRequest, codeInvalidParams, text, nil} }
	params := q.Params.Of(q.data)
	inParams, err := envelope.Find(params, "_meta", "uri")
	if err != nil && q.Params.Given() {
		return unreadable(err)
	}
	if !q.Params.Given() || !inParams[0].Given() {
		return malformed("params._meta is missing")
	}
	meta := inParams[0].Of(params)
	found, err := envelope.Find(meta, metaVersion, metaClient, metaCapabilities, metaLevel)
	if err != nil {
		return malformed("params._meta cannot be read")
	}
	version, client, can, level := found[0].Of(meta), found[1].Of(meta), found[2].Of(meta), found[3].Of(meta)
	var declares declared
	switch {
	case len(version) == 0 || version[0] != '"':
		return malformed("params._meta needs " + metaVersion)
	case len(can) == 0 || can[0] != '{' || json.Unmarshal(can, &declares) != nil:
		return malformed("params._meta needs " + metaCapabilities + ", an object")
	case len(client) > 0 && client[0] != '{':
		return malformed(metaClient + " must be an object")
	case len(level) > 0 && !slices.Contains(levels, strings.Trim(string(level), `"`)):
		return malformed(metaLevel + " is no level of log messages")
	}
	method := string(bytes.Trim(q.Method.Of(q.data), `"`))
	var name string
	switch method {
	case "tools/call", "prompts/get":
		name = string(bytes.Trim(q.Name.Of(q.data), `"`))
	case "resources/read":
		_ = json.Unmarshal(inParams[1].Of(params), &name) // then it is empty, as if it were missing
	}
	for _, one := range []struct {
		header, body string
		encoded      bool
	}{{versionHeader, string(bytes.Trim(version, `"`)), false}, {methodHeader, method, false}, {nameHeader, name, true}} {
		if one.header == nameHeader && !slices.Contains(namedIn, method) {
			continue
		}
		if said, ok := once(header, one.header, one.encoded); !ok || said != one.body || said == "" {
			return &refusal{http.StatusBadRequest, codeHeaderMismatch, fmt.Sprintf("header mismatch: the body says %.128q, and the header %s must say the same, once", one.body, one.header), nil}
		}
	}
	q.header, q.canBeAsked = header, declares.set() != 0
	envelope.Blank(meta, metaVersion, metaClient, metaCapabilities, metaLevel)
	return nil
}

// namedIn are the methods whose header says what is called, got or read.
var namedIn = []string{"tools/call", "prompts/get", "resources/read"}

// once is the value of a header that is there once, without the encoding that values may have which are not plain (MCP 2026-07-28, "Value
// Encoding").
func once(header http.Header, name string, encoded bool) (string, bool) {
	values := header[name]
	if len(values) != 1 {
		return "", false
	}
	if code, ok := strings.CutPrefix(values[0], "=?base64?"); ok && encoded {
		if code, ok = strings.CutSuffix(code, "?="); ok {
			plain, err := base64.StdEncoding.DecodeString(code)
			return string(plain), err == nil
		}
	}
	return values[0], true
}

// alone sees to what only stateless clients ask, and to what they may not ask. It reports whether the request was such a one.
func (p *Proxy) alone(ctx context.Context, q *request) bool {
	method := string(q.Method.Of(q.data))
	q.reply.needs = complete
	switch {
	case method == discover:
		q.reply.needs = completeList
		p.discover(ctx, q)
	case method == subscribe:
		p.subscribe(ctx, q)
	case slices.Contains(cacheable, method):
		q.reply.needs = completeList
		return false
	case slices.Contains(plain, method):
		return false
	default:
		_ = q.reply.fail(codeMethodNotFound, fmt.Sprintf("%.80s is not offered here to clients that speak %s", method, stateless), nil)
	}
	return true
}

// discover says what is here. A client that a server might ask something is told to begin a session: without one it cannot be asked here.
func (p *Proxy) discover(ctx context.Context, q *request) {
	if q.canBeAsked {
		refused := unsupported(stateless, "servers ask their clients in sessions only: begin with initialize", versions)
		_ = q.reply.fail(refused.code, refused.message, refused.data)
		return
	}
	if q.server == nil {
		result, _ := discovered(p.hello(versions[0])) // our own, which can be read
		_ = q.reply.result(result)
		return
	}
	p.call(ctx, q, &call{backend: q.server, hints: mcp.Hints{Given: true, ReadOnly: true}, make: func(s *session) error {
		result, err := discovered(s.hello)
		if err != nil {
			return err
		}
		return q.reply.result(result)
	}})
}

// discovered makes an answer to initialize one to server/discover.
func discovered(hello []byte) ([]byte, error) {
	var said struct {
		Capabilities map[string]json.RawMessage `json:"capabilities"`
		ServerInfo   json.RawMessage            `json:"serverInfo,omitempty"`
		Instructions json.RawMessage            `json:"instructions,omitempty"`
	}
	if err := json.Unmarshal(hello, &said); err != nil {
		return nil, fmt.Errorf("reading the server's answer to initialize: %w", err)
	}
	// Log messages belong to the session that is shared, and tasks are another thing in this version.
	delete(said.Capabilities, "logging")
	delete(said.Capabilities, "tasks")
	result := map[string]any{"supportedVersions": supported, "capabilities": said.Capabilities}
	if said.Instructions != nil {
		result["instructions"] = said.Instructions
	}
	if said.ServerInfo != nil {
		result["_meta"] = map[string]any{metaServer: said.ServerInfo}
	}
	return json.Marshal(result)
}

// reaches reports whether a message of a server that is not the answer is for a stateless client. It may get what belongs to its request,
// and may not be asked anything.
func (c *call) reaches(s *session, m message) bool {
	if !m.ID.Given() {
		method := string(bytes.Trim(m.Method.Of(m.data), `"`))
		return !slices.Contains(broadcast, method) && method != "notifications/cancelled"
	}
	if m.Is(m.data, "ping") {
		return true
	}
	answer := append([]byte(`{"jsonrpc":"2.0","id":`), m.ID.Of(m.data)...)
	s.tellLater(fmt.Appendf(answer, `,"error":{"code":%d,"message":"this client cannot be asked through this gateway"}}`, codeMethodNotFound))
	return false
}

// edit is a part of a message that is replaced.
type edit struct {
	envelope.Span
	with []byte
}

func edited(data []byte, edits ...edit) [][]byte {
	slices.SortFunc(edits, func(a, b edit) int { return cmp.Compare(a.From, b.From) })
	parts, at := make([][]byte, 0, 2*len(edits)+1), 0
	for _, one := range edits {
		parts = append(parts, data[at:one.From], one.with)
		at = one.To
	}
	return append(parts, data[at:])
}

// carried is the answer of a server as a stateless client gets it: what its result needs is put in where it begins, and codes of errors mean
// what they mean in this version.
func (r *reply) carried(m message) [][]byte {
	edits := []edit{{m.ID, r.id}}
	if m.Failed {
		var failure struct {
			Code    int             `json:"code"`
			Message string          `json:"message"`
			Data    json.RawMessage `json:"data"`
		}
		if json.NewDecoder(bytes.NewReader(m.data[m.Body:])).Decode(&failure) != nil {
			return edited(m.data, edits...)
		}
		code := codeNow(failure.Code)
		r.status = statusOf(code)
		if code == failure.Code {
			return edited(m.data, edits...)
		}
		return [][]byte{errorMessage(r.id, code, failure.Message, failure.Data)}
	}
	names := make([]string, len(r.needs))
	for i, one := range r.needs {
		names[i] = one.name
	}
	result := m.data[m.Body:]
	found, err := envelope.Find(result, names...)
	if err != nil {
		return edited(m.data, edits...) // it is the client's to read
	}
	var missing []byte
	for i, one := range r.needs {
		switch {
		case !found[i].Given():
			missing = append(missing, `"`+one.name+`":`+one.value+","...)
		case one.ours:
			edits = append(edits, edit{envelope.Span{From: m.Body + found[i].From, To: m.Body + found[i].To}, []byte(one.value)})
		}
	}
	if len(missing) > 0 && bytes.HasPrefix(bytes.TrimLeft(result[1:], blank), []byte("}")) {
		missing = missing[:len(missing)-1]
	}
	return edited(m.data, append(edits, edit{envelope.Span{From: m.Body + 1, To: m.Body + 1}, missing})...)
}

// Codes of earlier versions that may not be used any more (MCP 2026-07-28, "Error Codes").
const (
	codeNoResource   = -32002
	codeURLIsNeeded  = -32042
	codeNoCapability = -32021
)

// codeNow is the code of an error of a server in this version. What it did not like of our own request is not the client's to mend.
func codeNow(code int) int {
	switch code {
	case codeNoResource:
		return codeInvalidParams
	case codeURLIsNeeded, codeHeaderMismatch, codeUnsupportedVersion:
		return codeInternal
	default:
		return code
	}
}

// statusOf is the HTTP status that this version demands for an error; zero if any will do.
func statusOf(code int) int {
	switch code {
	case codeMethodNotFound:
		return http.StatusNotFound
	case codeHeaderMismatch, codeNoCapability, codeUnsupportedVersion:
		return http.StatusBadRequest
	default:
		return 0
	}
}

// filter is what a client wants to hear of.
type filter struct {
	Tools     bool     `json:"toolsListChanged,omitempty"`
	Prompts   bool     `json:"promptsListChanged,omitempty"`
	Resources bool     `json:"resourcesListChanged,omitempty"`
	URIs      []string `json:"resourceSubscriptions,omitempty"`
}

// within leaves what a server offers.
func (f filter) within(hello []byte) (filter, error) {
	type changes struct {
		ListChanged bool `json:"listChanged"`
		Subscribe   bool `json:"subscribe"`
	}
	var offers struct {
		Capabilities struct{ Tools, Prompts, Resources changes } `json:"capabilities"`
	}
	if err := json.Unmarshal(hello, &offers); err != nil {
		return filter{}, fmt.Errorf("reading the server's answer to initialize: %w", err)
	}
	has := offers.Capabilities
	f.Tools, f.Prompts, f.Resources = f.Tools && has.Tools.ListChanged, f.Prompts && has.Prompts.ListChanged, f.Resources && has.Resources.ListChanged
	if !has.Resources.Subscribe {
		f.URIs = nil
	}
	return f, nil
}

// has reports whether a notification is one of those. Of resources that are updated, the wants have seen to it.
func (f filter) has(method string) bool {
	switch method {
	case "notifications/tools/list_changed":
		return f.Tools
	case "notifications/prompts/list_changed":
		return f.Prompts
	case "notifications/resources/list_changed":
		return f.Resources
	default:
		return method == "notifications/resources/updated" && len(f.URIs) > 0
	}
}

// subscribe tells a client what changes, on the stream of its request, until one of the two ends it.
func (p *Proxy) subscribe(ctx context.Context, q *request) {
	var params struct {
		Notifications *filter `json:"notifications"`
	}
	if json.Unmarshal(q.Params.Of(q.data), &params) != nil || params.Notifications == nil {
		_ = q.reply.fail(codeInvalidParams, "params.notifications is missing: say what to tell of", nil)
		return
	}
	agreed, err := params.Notifications.within(p.hello(versions[0]))
	if q.server != nil {
		known := false
		p.call(ctx, q, &call{backend: q.server, hints: mcp.Hints{Given: true, ReadOnly: true}, make: func(s *session) error {
			agreed, err = params.Notifications.within(s.hello)
			known = err == nil
			return err
		}})
		if !known {
			return
		}
	}
	// Nobody else knows the name, and it is no session's.
	client := newSession(stateless, 0).id
	if refused := q.wish(client, agreed.URIs); refused != nil {
		q.reply.refuse(refused)
		return
	}
	if len(agreed.URIs) > 0 {
		defer q.server.forget(client)
	}
	one, full := p.listeners.join(q.server, client, q.caller())
	if full != nil {
		q.reply.w.Header().Set("Retry-After", "5")
		q.reply.refuse(full)
		return
	}
	defer p.listeners.leave(one)
	about := map[string]any{metaSubscription: json.RawMessage(q.reply.id)}
	tell := func(method string, params map[string]any) error {
		params["_meta"] = about
		raw, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "method": method, "params": params})
		if err != nil {
			return fmt.Errorf("writing a notification: %w", err)
		}
		return q.reply.message(raw)
	}
	if tell("notifications/subscriptions/acknowledged", map[string]any{"notifications": agreed}) != nil {
		return // the client is gone
	}
	if agreed.Tools || agreed.Prompts || agreed.Resources || len(agreed.URIs) > 0 {
		p.tellOn(ctx, q.reply, one, func(data []byte) error {
			m := message{data, envelope.Head(data)}
			method, params := string(bytes.Trim(m.Method.Of(data), `"`)), map[string]any{}
			if !agreed.has(method) {
				return nil
			}
			var about noted
			if m.Params.Given() && json.Unmarshal(m.Params.Of(data), &about) == nil && about.URI != "" {
				params["uri"] = about.URI
			}
			return tell(method, params)
		})
	}
	result, _ := json.Marshal(map[string]any{"_meta": about}) // of values that can be read
	_ = q.reply.result(result)                                // a client that is gone ends its request
}

// wish has the server tell of some resources, on behalf of a client.
func (q *request) wish(client string, uris []string) *refusal {
	for _, uri := range uris {
		if len(uri) > maxURI {
			q.server.forget(client)
			return &refusal{http.StatusBadRequest, codeInvalidParams, fmt.Sprintf("a URI is longer than %d bytes", maxURI), nil}
		}
		if err := q.server.wants.subscribe(client, q.caller(), uri); err != nil {
			q.server.forget(client)
			return &refusal{http.StatusTooManyRequests, codeBusy, err.Error(), nil}
		}
	}
	if len(uris) > 0 {
		q.server.wish(uris...)
	}
	return nil
}
