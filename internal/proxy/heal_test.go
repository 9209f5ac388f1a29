// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/ry-ops/cortex/internal/mcp/mcptest"
	"github.com/ry-ops/cortex/test/steady"
)

// TestServerRestarts: what a server has forgotten is begun anew once, and nobody is told.
func TestServerRestarts(t *testing.T) { inBoth(t, serverRestarts) }

func serverRestarts(t *testing.T, version string) {
	for name, serving := range variants {
		t.Run(name, func(t *testing.T) {
			sandfly := server(t, "sandfly", serving, nil)
			w := newWorld(t, []*mcptest.Backend{sandfly})
			session := w.connectIn(version, version, "/mcp", nil)
			toolNames(t, session)
			if _, err := callTool(t, session, "sandfly__list_hosts", nil); err != nil {
				t.Fatal(err)
			}
			sandfly.Down()
			sandfly.Up()
			before := w.sessions("sandfly")
			var calls sync.WaitGroup
			for i := range 20 {
				tool, arguments := "sandfly__list_hosts", map[string]any(nil)
				if i%2 == 1 {
					tool, arguments = "sandfly__start_scan", map[string]any{"host": "web-1"}
				}
				calls.Go(func() {
					if _, err := callTool(t, session, tool, arguments); err != nil {
						t.Errorf("%s: %v", tool, err)
					}
				})
			}
			calls.Wait()
			if sandfly.Calls("start_scan") != 10 {
				t.Errorf("start_scan ran %d times", sandfly.Calls("start_scan"))
			}
			if n := w.sessions("sandfly") - before; n > 1 {
				t.Errorf("%d sessions were opened for all", n)
			}
			if w.healer.count() != 0 {
				t.Error("a heal was asked for")
			}
		})
	}
}

// TestHeldWhileDown: calls that only read, and calls that provably did not arrive, wait and are answered.
func TestHeldWhileDown(t *testing.T) { inBoth(t, heldWhileDown) }

func heldWhileDown(t *testing.T, version string) {
	for name, serving := range variants {
		t.Run(name, func(t *testing.T) {
			sandfly := server(t, "sandfly", serving, nil)
			w := newWorld(t, []*mcptest.Backend{sandfly})
			var progress atomic.Int64
			restored := make(chan struct{}, 100)
			session := w.connectIn(version, version, "/mcp", &sdk.ClientOptions{ProgressNotificationHandler: func(_ context.Context, r *sdk.ProgressNotificationClientRequest) {
				progress.Add(1)
				if strings.HasPrefix(r.Params.Message, "Service restored: ") {
					restored <- struct{}{}
				}
			}})
			toolNames(t, session)
			sandfly.Down()
			const count = 60
			var calls sync.WaitGroup
			for i := range count {
				params := &sdk.CallToolParams{Name: "sandfly__list_hosts"}
				if i == 0 {
					params.SetProgressToken("mine")
				}
				if i == 1 { // not idempotent, but nobody is there to run it
					params = &sdk.CallToolParams{Name: "sandfly__start_scan", Arguments: map[string]any{"host": "db-1"}}
				}
				calls.Go(func() {
					if _, err := session.CallTool(t.Context(), params); err != nil {
						t.Error(err)
					}
				})
			}
			w.awaitHeld(count)
			sandfly.Up()
			before := w.sessions("sandfly")
			close(w.healer.well)
			calls.Wait()
			if sandfly.Calls("list_hosts") != count-1 || sandfly.Calls("start_scan") != 1 {
				t.Errorf("ran %d and %d times", sandfly.Calls("list_hosts"), sandfly.Calls("start_scan"))
			}
			select {
			case <-restored:
			case <-time.After(time.Minute):
				t.Errorf("no word of the end of the heal, of %d", progress.Load())
			}
			if n := w.sessions("sandfly") - before; n > 1 {
				t.Errorf("%d sessions were opened for all", n)
			}
			w.settle()
			if held := w.proxy.held.calls.Taken(); held != 0 {
				t.Errorf("%d are held still", held)
			}
		})
	}
}

// TestLostAnswer: the server ran the tool and died before it answered.
func TestLostAnswer(t *testing.T) { inBoth(t, lostAnswer) }

