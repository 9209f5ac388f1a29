// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/ry-ops/cortex/internal/mcp/mcptest"
)

// asking adds a tool that asks the client's model, and tells of its progress.
func asking(name string) func(*sdk.Server) {
	return func(s *sdk.Server) {
		sdk.AddTool(s, &sdk.Tool{Name: "ask"}, func(ctx context.Context, r *sdk.CallToolRequest, _ struct{}) (*sdk.CallToolResult, any, error) {
			_ = r.Session.NotifyProgress(ctx, &sdk.ProgressNotificationParams{ProgressToken: r.Params.GetProgressToken(), Progress: 7, Message: "asking"})
			said, err := r.Session.CreateMessage(ctx, &sdk.CreateMessageParams{MaxTokens: 5, SystemPrompt: name}) //nolint:staticcheck // deprecated, and in use
			if err != nil {
				return nil, nil, err
			}
			return &sdk.CallToolResult{Content: []sdk.Content{said.Content}}, nil, nil
		})
	}
}

// TestSampling: two servers, and two clients of each, ask with the same ids at the same time.
func TestSampling(t *testing.T) {
	backends := []*mcptest.Backend{server(t, "sandfly", sdk.StreamableHTTPOptions{}, asking("sandfly")), server(t, "proxmox", sdk.StreamableHTTPOptions{}, asking("proxmox"))}
	w := newWorld(t, backends)
	var calls sync.WaitGroup
	for client := range 4 {
		name := fmt.Sprint("client ", client)
		told := make(chan string, 10)
		session := w.connect("/mcp", &sdk.ClientOptions{
			CreateMessageHandler: func(_ context.Context, r *sdk.CreateMessageRequest) (*sdk.CreateMessageResult, error) { //nolint:staticcheck // deprecated, and in use
				return &sdk.CreateMessageResult{Content: &sdk.TextContent{Text: name + " for " + r.Params.SystemPrompt}, Model: "m", Role: "assistant"}, nil //nolint:staticcheck // deprecated, and in use
			},
			ProgressNotificationHandler: func(_ context.Context, r *sdk.ProgressNotificationClientRequest) {
				told <- fmt.Sprint(r.Params.ProgressToken, r.Params.Progress, r.Params.Message)
			},
		})
		toolNames(t, session)
		for _, server := range []string{"sandfly", "proxmox"} {
			calls.Go(func() {
				params := &sdk.CallToolParams{Name: server + "__ask"}
				params.SetProgressToken("token")
				result, err := session.CallTool(t.Context(), params)
				if err != nil {
					t.Error(err)
					return
				}
				if text, _ := result.Content[0].(*sdk.TextContent); text.Text != name+" for "+server {
					t.Errorf("got %q", text.Text)
				}
				if got := <-told; got != "token7asking" {
					t.Errorf("progress is %s", got)
				}
			})
		}
	}
	calls.Wait()
}

