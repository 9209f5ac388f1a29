// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"context"
	"net/http"
	"testing"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/ry-ops/cortex/internal/mcp/mcptest"
)

// TestStreamsAreResumed: a server that closes the stream of a call before the answer is asked for the rest of it, and the client sees
// one call.
func TestStreamsAreResumed(t *testing.T) {
	const closes = 2
	resumed, heard := make(chan string, 10), make(chan struct{}, 10)
	sandfly := server(t, "sandfly", sdk.StreamableHTTPOptions{EventStore: sdk.NewMemoryEventStore(nil)}, func(s *sdk.Server) {
		sdk.AddTool(s, &sdk.Tool{Name: "poll"}, func(ctx context.Context, r *sdk.CallToolRequest, _ struct{}) (*sdk.CallToolResult, any, error) {
			for range closes {
				_ = r.Session.NotifyProgress(ctx, &sdk.ProgressNotificationParams{ProgressToken: r.Params.GetProgressToken(), Progress: 1})
				// A stream that is asked for is not there yet, and could not be closed.
				select {
				case <-heard:
				case <-ctx.Done():
				}
				r.Extra.CloseSSEStream(sdk.CloseSSEStreamArgs{RetryAfter: time.Millisecond})
				select {
				case <-resumed:
				case <-ctx.Done():
				}
			}
			return &sdk.CallToolResult{Content: []sdk.Content{&sdk.TextContent{Text: "done"}}}, nil, nil
		})
	})
	var seen []string
	sandfly.Break(func(_ http.ResponseWriter, r *http.Request, _ string, _ http.HandlerFunc) bool {
		if last := r.Header.Get("Last-Event-ID"); last != "" {
			seen = append(seen, last)
			resumed <- last
		}
		return false
	})
	w := newWorld(t, []*mcptest.Backend{sandfly})
	for path, tool := range map[string]string{"/mcp": "sandfly__poll", "/mcp/sandfly": "poll"} {
		seen = nil
		session := w.connect(path, &sdk.ClientOptions{
			ProgressNotificationHandler: func(context.Context, *sdk.ProgressNotificationClientRequest) { heard <- struct{}{} },
		})
		params := &sdk.CallToolParams{Name: tool}
		params.SetProgressToken("polled")
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		result, err := session.CallTool(ctx, params)
		cancel()
		if err != nil || result.Content[0].(*sdk.TextContent).Text != "done" {
			t.Errorf("%s: %+v, %v", path, result, err)
		}
		if len(seen) != closes || seen[0] == seen[1] {
			t.Errorf("%s: resumed after the events %q, want after %d different ones", path, seen, closes)
		}
	}
	if w.healer.count() != 0 {
		t.Error("a heal was asked for")
	}
}

// TestQuestionsAreTakenBack: a server that takes a question back says so under its own id for it, and the client knows another.
func TestQuestionsAreTakenBack(t *testing.T) {
	asked, over := make(chan struct{}), make(chan struct{})
	w := newWorld(t, []*mcptest.Backend{server(t, "sandfly", sdk.StreamableHTTPOptions{}, func(s *sdk.Server) {
		sdk.AddTool(s, &sdk.Tool{Name: "ask"}, func(ctx context.Context, r *sdk.CallToolRequest, _ struct{}) (*sdk.CallToolResult, any, error) {
			asking, takeBack := context.WithCancel(ctx)
			go func() {
				<-asked
				takeBack()
			}()
			_, err := r.Session.CreateMessage(asking, &sdk.CreateMessageParams{MaxTokens: 5}) //nolint:staticcheck // deprecated, and in use
			if err == nil {
				return nil, nil, nil
			}
			select {
			case <-over:
			case <-ctx.Done():
			}
			return &sdk.CallToolResult{Content: []sdk.Content{&sdk.TextContent{Text: "taken back"}}}, nil, nil
		})
	})})
	session := w.connect("/mcp/sandfly", &sdk.ClientOptions{
		CreateMessageHandler: func(ctx context.Context, _ *sdk.CreateMessageRequest) (*sdk.CreateMessageResult, error) { //nolint:staticcheck // deprecated, and in use
			close(asked)
			select {
			case <-ctx.Done():
				close(over)
			case <-t.Context().Done():
			}
			return nil, ctx.Err()
		},
	})
	if text, err := callTool(t, session, "ask", nil); err != nil || text != "taken back" {
		t.Errorf("%q, %v", text, err)
	}
}
