// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/ry-ops/cortex/internal/mcp/mcptest"
	"github.com/ry-ops/cortex/internal/proxy/envelope"
)

// said is what a stateless client must say of itself, and says nothing of.
const said = `"_meta":{"progressToken":"mine","io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}`

// asks sets the headers of a stateless request.
func asks(method, name string) func(http.Header) {
	return func(h http.Header) {
		h.Set(versionHeader, stateless)
		h.Set(methodHeader, method)
		if name != "" {
			h.Set(nameHeader, name)
		}
	}
}

func TestStatelessRefusals(t *testing.T) {
	w := newWorld(t, []*mcptest.Backend{server(t, "sandfly", sdk.StreamableHTTPOptions{}, nil)})
	meta := func(members string) string {
		return `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"sandfly__list_hosts","_meta":{` + members + `}}}`
	}
	const version, can = `"io.modelcontextprotocol/protocolVersion":"2026-07-28"`, `"io.modelcontextprotocol/clientCapabilities":{}`
	call := meta(version + "," + can)
	request := func(method, params string) string {
		return `{"jsonrpc":"2.0","id":1,"method":"` + method + `","params":{` + params + said + `}}`
	}
	well := asks("tools/call", "sandfly__list_hosts")
	change := func(name string, values ...string) func(http.Header) {
		return func(h http.Header) {
			well(h)
			h[name] = values
		}
	}
	for name, tc := range map[string]struct {
		path, body   string
		headers      func(http.Header)
		status, code int
	}{
		"well":                    {"/mcp", call, well, 200, 0},
		"well, encoded":           {"/mcp", call, change(nameHeader, "=?base64?c2FuZGZseV9fbGlzdF9ob3N0cw==?="), 200, 0},
		"well, with a session":    {"/mcp", call, change(sessionHeader, "nonsense"), 200, 0},
		"no method header":        {"/mcp", call, change(methodHeader), 400, codeHeaderMismatch},
		"another method":          {"/mcp", call, change(methodHeader, "tools/list"), 400, codeHeaderMismatch},
		"two methods":             {"/mcp", call, change(methodHeader, "tools/call", "tools/list"), 400, codeHeaderMismatch},
		"no name header":          {"/mcp", call, change(nameHeader), 400, codeHeaderMismatch},
		"another name":            {"/mcp", call, change(nameHeader, "sandfly__start_scan"), 400, codeHeaderMismatch},
		"encoded wrongly":         {"/mcp", call, change(nameHeader, "=?base64?%?="), 400, codeHeaderMismatch},
		"two versions":            {"/mcp", call, change(versionHeader, stateless, versions[0]), 400, codeHeaderMismatch},
		"another version":         {"/mcp", meta(`"io.modelcontextprotocol/protocolVersion":"2025-11-25",` + can), well, 400, codeHeaderMismatch},
		"no version":              {"/mcp", meta(can), well, 400, codeInvalidParams},
		"no capabilities":         {"/mcp", meta(version), well, 400, codeInvalidParams},
		"odd capabilities":        {"/mcp", meta(version + `,"io.modelcontextprotocol/clientCapabilities":[]`), well, 400, codeInvalidParams},
		"odd client":              {"/mcp", meta(version + "," + can + `,"io.modelcontextprotocol/clientInfo":7`), well, 400, codeInvalidParams},
		"odd level":               {"/mcp", meta(version + "," + can + `,"io.modelcontextprotocol/logLevel":"loud"`), well, 400, codeInvalidParams},
		"version twice":           {"/mcp", meta(version + "," + can + "," + version), well, 400, codeInvalidParams},
		"no _meta":                {"/mcp", `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"sandfly__list_hosts"}}`, well, 400, codeInvalidParams},
		"no params":               {"/mcp", `{"jsonrpc":"2.0","id":1,"method":"tools/list"}`, asks("tools/list", ""), 400, codeInvalidParams},
		"_meta twice":             {"/mcp", request("tools/list", said+","), asks("tools/list", ""), 400, codeInvalidRequest},
		"an unknown tool":         {"/mcp", request("tools/call", `"name":"x",`), asks("tools/call", "x"), 200, codeInvalidParams},
		"no such server":          {"/mcp/nobody", call, well, 400, codeInvalidParams},
		"another resource":        {"/mcp/sandfly", request("resources/read", `"uri":"file:///a",`), asks("resources/read", "file:///b"), 400, codeHeaderMismatch},
		"no resources here":       {"/mcp", request("resources/list", ""), asks("resources/list", ""), 404, codeMethodNotFound},
		"initialize":              {"/mcp", request("initialize", ""), asks("initialize", ""), 404, codeMethodNotFound},
		"ping":                    {"/mcp/sandfly", request("ping", ""), asks("ping", ""), 404, codeMethodNotFound},
		"a level":                 {"/mcp/sandfly", request("logging/setLevel", `"level":"info",`), asks("logging/setLevel", ""), 404, codeMethodNotFound},
		"a subscription":          {"/mcp/sandfly", request("resources/subscribe", `"uri":"a",`), asks("resources/subscribe", ""), 404, codeMethodNotFound},
		"listening to nothing":    {"/mcp", request("subscriptions/listen", ""), asks("subscriptions/listen", ""), 200, codeInvalidParams},
		"an answer":               {"/mcp", `{"jsonrpc":"2.0","id":7,"result":{}}`, well, 400, codeInvalidRequest},
		"a notification":          {"/mcp", `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}`, well, 202, 0},
		"a version of the future": {"/mcp", call, change(versionHeader, "2027-01-01"), 400, codeUnsupportedVersion},
	} {
		t.Run(name, func(t *testing.T) {
			status, answer := w.raw(tc.path, "", tc.body, tc.headers)
			var message struct {
				Error struct {
					Code int
					Data struct {
						Supported []string
						Requested string
					}
				}
			}
			if answer != "" && json.Unmarshal([]byte(answer), &message) != nil || status != tc.status || message.Error.Code != tc.code {
				t.Errorf("got %d %s", status, answer)
			}
			if data := message.Error.Data; tc.code == codeUnsupportedVersion && (!slices.Equal(data.Supported, supported) || data.Requested != "2027-01-01") {
				t.Errorf("got %s", answer)
			}
		})
	}
	for _, method := range []string{http.MethodGet, http.MethodDelete} {
		request, _ := http.NewRequestWithContext(t.Context(), method, w.http.URL+"/mcp", nil)
		request.Header = http.Header{versionHeader: {stateless}, "Accept": {"text/event-stream"}}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != http.StatusMethodNotAllowed || response.Header.Get("Allow") != "POST" {
			t.Errorf("%s: got %d, allowed is %q", method, response.StatusCode, response.Header.Get("Allow"))
		}
	}
}