// raw sends a message as a client's own bytes, and returns the status and the body.
func (w *world) raw(path, session, body string, change ...func(http.Header)) (int, string) {
	w.t.Helper()
	request, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.http.URL+path, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept", "application/json, text/event-stream")
	if session != "" {
		request.Header.Set(sessionHeader, session)
	}
	for _, one := range change {
		one(request.Header)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	answer, _ := io.ReadAll(response.Body)
	return response.StatusCode, string(answer)
}

// TestNoOneElseAnswers: the question to one client cannot be answered by another one.
func TestNoOneElseAnswers(t *testing.T) {
	var q questions
	id, _ := q.ask(question{client: "mine"})
	if _, ok := q.take(id, "other"); ok {
		t.Error("another client may answer")
	}
	if _, ok := q.take(id, "mine"); !ok {
		t.Error("the client itself may not answer")
	}
	if _, ok := q.take(id, "mine"); ok {
		t.Error("it may answer twice")
	}
}

// TestResultsAreNotTouched: whatever a server writes in a result arrives as it is.
func TestResultsAreNotTouched(t *testing.T) {
	sandfly := server(t, "sandfly", sdk.StreamableHTTPOptions{}, nil)
	w := newWorld(t, []*mcptest.Backend{sandfly})
	session := newSession(versions[0], 0).id
	large := strings.Repeat("0123456789abcdef", 1<<16)
	for name, tc := range map[string]struct{ kind, answer, want string }{
		"id first":     {"application/json", `{"jsonrpc":"2.0","id":%s,"result":{"b":1.0,"a":[ 1e3 , "\u00e9<>"],"id":5}}`, `{"jsonrpc":"2.0","id":"my id","result":{"b":1.0,"a":[ 1e3 , "\u00e9<>"],"id":5}}`},
		"id last":      {"application/json", `{"result":{"b":1.0,"id":5},"jsonrpc":"2.0","id":%s}`, `{"result":{"b":1.0,"id":5},"jsonrpc":"2.0","id":"my id"}`},
		"event":        {"text/event-stream", "id: 1\nretry: 5\ndata:\n\nevent: message\ndata: {\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":{}}\n\n", `{"jsonrpc":"2.0","id":"my id","result":{}}`},
		"CRLF":         {"text/event-stream; charset=utf-8", ": hello\r\n\r\ndata:{\"result\":{},\"id\":%s,\"jsonrpc\":\"2.0\"}\r\n\r\n", `{"result":{},"id":"my id","jsonrpc":"2.0"}`},
		"two lines":    {"text/event-stream", "data: {\"jsonrpc\":\"2.0\",\ndata: \"id\":%s,\"result\":{}}\n\n", `{"jsonrpc":"2.0", "id":"my id","result":{}}`},
		"an error":     {"application/json", `{"jsonrpc":"2.0","id":%s,"error":{"code":-32602,"message":"m","data":[1]}}`, `{"jsonrpc":"2.0","id":"my id","error":{"code":-32602,"message":"m","data":[1]}}`},
		"1 MiB":        {"application/json", `{"jsonrpc":"2.0","id":%s,"result":"` + large + `"}`, `{"jsonrpc":"2.0","id":"my id","result":"` + large + `"}`},
		"1 MiB, event": {"text/event-stream", `data: {"result":"` + large + `","jsonrpc":"2.0","id":%s}` + "\n\n", `{"result":"` + large + `","jsonrpc":"2.0","id":"my id"}`},
	} {
		t.Run(name, func(t *testing.T) {
			sandfly.Break(func(w http.ResponseWriter, _ *http.Request, body string, _ http.HandlerFunc) bool {
				var message struct{ ID json.RawMessage }
				if json.Unmarshal([]byte(body), &message) != nil || !strings.Contains(body, "tools/call") {
					return false
				}
				w.Header().Set("Content-Type", tc.kind)
				_, _ = fmt.Fprintf(w, strings.ReplaceAll(tc.answer, "%s", "%[1]s"), message.ID)
				return true
			})
			for _, path := range []string{"/mcp", "/mcp/sandfly"} {
				status, got := w.raw(path, session, `{"jsonrpc":"2.0","id":"my id","method":"tools/call","params":{"name":"sandfly__x"}}`)
				if status != http.StatusOK || got != tc.want {
					t.Errorf("%s: got %d %.300s", path, status, got)
				}
			}
		})
	}
}

// TestWhatReachesAServer: the message as it is but for id and name, and no header of the client.
func TestWhatReachesAServer(t *testing.T) {
	sandfly := server(t, "sandfly", sdk.StreamableHTTPOptions{}, nil)
	w := newWorld(t, []*mcptest.Backend{sandfly})
	type seen struct {
		body   string
		header http.Header
		host   string
	}
	got := make(chan seen, 1)
	sandfly.Break(func(w http.ResponseWriter, r *http.Request, body string, _ http.HandlerFunc) bool {
		if !strings.Contains(body, "tools/call") {
			return false
		}
		got <- seen{body, r.Header, r.Host}
		w.WriteHeader(http.StatusTeapot)
		return true
	})
	for _, message := range []string{
		`{"jsonrpc":"2.0","id":"x","method":"tools/call","params":{"name":"sandfly__a__b","arguments":{"name":"sandfly__a__b", "n":1.0}}}`,
		`{"method":"tools/call","params":{"arguments":{"id":"x"},"_meta":{"progressToken":0},"name":"sandfly__a__b"},"jsonrpc":"2.0","id":"x"}`,
	} {
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			request, _ := http.NewRequestWithContext(ctx, http.MethodPost, w.http.URL+"/mcp", strings.NewReader(message))
			request.Header = http.Header{
				"Content-Type": {"application/json"}, "Accept": {"application/json, text/event-stream"}, "Authorization": {"Bearer secret"},
				"Cookie": {"a=b"}, "X-Forwarded-For": {"1.2.3.4"}, "Mcp-Session-Id": {newSession(versions[0], 0).id}, "Last-Event-Id": {"4"},
			}
			if response, err := http.DefaultClient.Do(request); err == nil {
				_ = response.Body.Close()
			}
		}()
		reached := <-got
		cancel()
		var sent struct{ ID json.RawMessage }
		_ = json.Unmarshal([]byte(reached.body), &sent)
		if !strings.Contains(reached.body, `"name":"a__b"`) || len(reached.body) != len(message)-len("sandfly__")-len(`"x"`)+len(sent.ID) || string(sent.ID) == `"x"` {
			t.Errorf("the server got %s", reached.body)
		}
		if strings.Contains(message, `"arguments":{"name"`) && !strings.Contains(reached.body, `"arguments":{"name":"sandfly__a__b", "n":1.0}`) {
			t.Errorf("the arguments are changed: %s", reached.body)
		}
		for name := range reached.header {
			if !slices.Contains([]string{"Content-Type", "Accept", "User-Agent", "Mcp-Protocol-Version", "Mcp-Session-Id", "Content-Length"}, name) {
				t.Errorf("the server got the header %s", name)
			}
		}
		if strings.HasPrefix(reached.header.Get(sessionHeader), tokenMark) || !strings.HasPrefix(reached.host, "sandfly.cortex-system.svc:") {
			t.Errorf("the server got the session %s at %s", reached.header.Get(sessionHeader), reached.host)
		}
	}
}

