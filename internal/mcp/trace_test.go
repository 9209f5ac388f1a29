// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package mcp_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/ry-ops/cortex/internal/mcp"
	"github.com/ry-ops/cortex/internal/mcp/mcptest"
	"github.com/ry-ops/cortex/internal/telemetry"
)

// TestACallIsInItsTrace: a server is told of the span that its call is of, as MCP and as HTTP have it; and of none where there is none.
func TestACallIsInItsTrace(t *testing.T) {
	const place = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	backend := mcptest.Start(t, "sandfly")
	told := make(chan string, 2)
	backend.Break(func(_ http.ResponseWriter, r *http.Request, body string, _ http.HandlerFunc) bool {
		var message struct {
			Params struct {
				Meta map[string]any `json:"_meta"`
			}
		}
		if strings.Contains(body, "tools/call") && json.Unmarshal([]byte(body), &message) == nil {
			at, _ := message.Params.Meta[telemetry.Header].(string)
			told <- r.Header.Get(telemetry.Header) + " " + at
		}
		return false
	})
	registry := mcp.NewRegistry(mcp.Options{Version: "1"})
	t.Cleanup(registry.Close)
	registry.OnAdd(backend.Service(), false)
	for _, tc := range []struct {
		ctx  context.Context
		want string
	}{{telemetry.Under(t.Context(), place), place + " " + place}, {t.Context(), " "}} {
		if _, err := registry.Servers()[0].Call(tc.ctx, mcp.Tool{Name: "list_hosts"}, nil); err != nil {
			t.Fatal(err)
		}
		if got := <-told; got != tc.want {
			t.Errorf("told %q, want %q", got, tc.want)
		}
	}
}