// TestStatelessResults: a result gets what it needs where it begins, and is else what the server wrote.
func TestStatelessResults(t *testing.T) {
	sandfly := server(t, "sandfly", sdk.StreamableHTTPOptions{}, nil)
	w := newWorld(t, []*mcptest.Backend{sandfly})
	large := strings.Repeat("0123456789abcdef", 1<<16)
	const list = `"resultType":"complete","ttlMs":0,"cacheScope":"private"`
	for name, tc := range map[string]struct {
		method, kind, answer string
		status               int
		want                 string
	}{
		"id first":      {"tools/call", "application/json", `{"jsonrpc":"2.0","id":%s,"result":{"b":1.0,"a":[ 1e3 , "\u00e9<>"],"id":5}}`, 200, `{"jsonrpc":"2.0","id":"my id","result":{"resultType":"complete","b":1.0,"a":[ 1e3 , "\u00e9<>"],"id":5}}`},
		"id last":       {"tools/call", "application/json", `{"result":{"b":1.0,"id":5},"jsonrpc":"2.0","id":%s}`, 200, `{"result":{"resultType":"complete","b":1.0,"id":5},"jsonrpc":"2.0","id":"my id"}`},
		"an event":      {"tools/call", "text/event-stream", "data: {\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":{}}\n\n", 200, `{"jsonrpc":"2.0","id":"my id","result":{"resultType":"complete"}}`},
		"nothing in it": {"tools/list", "application/json", `{"jsonrpc":"2.0","id":%s,"result":{ }}`, 200, `{"jsonrpc":"2.0","id":"my id","result":{` + list + ` }}`},
		"its own word":  {"tools/call", "application/json", `{"jsonrpc":"2.0","id":%s,"result":{"x":{"resultType":1},"resultType":"input_required"}}`, 200, `{"jsonrpc":"2.0","id":"my id","result":{"x":{"resultType":1},"resultType":"input_required"}}`},
		"its own times": {"resources/list", "application/json", `{"jsonrpc":"2.0","id":%s,"result":{"ttlMs":9,"resources":[]}}`, 200, `{"jsonrpc":"2.0","id":"my id","result":{"resultType":"complete","cacheScope":"private","ttlMs":9,"resources":[]}}`},
		"for everybody": {"prompts/list", "application/json", `{"result":{"prompts":[],"cacheScope":"public","ttlMs":9},"id":%s,"jsonrpc":"2.0"}`, 200, `{"result":{"resultType":"complete","prompts":[],"cacheScope":"private","ttlMs":9},"id":"my id","jsonrpc":"2.0"}`},
		"no object":     {"tools/call", "application/json", `{"jsonrpc":"2.0","id":%s,"result":[1]}`, 200, `{"jsonrpc":"2.0","id":"my id","result":[1]}`},
		"1 MiB":         {"tools/call", "application/json", `{"jsonrpc":"2.0","id":%s,"result":{"text":"` + large + `"}}`, 200, `{"jsonrpc":"2.0","id":"my id","result":{"resultType":"complete","text":"` + large + `"}}`},
		"an error":      {"tools/call", "application/json", `{"jsonrpc":"2.0","id":%s,"error":{"code":-32602,"message":"m","data":[1.0]}}`, 200, `{"jsonrpc":"2.0","id":"my id","error":{"code":-32602,"message":"m","data":[1.0]}}`},
		"no method":     {"prompts/list", "application/json", `{"jsonrpc":"2.0","id":%s,"error":{"code":-32601,"message":"m"}}`, 404, `{"jsonrpc":"2.0","id":"my id","error":{"code":-32601,"message":"m"}}`},
		"no resource":   {"resources/list", "application/json", `{"jsonrpc":"2.0","id":%s,"error":{"code":-32002,"message":"m","data":{"uri":"u"}}}`, 200, `{"jsonrpc":"2.0","id":"my id","error":{"code":-32602,"message":"m","data":{"uri":"u"}}}`},
		"our version":   {"resources/list", "application/json", `{"jsonrpc":"2.0","id":%s,"error":{"code":-32022,"message":"m"}}`, 200, `{"jsonrpc":"2.0","id":"my id","error":{"code":-32603,"message":"m"}}`},
	} {
		t.Run(name, func(t *testing.T) {
			sandfly.Break(func(w http.ResponseWriter, _ *http.Request, body string, _ http.HandlerFunc) bool {
				var message struct{ ID json.RawMessage }
				if json.Unmarshal([]byte(body), &message) != nil || !strings.Contains(body, `"mine"`) {
					return false
				}
				if strings.Contains(body, "modelcontextprotocol") || !strings.Contains(body, `"_meta":{"progressToken":"mine"`) {
					t.Errorf("the server got %s", body)
				}
				w.Header().Set("Content-Type", tc.kind)
				_, _ = fmt.Fprintf(w, strings.ReplaceAll(tc.answer, "%s", "%[1]s"), message.ID)
				return true
			})
			tool := ""
			if tc.method == "tools/call" {
				tool = "sandfly__x"
			}
			for _, path := range []string{"/mcp", "/mcp/sandfly"} {
				if path == "/mcp" && tool == "" {
					continue // these are ours
				}
				status, got := w.raw(path, "", `{"jsonrpc":"2.0","id":"my id","method":"`+tc.method+`","params":{"name":"`+tool+`",`+said+`}}`, asks(tc.method, tool))
				if status != tc.status || got != tc.want {
					t.Errorf("%s: got %d %.300s", path, status, got)
				}
			}
		})
	}
}