func TestRefusals(t *testing.T) {
	sandfly := server(t, "sandfly", sdk.StreamableHTTPOptions{}, nil)
	w := newWorld(t, []*mcptest.Backend{sandfly}, func(o *Options) { o.Limits.Body = 1 << 16 })
	session := newSession(versions[0], 0).id
	ping := `{"jsonrpc":"2.0","id":1,"method":"ping"}`
	set := func(name, value string) func(http.Header) { return func(h http.Header) { h.Set(name, value) } }
	for name, tc := range map[string]struct {
		path, session, body string
		change              func(http.Header)
		status, code        int
	}{
		"oversize":             {"/mcp", session, `{"jsonrpc":"2.0","id":1,"method":"x","params":"` + strings.Repeat("x", 1<<16) + `"}`, nil, 413, codeInvalidRequest},
		"no JSON":              {"/mcp", session, `{"jsonrpc"`, nil, 400, codeParse},
		"empty":                {"/mcp", session, ``, nil, 400, codeParse},
		"two messages":         {"/mcp", session, ping + ping, nil, 400, codeParse},
		"a batch":              {"/mcp", session, "[" + ping + "]", nil, 400, codeInvalidRequest},
		"two ids":              {"/mcp", session, `{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}`, nil, 400, codeInvalidRequest},
		"no method":            {"/mcp", session, `{"jsonrpc":"2.0","id":1}`, nil, 400, codeInvalidRequest},
		"a name like no other": {"/mcp", session, `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"\u0061"}}`, nil, 400, codeInvalidParams},
		"unknown session":      {"/mcp", "nonsense", ping, nil, 404, codeInvalidRequest},
		"unknown version":      {"/mcp", session, ping, set(versionHeader, "2027-01-01"), 400, codeUnsupportedVersion},
		"no such server":       {"/mcp/nobody", session, ping, nil, 400, codeInvalidParams},
		"a URL for a server":   {"/mcp/http:%2F%2F169.254.169.254%2F", session, ping, nil, 400, codeInvalidParams},
		"plain text":           {"/mcp", session, ping, set("Content-Type", "text/plain"), 415, codeInvalidRequest},
		"no streams":           {"/mcp", session, ping, set("Accept", "application/json"), 406, codeInvalidRequest},
		"unknown tool":         {"/mcp", session, `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"list_hosts"}}`, nil, 200, codeInvalidParams},
		"unknown method":       {"/mcp", session, `{"jsonrpc":"2.0","id":1,"method":"resources/list"}`, nil, 200, codeMethodNotFound},
		"well":                 {"/mcp", session, ping, nil, 200, 0},
		"well, no session":     {"/mcp/sandfly", "", ping, nil, 200, 0},
		"a notification":       {"/mcp", session, `{"jsonrpc":"2.0","method":"notifications/initialized"}`, nil, 202, 0},
		"an answer to nothing": {"/mcp", session, `{"jsonrpc":"2.0","id":7,"result":{}}`, nil, 202, 0},
	} {
		t.Run(name, func(t *testing.T) {
			change := tc.change
			if change == nil {
				change = func(http.Header) {}
			}
			status, answer := w.raw(tc.path, tc.session, tc.body, change)
			var message struct{ Error struct{ Code int } }
			if answer != "" && json.Unmarshal([]byte(answer), &message) != nil || status != tc.status || message.Error.Code != tc.code {
				t.Errorf("got %d %s", status, answer)
			}
		})
	}
}