func lostAnswer(t *testing.T, version string) {
	for tool, runs := range map[string]int{"list_hosts": 2, "set_label": 2, "start_scan": 1} {
		t.Run(tool, func(t *testing.T) {
			sandfly := server(t, "sandfly", sdk.StreamableHTTPOptions{}, nil)
			w := newWorld(t, []*mcptest.Backend{sandfly})
			session := w.connectIn(version, version, "/mcp", nil)
			toolNames(t, session)
			sandfly.Break(mcptest.LoseAnswer())
			if runs > 1 {
				close(w.healer.well)
			}
			arguments := map[string]any{}
			if tool == "start_scan" {
				arguments["host"] = "web-1"
			}
			_, err := callTool(t, session, "sandfly__"+tool, arguments)
			if runs > 1 {
				if err != nil {
					t.Fatal(err)
				}
			} else {
				// The heal is not over, and the call is.
				var told *jsonrpc.Error
				if !errors.As(err, &told) || told.Code != codeUnavailable || !strings.Contains(told.Message, "not made a second time") ||
					!strings.Contains(string(told.Data), `"mayHaveRun":true`) {
					t.Errorf("got %v", err)
				}
				if failure := <-w.healer.began; failure.Error.Tool != tool {
					t.Errorf("the heal is for %+v", failure)
				}
			}
			if n := sandfly.Calls(tool); n != runs {
				t.Errorf("%s ran %d times, want %d", tool, n, runs)
			}
		})
	}
}

// cutStream answers the next tool call with a part of a stream.
func cutStream(parts ...string) mcptest.Fault {
	var done atomic.Bool
	return func(w http.ResponseWriter, r *http.Request, body string, serve http.HandlerFunc) bool {
		if !strings.Contains(body, `"method":"tools/call"`) || done.Swap(true) {
			return false
		}
		serve(httptest.NewRecorder(), r)
		w.Header().Set("Content-Type", "text/event-stream")
		for _, part := range parts {
			_, _ = w.Write([]byte(part))
			_ = http.NewResponseController(w).Flush()
		}
		if connection, _, err := http.NewResponseController(w).Hijack(); err == nil {
			_ = connection.Close()
		}
		return true
	}
}

// TestCutStream: what was cut off reaches nobody, and a notification before it does.
func TestCutStream(t *testing.T) { inBoth(t, streamIsCut) }

func streamIsCut(t *testing.T, version string) {
	for name, parts := range map[string][]string{
		"before anything": {},
		"in the answer":   {"event: message\ndata: {\"jsonrpc\":\"2.0\",\"id\":3,\"result\":{\"content\":[{\"type\":\"te"},
		"after a notification": {
			"event: message\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{\"progressToken\":\"mine\",\"progress\":1,\"message\":\"half\"}}\n\n", "data: {"},
	} {
		t.Run(name, func(t *testing.T) {
			sandfly := server(t, "sandfly", sdk.StreamableHTTPOptions{}, nil)
			w := newWorld(t, []*mcptest.Backend{sandfly})
			close(w.healer.well)
			session := w.connectIn(version, version, "/mcp", nil)
			toolNames(t, session)
			sandfly.Break(cutStream(parts...))
			if text, err := callTool(t, session, "sandfly__list_hosts", nil); err != nil || text != "2 hosts" {
				t.Errorf("got %q, %v", text, err)
			}
			sandfly.Break(cutStream(parts...))
			_, err := callTool(t, session, "sandfly__start_scan", map[string]any{"host": "web-1"})
			class := `"class":"StreamCut"`
			if len(parts) == 0 {
				class = `"class":"Unavailable"`
			}
			var told *jsonrpc.Error
			if !errors.As(err, &told) || !strings.Contains(told.Message, "not made a second time") || !strings.Contains(string(told.Data), class) {
				t.Errorf("got %v", err)
			}
			if n := sandfly.Calls("start_scan"); n != 1 {
				t.Errorf("ran %d times", n)
			}
		})
	}
}

// TestGatewayRestarts: a client goes on with its session at a gateway that has never seen it.
func TestGatewayRestarts(t *testing.T) {
	sandfly := server(t, "sandfly", sdk.StreamableHTTPOptions{}, nil)
	address := steady.Port(t)
	w := newWorldAt(t, address, []*mcptest.Backend{sandfly})
	session := w.connect("/mcp", nil)
	toolNames(t, session)
	w.stop()
	w.startAt(address)
	mcptest.Eventually(t, "a call on the old session", func() bool {
		text, err := callTool(t, session, "sandfly__list_hosts", nil)
		return err == nil && text == "2 hosts"
	})
}

func TestHealFails(t *testing.T) {
	sandfly := server(t, "sandfly", sdk.StreamableHTTPOptions{}, nil)
	w := newWorld(t, []*mcptest.Backend{sandfly})
	w.healer.failed = "its image cannot be pulled"
	close(w.healer.well)
	session := w.connect("/mcp", nil)
	toolNames(t, session)
	sandfly.Down()
	_, err := callTool(t, session, "sandfly__list_hosts", nil)
	if err == nil || !strings.Contains(err.Error(), "its image cannot be pulled") || !strings.Contains(err.Error(), "see to it") {
		t.Errorf("got %v", err)
	}
}