// TestMirroredArguments: what a header repeats of the arguments is what they are.
func TestMirroredArguments(t *testing.T) {
	tool := []byte(`{"name":"x","inputSchema":{"properties":{
		"region":{"type":"string","x-mcp-header":"Region"}, "deep":{"properties":{"count":{"type":"integer","x-mcp-header":"count"}}}, "dry":{"type":"boolean","x-mcp-header":"Dry"},
		"list":{"items":{"x-mcp-header":"No"}}, "odd":{"x-mcp-header":7}}}}`)
	all := mirrors(tool)
	if len(all) != 3 || mirrors([]byte(`{"name":"x","inputSchema":{}}`)) != nil {
		t.Fatalf("got %v", all)
	}
	for arguments, tc := range map[string]struct {
		header http.Header
		want   string
	}{
		`{}`:                       {nil, ""},
		`{"region":null,"deep":7}`: {nil, ""},
		`{"region":"a","deep":{"count":42},"dry":true}`: {http.Header{"Mcp-Param-Region": {"a"}, "Mcp-Param-Count": {"42.0"}, "Mcp-Param-Dry": {"true"}}, ""},
		`{"region":" é"}`:        {http.Header{"Mcp-Param-Region": {"=?base64?IMOp?="}}, ""},
		`{"region":"b"}`:         {http.Header{"Mcp-Param-Region": {"a"}}, "Mcp-Param-Region"},
		`{"region":"c"}`:         {nil, "Mcp-Param-Region"},
		`{"region":"d"}`:         {http.Header{"Mcp-Param-Region": {"d", "d"}}, "Mcp-Param-Region"},
		`{"region":["e"]}`:       {http.Header{"Mcp-Param-Region": {"e"}}, "Mcp-Param-Region"},
		`{"deep":{}}`:            {http.Header{"Mcp-Param-Count": {"1"}}, "Mcp-Param-Count"},
		`{"deep":{"count":1}}`:   {http.Header{"Mcp-Param-Count": {"2"}}, "Mcp-Param-Count"},
		`{"deep":{"count":1.5}}`: {http.Header{"Mcp-Param-Count": {"1.5"}}, "Mcp-Param-Count"},
		`{"dry":false}`:          {http.Header{"Mcp-Param-Dry": {"False"}}, "Mcp-Param-Dry"},
	} {
		data := []byte(`{"arguments":` + arguments + `}`)
		q := &request{message: message{data, envelope.Envelope{Params: envelope.Span{To: len(data)}}}, header: tc.header}
		if got := q.mirrored(all); got != tc.want {
			t.Errorf("%s: got %q", arguments, got)
		}
	}

	w := newWorld(t, []*mcptest.Backend{server(t, "sandfly", sdk.StreamableHTTPOptions{}, func(s *sdk.Server) {
		s.AddTool(&sdk.Tool{Name: "scan", InputSchema: json.RawMessage(`{"type":"object","properties":{"host":{"type":"string","x-mcp-header":"Host"}}}`)},
			func(context.Context, *sdk.CallToolRequest) (*sdk.CallToolResult, error) {
				return &sdk.CallToolResult{Content: []sdk.Content{&sdk.TextContent{Text: "done"}}}, nil
			})
	})})
	session := w.connectIn(stateless, stateless, "/mcp", nil)
	toolNames(t, session)
	if text, err := callTool(t, session, "sandfly__scan", map[string]any{"host": "web-1"}); err != nil || text != "done" {
		t.Errorf("%q, %v", text, err)
	}
	call := `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"sandfly__scan","arguments":{"host":"web-1"},` + said + `}}`
	if status, got := w.raw("/mcp", "", call, asks("tools/call", "sandfly__scan")); status != http.StatusBadRequest || !strings.Contains(got, "-32020") {
		t.Errorf("got %d %s", status, got)
	}
}