// TestCancelled: a client that gives up, with a notification or by leaving, has its call cancelled at the server, under the id that
// the server knows.
func TestCancelled(t *testing.T) {
	for _, how := range []string{"notification", "leaving"} {
		t.Run(how, func(t *testing.T) {
			began, ended := make(chan struct{}, 2), make(chan struct{}, 2)
			sandfly := server(t, "sandfly", sdk.StreamableHTTPOptions{}, func(s *sdk.Server) {
				sdk.AddTool(s, &sdk.Tool{Name: "wait"}, func(ctx context.Context, _ *sdk.CallToolRequest, _ struct{}) (*sdk.CallToolResult, any, error) {
					began <- struct{}{}
					<-ctx.Done()
					ended <- struct{}{}
					return nil, nil, ctx.Err()
				})
			})
			w := newWorld(t, []*mcptest.Backend{sandfly})
			session := newSession(versions[0], 0).id
			ctx, leave := context.WithCancel(t.Context())
			defer leave()
			over := make(chan string, 1)
			go func() {
				request, _ := http.NewRequestWithContext(ctx, http.MethodPost, w.http.URL+"/mcp/sandfly", strings.NewReader(`{"jsonrpc":"2.0","id":"mine","method":"tools/call","params":{"name":"wait"}}`))
				request.Header = http.Header{"Content-Type": {"application/json"}, "Accept": {"*/*"}, sessionHeader: {session}}
				response, err := http.DefaultClient.Do(request)
				if err != nil {
					over <- err.Error()
					return
				}
				defer func() { _ = response.Body.Close() }()
				body, _ := io.ReadAll(response.Body)
				over <- string(body)
			}()
			<-began
			if how == "notification" {
				other := newSession(versions[0], 0).id
				for _, from := range []string{other, session} { // another client's notice does nothing
					if status, _ := w.raw("/mcp/sandfly", from, `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"mine"}}`); status != http.StatusAccepted {
						t.Errorf("got %d", status)
					}
				}
				if answer := <-over; answer != "" {
					t.Errorf("a cancelled call is answered with %s", answer)
				}
			} else {
				leave()
			}
			select {
			case <-ended:
			case <-time.After(time.Minute):
				t.Fatal("the server was not told")
			}
			if w.healer.count() != 0 {
				t.Error("a heal was asked for")
			}
		})
	}
}

// TestListsChange: clients hear of servers that come and go, and of tools that a server gets.
func TestListsChange(t *testing.T) { inBoth(t, listsChange) }

func listsChange(t *testing.T, version string) {
	var added atomic.Pointer[sdk.Server]
	sandfly := server(t, "sandfly", sdk.StreamableHTTPOptions{}, func(s *sdk.Server) { added.Store(s) })
	w := newWorld(t, []*mcptest.Backend{sandfly})
	all, one := make(chan struct{}, 100), make(chan struct{}, 100)
	session := w.connectIn(version, version, "/mcp", &sdk.ClientOptions{ToolListChangedHandler: func(context.Context, *sdk.ToolListChangedRequest) { all <- struct{}{} }})
	alone := w.connectIn(version, version, "/mcp/sandfly", &sdk.ClientOptions{ToolListChangedHandler: func(context.Context, *sdk.ToolListChangedRequest) { one <- struct{}{} }})
	mcptest.Eventually(t, "both listen", func() bool { return w.proxy.listeners.places.Taken() == 2 })
	until := func(told chan struct{}, want func() bool) {
		t.Helper()
		limit := time.After(time.Minute)
		for !want() {
			select {
			case <-told:
			case <-limit:
				t.Fatal("not told")
			}
		}
	}
	has := func(session *sdk.ClientSession, tool string) func() bool {
		return func() bool { return slices.Contains(toolNames(t, session), tool) }
	}
	until(all, has(session, "sandfly__list_hosts"))

	proxmox := server(t, "proxmox", sdk.StreamableHTTPOptions{}, nil)
	w.registry.OnAdd(proxmox.Service(), false)
	until(all, has(session, "proxmox__list_hosts"))
	w.registry.OnDelete(proxmox.Service())
	until(all, func() bool { return !has(session, "proxmox__list_hosts")() })

	// The server's own stream is open by now, or will be: it says so itself when its tools change.
	mcptest.Eventually(t, "the tool is added", func() bool {
		echo(added.Load())
		select {
		case <-one:
			return true
		case <-time.After(50 * time.Millisecond):
			added.Load().RemoveTools("echo")
			return false
		}
	})
	until(one, has(alone, "echo"))
	until(all, has(session, "sandfly__echo"))
}

