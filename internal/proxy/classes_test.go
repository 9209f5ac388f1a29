// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/ry-ops/cortex/internal/mcp/mcptest"
)

// TestTooLargeAnswer: a message above the limit is told as that, and has nobody healed.
func TestTooLargeAnswer(t *testing.T) {
	sandfly := server(t, "sandfly", sdk.StreamableHTTPOptions{}, nil)
	w := newWorld(t, []*mcptest.Backend{sandfly}, func(o *Options) { o.Limits.Message = 64 << 10 })
	session := w.connect("/mcp", nil)
	toolNames(t, session)
	sandfly.Break(func(w http.ResponseWriter, _ *http.Request, body string, _ http.HandlerFunc) bool {
		if !strings.Contains(body, `"method":"tools/call"`) {
			return false
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"jsonrpc":"2.0","result":"` + strings.Repeat("x", 64<<10) + `"}`))
		return true
	})
	_, err := callTool(t, session, "sandfly__list_hosts", nil)
	var told *jsonrpc.Error
	if !errors.As(err, &told) || !strings.Contains(told.Message, "the answer is too large") || !strings.Contains(string(told.Data), `"class":"TooLarge"`) {
		t.Errorf("got %v", err)
	}
	if w.healer.count() != 0 {
		t.Error("a heal was asked for")
	}
}