// TestStatelessServer: one server with all that it offers, but for what belongs to a session.
func TestStatelessServer(t *testing.T) {
	for name, serving := range variants {
		t.Run(name, func(t *testing.T) {
			sandfly := server(t, "sandfly", serving, func(s *sdk.Server) {
				s.AddPrompt(&sdk.Prompt{Name: "greet"}, func(context.Context, *sdk.GetPromptRequest) (*sdk.GetPromptResult, error) {
					return &sdk.GetPromptResult{Description: "hello"}, nil
				})
				s.AddResource(&sdk.Resource{URI: "file:///é", Name: "e"}, func(_ context.Context, r *sdk.ReadResourceRequest) (*sdk.ReadResourceResult, error) {
					return &sdk.ReadResourceResult{Contents: []*sdk.ResourceContents{{URI: r.Params.URI, Text: "content"}}}, nil
				})
				sdk.AddTool(s, &sdk.Tool{Name: "fails"}, func(ctx context.Context, r *sdk.CallToolRequest, _ struct{}) (*sdk.CallToolResult, any, error) {
					_ = r.Session.NotifyProgress(ctx, &sdk.ProgressNotificationParams{ProgressToken: r.Params.GetProgressToken(), Progress: 7})
					return nil, nil, errors.New("no such host")
				})
			})
			w := newWorld(t, []*mcptest.Backend{sandfly})
			progress := make(chan float64, 10)
			session := w.connectIn(stateless, stateless, "/mcp/sandfly", &sdk.ClientOptions{
				ProgressNotificationHandler: func(_ context.Context, r *sdk.ProgressNotificationClientRequest) { progress <- r.Params.Progress },
			})
			hello := session.InitializeResult()
			if session.ID() != "" || hello.ServerInfo.Name != "sandfly" || hello.Capabilities.Logging != nil || hello.Capabilities.Prompts == nil { //nolint:staticcheck // deprecated, and in use
				t.Errorf("session %q, %+v", session.ID(), hello)
			}
			if prompts, err := session.ListPrompts(t.Context(), nil); err != nil || len(prompts.Prompts) != 1 {
				t.Errorf("%+v, %v", prompts, err)
			}
			if prompt, err := session.GetPrompt(t.Context(), &sdk.GetPromptParams{Name: "greet"}); err != nil || prompt.Description != "hello" {
				t.Errorf("%+v, %v", prompt, err)
			}
			resources, err := session.ListResources(t.Context(), nil)
			if err != nil || len(resources.Resources) != 1 || resources.CacheScope != "private" {
				t.Fatalf("%+v, %v", resources, err)
			}
			if content, err := session.ReadResource(t.Context(), &sdk.ReadResourceParams{URI: resources.Resources[0].URI}); err != nil || content.Contents[0].Text != "content" {
				t.Errorf("%+v, %v", content, err)
			}
			params := &sdk.CallToolParams{Name: "fails"}
			params.SetProgressToken("mine")
			result, err := session.CallTool(t.Context(), params)
			if err != nil || !result.IsError || result.Content[0].(*sdk.TextContent).Text != "no such host" {
				t.Errorf("%+v, %v", result, err)
			}
			if !serving.JSONResponse {
				if got := <-progress; got != 7 {
					t.Errorf("progress is %f", got)
				}
			}
			var told *jsonrpc.Error
			if _, err := session.ReadResource(t.Context(), &sdk.ReadResourceParams{URI: "file:///none"}); !errors.As(err, &told) || told.Code != codeInvalidParams {
				t.Errorf("a resource that is not there: %v", err)
			}
			if n := w.sessions("sandfly"); n != 1 {
				t.Errorf("%d sessions were opened", n)
			}
		})
	}
}

