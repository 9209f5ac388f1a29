// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package mcpserver_test

import (
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/ry-ops/cortex/internal/mcpserver"
)

// TestNothingBelowRepeatsARequest counts what a server gets that takes a request on a kept connection and closes it without an
// answer. That is where net/http sends again by itself: it takes a header of an MCP client for a leave.
func TestNothingBelowRepeatsARequest(t *testing.T) {
	for _, header := range []string{"", "Idempotency-Key", "X-Idempotency-Key"} {
		for _, fresh := range []bool{false, true} {
			var sent atomic.Int32
			s := newServer(t, stateless, "tools/call", func(w http.ResponseWriter, r *http.Request) {
				if sent.Add(1) == 1 {
					answer(http.StatusOK, "application/json", "{}")(w, r)
					return
				}
				cut(w, r)
			})
			pool := mcpserver.NewTransport()
			t.Cleanup(pool.CloseIdleConnections)
			client := mcpserver.NewHTTPClient(s.endpoint(), pool)
			var last error
			for range 2 {
				ctx := t.Context()
				if fresh {
					ctx = mcpserver.OnNewConnection(ctx)
				}
				request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL, strings.NewReader(`{"method":"tools/call"}`))
				if err != nil {
					t.Fatal(err)
				}
				if header != "" {
					request.Header.Set(header, "1")
				}
				var response *http.Response
				if response, last = client.Do(request); last == nil {
					_, _ = io.Copy(io.Discard, response.Body) // else it is not kept
					_ = response.Body.Close()
				}
			}
			if last == nil || sent.Load() != 2 {
				t.Errorf("header %q, new connection %v: sent %d times, want 2: %v", header, fresh, sent.Load(), last)
			}
		}
	}
}
