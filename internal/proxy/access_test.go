// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"

	"github.com/ry-ops/cortex/internal/mcp"
	"github.com/ry-ops/cortex/internal/mcp/mcptest"
)

func TestOnlyServersThatMayBeUsed(t *testing.T) {
	sandfly, proxmox := mcptest.Start(t, "sandfly"), mcptest.Start(t, "proxmox")
	no, told := errors.New("you may not use proxmox"), 0
	w := newWorld(t, []*mcptest.Backend{sandfly, proxmox}, func(o *Options) {
		o.Refused = func(err error) {
			if told++; !errors.Is(err, no) {
				t.Error(err)
			}
		}
		o.MayUse = func(_ context.Context, server types.NamespacedName) error {
			if server.Name == "proxmox" {
				return no
			}
			return nil
		}
	})
	session := w.connect("/mcp", nil)
	if got := toolNames(t, session); !slices.Equal(got, []string{"sandfly__list_hosts", "sandfly__set_label", "sandfly__start_scan"}) {
		t.Errorf("listed: %v", got)
	}
	if _, err := callTool(t, session, "proxmox__list_hosts", nil); err == nil || !strings.Contains(err.Error(), "you may not use proxmox") {
		t.Error(err)
	}
	if _, err := callTool(t, session, "sandfly__list_hosts", nil); err != nil {
		t.Error(err)
	}
	const call = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"list_hosts"}}`
	if status, body := w.raw("/mcp/proxmox", session.ID(), call); status != http.StatusForbidden || !strings.Contains(body, "you may not use proxmox") {
		t.Errorf("%d %s", status, body)
	}
	if told != 2 {
		t.Errorf("%d refusals are told", told)
	}
	if proxmox.Calls("list_hosts") != 0 || sandfly.Calls("list_hosts") != 1 {
		t.Error("a call went where it may not")
	}
}

func TestEachServerGetsItsCredentials(t *testing.T) {
	sandfly, proxmox := mcptest.Start(t, "sandfly"), mcptest.Start(t, "proxmox")
	folder := t.TempDir()
	mine := filepath.Join(folder, sandfly.Service().Namespace, "sandfly")
	if err := os.MkdirAll(mine, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(mine, "token"), []byte("for-sandfly\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	seen := map[string][]string{}
	for name, backend := range map[string]*mcptest.Backend{"sandfly": sandfly, "proxmox": proxmox} {
		backend.Break(func(_ http.ResponseWriter, r *http.Request, _ string, _ http.HandlerFunc) bool {
			mu.Lock()
			defer mu.Unlock()
			if got := r.Header.Get("Authorization"); !slices.Contains(seen[name], got) {
				seen[name] = append(seen[name], got)
			}
			return false
		})
	}
	w := &world{t: t, healer: newHealer(), registry: mcp.NewRegistry(mcp.Options{Version: "1", Credentials: mcp.NewCredentials(folder, clock.RealClock{})})}
	w.registry.OnAdd(sandfly.Service(), false)
	w.registry.OnAdd(proxmox.Service(), false)
	w.start()
	t.Cleanup(w.registry.Close)
	t.Cleanup(w.stop)
	session, err := sdk.NewClient(&sdk.Implementation{Name: "test", Version: "1"}, nil).Connect(t.Context(),
		&sdk.StreamableClientTransport{Endpoint: w.http.URL + "/mcp", HTTPClient: &http.Client{Transport: bearer("the caller's own")}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = session.Close() })
	for _, tool := range []string{"sandfly__list_hosts", "proxmox__list_hosts"} {
		if _, err := callTool(t, session, tool, nil); err != nil {
			t.Errorf("%s: %v", tool, err)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if !slices.Equal(seen["sandfly"], []string{"Bearer for-sandfly"}) || !slices.Equal(seen["proxmox"], []string{""}) {
		t.Errorf("%q", seen)
	}
}

// bearer sends a token with each request.
type bearer string

// RoundTrip implements http.RoundTripper.
func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+string(b))
	return http.DefaultTransport.RoundTrip(r)
}