// TestAskedClientsFallBack: a client that can be asked comes to a version in which it is.
func TestAskedClientsFallBack(t *testing.T) {
	w := newWorld(t, []*mcptest.Backend{server(t, "sandfly", sdk.StreamableHTTPOptions{}, asking("sandfly"))})
	for path, tool := range map[string]string{"/mcp": "sandfly__ask", "/mcp/sandfly": "ask"} {
		session := w.connectIn(stateless, versions[0], path, &sdk.ClientOptions{
			CreateMessageHandler: func(context.Context, *sdk.CreateMessageRequest) (*sdk.CreateMessageResult, error) { //nolint:staticcheck // deprecated, and in use
				return &sdk.CreateMessageResult{Content: &sdk.TextContent{Text: "an answer"}, Model: "m", Role: "assistant"}, nil //nolint:staticcheck // deprecated, and in use
			},
		})
		if text, err := callTool(t, session, tool, nil); err != nil || text != "an answer" {
			t.Errorf("%s: %q, %v", path, text, err)
		}
	}
}

// TestStatelessStream: a server that asks in spite of all is told that nobody answers, and what does not belong to the call is left out.
func TestStatelessStream(t *testing.T) {
	sandfly := server(t, "sandfly", sdk.StreamableHTTPOptions{}, nil)
	w := newWorld(t, []*mcptest.Backend{sandfly})
	answered := make(chan string, 10)
	sandfly.Break(func(out http.ResponseWriter, r *http.Request, body string, _ http.HandlerFunc) bool {
		var message struct {
			ID    json.RawMessage
			Error struct{ Message string }
		}
		_ = json.Unmarshal([]byte(body), &message) // of the client's stream there is no body
		if message.Error.Message != "" {
			answered <- string(message.ID) + " " + message.Error.Message
			out.WriteHeader(http.StatusAccepted)
			return true
		}
		if !strings.Contains(body, "tools/call") {
			return false
		}
		out.Header().Set("Content-Type", "text/event-stream")
		for _, one := range []string{
			`{"jsonrpc":"2.0","id":"q","method":"elicitation/create","params":{}}`, `{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"error","data":1}}`,
			`{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}`, `{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"mine","progress":1}}`,
			fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"result":{"content":[]}}`, message.ID),
		} {
			_, _ = fmt.Fprintf(out, "data: %s\n\n", one)
			_ = http.NewResponseController(out).Flush()
			if strings.Contains(one, "elicitation") {
				select {
				case got := <-answered:
					if got != `"q" this client cannot be asked through this gateway` {
						t.Errorf("got %s", got)
					}
				case <-r.Context().Done():
				case <-time.After(time.Minute):
					t.Error("the server is not told")
				}
			}
		}
		return true
	})
	_, got := w.raw("/mcp/sandfly", "", `{"jsonrpc":"2.0","id":"my id","method":"tools/call","params":{"name":"list_hosts",`+said+`}}`, asks("tools/call", "list_hosts"))
	want := `event: message
data: {"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"mine","progress":1}}

event: message
data: {"jsonrpc":"2.0","id":"my id","result":{"resultType":"complete","content":[]}}

`
	if got != want {
		t.Errorf("got %s", got)
	}
}

// TestStatelessSubscriptions: a client hears of what it asked for, while its request lasts, and of nothing else.
func TestStatelessSubscriptions(t *testing.T) {
	sandfly := server(t, "sandfly", sdk.StreamableHTTPOptions{}, nil)
	s := &wished{tell: make(chan string, 10)}
	sandfly.Break(func(out http.ResponseWriter, r *http.Request, body string, serve http.HandlerFunc) bool {
		var message struct {
			ID     json.RawMessage
			Method string
		}
		_ = json.Unmarshal([]byte(body), &message) // of the client's stream there is no body
		if message.Method != "initialize" {
			return s.fault(out, r, body, serve)
		}
		out.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprintf(out, `{"jsonrpc":"2.0","id":%s,"result":{"protocolVersion":"2025-11-25","capabilities":{"resources":{"subscribe":true}},"serverInfo":{"name":"s","version":"1"}}}`, message.ID)
		return true
	})
	w := newWorld(t, []*mcptest.Backend{sandfly})
	var last atomic.Value
	updated := make(chan string, 10)
	session := w.connectIn(stateless, stateless, "/mcp/sandfly", &sdk.ClientOptions{
		ResourceUpdatedHandler: func(_ context.Context, r *sdk.ResourceUpdatedNotificationRequest) {
			last.Store(r.Params.Meta)
			updated <- r.Params.URI
		},
	})
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	if err := session.Subscribe(ctx, &sdk.SubscribeParams{URI: "file:///a"}); err != nil {
		t.Fatal(err)
	}
	s.was(t, "resources/subscribe file:///a")
	for _, uri := range []string{"file:///b", "file:///a"} {
		s.tell <- `{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"` + uri + `"}}`
	}
	select {
	case uri := <-updated:
		if uri != "file:///a" || len(last.Load().(sdk.Meta)) != 1 {
			t.Errorf("heard of %s, %v", uri, last.Load())
		}
	case <-time.After(time.Minute):
		t.Fatal("not told")
	}
	if err := session.Unsubscribe(ctx, &sdk.UnsubscribeParams{URI: "file:///a"}); err != nil {
		t.Fatal(err)
	}
	s.was(t, "resources/unsubscribe file:///a")
}

// TestStatelessListenerIsEnded: a gateway that ends says so to those who listen, and takes no more.
func TestStatelessListenerIsEnded(t *testing.T) {
	w := newWorld(t, []*mcptest.Backend{server(t, "sandfly", sdk.StreamableHTTPOptions{}, nil)})
	<-w.proxy.backends.list()[0].tools.tried // what is told of them is told by now
	listen := func(wanted string) (int, string) {
		return w.raw("/mcp", "", `{"jsonrpc":"2.0","id":"l","method":"subscriptions/listen","params":{"notifications":`+wanted+`,`+said+`}}`, asks("subscriptions/listen", ""))
	}
	event := func(message string) string { return "event: message\ndata: " + message + "\n\n" }
	const meta = `"_meta":{"io.modelcontextprotocol/subscriptionId":"l"}`
	agreed := func(to string) string {
		return event(`{"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{` + meta + `,"notifications":` + to + `}}`)
	}
	ended := event(`{"jsonrpc":"2.0","id":"l","result":{"resultType":"complete",` + meta + `}}`)
	if _, got := listen(`{"promptsListChanged":true,"resourceSubscriptions":["a"]}`); got != agreed("{}")+ended {
		t.Errorf("nothing of that is here: got %s", got)
	}
	over := make(chan string, 1)
	go func() {
		_, got := listen(`{"toolsListChanged":true}`)
		over <- got
	}()
	mcptest.Eventually(t, "the client listens", func() bool { return len(w.proxy.listeners.who(nil)) == 1 })
	w.proxy.Drain()
	if got := <-over; !strings.HasPrefix(got, agreed(`{"toolsListChanged":true}`)) || !strings.HasSuffix(got, ended) {
		t.Errorf("got %s", got)
	}
	if status, got := listen(`{"toolsListChanged":true}`); status != http.StatusServiceUnavailable || !strings.Contains(got, "-32011") {
		t.Errorf("got %d %s", status, got)
	}
}