// TestNoPlaceToWait: what is more than may wait is told so at once.
func TestNoPlaceToWait(t *testing.T) {
	for text, limit := range map[string]func(*Limits){
		"as many calls wait for that as may wait":                           func(l *Limits) { l.HeldPerServer = 2 },
		"you have as many calls that wait for heals as one caller may have": func(l *Limits) { l.HeldEach = 2 },
	} {
		t.Run(text, func(t *testing.T) {
			sandfly := server(t, "sandfly", sdk.StreamableHTTPOptions{}, nil)
			w := newWorld(t, []*mcptest.Backend{sandfly}, func(o *Options) {
				o.Caller = func(*http.Request) string { return "anna" }
				limit(&o.Limits)
			})
			session := w.connect("/mcp", nil)
			toolNames(t, session)
			sandfly.Down()
			var calls sync.WaitGroup
			for range 2 {
				calls.Go(func() {
					if _, err := callTool(t, session, "sandfly__list_hosts", nil); err != nil {
						t.Error(err)
					}
				})
			}
			w.awaitHeld(2)
			var told *jsonrpc.Error
			if _, err := callTool(t, session, "sandfly__list_hosts", nil); !errors.As(err, &told) || told.Code != codeBusy || !strings.Contains(told.Message, text) {
				t.Errorf("got %v", err)
			}
			sandfly.Up()
			close(w.healer.well)
			calls.Wait()
			w.awaitHeld(0)
		})
	}
}

// TestWaitsOnlySoLong: a heal may take longer than a call may wait.
func TestWaitsOnlySoLong(t *testing.T) {
	sandfly := server(t, "sandfly", sdk.StreamableHTTPOptions{}, nil)
	w := newWorld(t, []*mcptest.Backend{sandfly}, func(o *Options) { o.Limits.HeldFor = 50 * time.Millisecond })
	session := w.connect("/mcp", nil)
	toolNames(t, session)
	sandfly.Down()
	if _, err := callTool(t, session, "sandfly__list_hosts", nil); err == nil || !strings.Contains(err.Error(), errHeldTooLong.Error()) {
		t.Errorf("got %v", err)
	}
}

// TestStatus: an HTTP error of a server is its failure, or its client's, as the status says.
func TestStatus(t *testing.T) {
	answer := func(status int, kind, body string) mcptest.Fault {
		var done atomic.Bool
		return func(w http.ResponseWriter, _ *http.Request, request string, _ http.HandlerFunc) bool {
			if !strings.Contains(request, `"method":"tools/call"`) || done.Swap(true) {
				return false
			}
			w.Header().Set("Content-Type", kind)
			w.WriteHeader(status)
			_, _ = fmt.Fprint(w, body)
			return true
		}
	}
	for name, tc := range map[string]struct {
		fault mcptest.Fault
		// scan is what becomes of a tool that must not run twice.
		heals bool
		scan  string
	}{
		"503":                               {answer(503, "text/plain", "no"), true, "not made a second time"},
		"session lost":                      {answer(404, "text/plain", "session not found"), false, ""},
		"session lost, said with 400":       {answer(400, "application/json", `{"jsonrpc":"2.0","error":{"code":-32000,"message":"Bad Request: No valid session ID provided"},"id":null}`), false, ""},
		"a request that it does not like":   {answer(400, "application/json", `{"jsonrpc":"2.0","error":{"code":-32602,"message":"no such thing"},"id":null}`), false, "no such thing"},
		"an answer with another id":         {answer(200, "application/json", `{"jsonrpc":"2.0","id":"other","result":{}}`), true, "not made a second time"},
		"a page":                            {answer(200, "text/html", `<html>`), true, "not made a second time"},
		"accepted, but no answer to come":   {answer(202, "", ""), true, "not made a second time"},
		"a redirect, which is not followed": {answer(302, "", ""), true, "not made a second time"},
	} {
		t.Run(name, func(t *testing.T) {
			sandfly := server(t, "sandfly", sdk.StreamableHTTPOptions{}, nil)
			w := newWorld(t, []*mcptest.Backend{sandfly})
			close(w.healer.well)
			session := w.connect("/mcp", nil)
			toolNames(t, session)
			sandfly.Break(tc.fault)
			_, err := callTool(t, session, "sandfly__start_scan", map[string]any{"host": "web-1"})
			switch {
			case tc.scan == "" && err != nil, tc.scan != "" && (err == nil || !strings.Contains(err.Error(), tc.scan)):
				t.Errorf("got %v, want %q", err, tc.scan)
			}
			if tc.heals {
				<-w.healer.began
			} else if w.healer.count() != 0 {
				t.Error("a heal was asked for")
			}
		})
	}
}