// TestSameName: two servers of one name go by their full names.
func TestSameName(t *testing.T) {
	first, second := server(t, "sandfly", sdk.StreamableHTTPOptions{}, nil), server(t, "sandfly", sdk.StreamableHTTPOptions{}, nil)
	w := newWorld(t, []*mcptest.Backend{first})
	other := second.Service()
	other.Namespace = "other"
	w.registry.OnAdd(other, false)
	session := w.connect("/mcp", nil)
	mcptest.Eventually(t, "both are listed", func() bool {
		names := toolNames(t, session)
		return slices.Contains(names, "sandfly.cortex-system__start_scan") && slices.Contains(names, "sandfly.other__start_scan") && len(names) == 6
	})
	if _, err := callTool(t, session, "sandfly.other__start_scan", map[string]any{"host": "a"}); err != nil || second.Calls("start_scan") != 1 || first.Calls("start_scan") != 0 {
		t.Errorf("%v, and the first ran %d times", err, first.Calls("start_scan"))
	}
	if _, err := callTool(t, session, "sandfly__start_scan", map[string]any{"host": "a"}); err == nil {
		t.Error("a call of no one in particular was made")
	}
}

// TestSessionIDs: what is not one of ours is not known.
func TestSessionIDs(t *testing.T) {
	good := newSession("2025-06-18", sampling|elicitationURL)
	if got, ok := readSession(good.id); !ok || got != good {
		t.Errorf("got %+v, %t", got, ok)
	}
	for _, id := range []string{"", "x", "cortex1.2025-06-18.1", "cortex1.2025-06-18.ff.AAAAAAAAAAAAAAAAAAAAAAAAAA", "cortex1.2020-01-01.0.AAAAAAAAAAAAAAAAAAAAAAAAAA", newSession(stateless, 0).id, "cortex0" + good.id[7:], good.id + "x"} {
		if _, ok := readSession(id); ok {
			t.Errorf("%q is taken for a session", id)
		}
	}
}

func TestCapabilities(t *testing.T) {
	for text, want := range map[string]string{
		`{}`: `{}`, `{"roots":{}}`: `{}`, `{"sampling":{}}`: `{"sampling":{}}`,
		`{"elicitation":{}}`: `{"elicitation":{"form":{}}}`,
		`{"elicitation":{"url":{}},"sampling":{"tools":{}}}`: `{"elicitation":{"url":{}},"sampling":{"tools":{}}}`,
	} {
		var d declared
		if err := json.Unmarshal([]byte(text), &d); err != nil {
			t.Fatal(err)
		}
		if got := d.set().declare(); !bytes.Equal(got, []byte(want)) {
			t.Errorf("%s becomes %s", text, got)
		}
	}
}

// TestServerGoes: a server that goes is told of, though there is nothing to list.
func TestServerGoes(t *testing.T) {
	sandfly := server(t, "sandfly", sdk.StreamableHTTPOptions{}, nil)
	w := newWorld(t, []*mcptest.Backend{sandfly})
	mcptest.Eventually(t, "all is listed", func() bool {
		all := w.proxy.backends.list()
		if len(all) != 1 {
			return false
		}
		all[0].tools.mu.Lock()
		defer all[0].tools.mu.Unlock()
		return all[0].tools.known && !all[0].tools.busy
	})
	one, _ := w.proxy.listeners.join(nil, "", "")
	w.registry.OnDelete(sandfly.Service())
	select {
	case data := <-one.out:
		if !bytes.Equal(data, toolsChanged) {
			t.Errorf("told %s", data)
		}
	case <-time.After(time.Minute):
		t.Fatal("not told")
	}
	if status, answer := w.raw("/mcp/sandfly", "", `{"jsonrpc":"2.0","id":1,"method":"tools/list"}`); status != http.StatusBadRequest {
		t.Errorf("a server that is gone is found: %d %s", status, answer)
	}
}
