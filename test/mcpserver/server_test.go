// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/modelcontextprotocol/go-sdk/mcp"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/ry-ops/cortex/test/steady"
)

// now is when the tests take place.
var now = time.Date(2026, time.November, 23, 9, 0, 0, 0, time.UTC)

var quiet = slog.New(slog.DiscardHandler)

// sample is a server of a profile on loopback, and a session with it.
type sample struct {
	*httptest.Server
	faults  *faults
	session *mcp.ClientSession
}

func newSample(t *testing.T, profile string, stateless bool) *sample {
	t.Helper()
	faults := newFaults(quiet, t.TempDir())
	options := options{profile: profile, stateless: stateless}
	s := &sample{faults: faults, Server: httptest.NewServer(newHandler(quiet, options, faults, clocktesting.NewFakePassiveClock(now)))}
	t.Cleanup(func() { steady.Stop(s.Server) })
	client := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, nil)
	transport := &mcp.StreamableClientTransport{Endpoint: s.URL + "/mcp", MaxRetries: -1, DisableStandaloneSSE: true}
	session, err := client.Connect(t.Context(), transport, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { go session.Close() }) // a server that hangs is not waited for
	s.session = session
	return s
}

func (s *sample) call(t *testing.T, tool string, arguments map[string]any) *mcp.CallToolResult {
	t.Helper()
	result, err := s.session.CallTool(t.Context(), &mcp.CallToolParams{Name: tool, Arguments: arguments})
	if err != nil {
		t.Fatalf("%s: %v", tool, err)
	}
	return result
}

func (s *sample) request(t *testing.T, method, path string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := s.Client().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, strings.TrimSpace(string(body))
}

func words(t *testing.T, result *mcp.CallToolResult) string {
	t.Helper()
	if len(result.Content) != 1 {
		t.Fatalf("%d pieces of content", len(result.Content))
	}
	content, ok := result.Content[0].(*mcp.TextContent)
	if !ok {
		t.Fatalf("the content is no text: %T", result.Content[0])
	}
	return content.Text
}

// structured reads the structured content into a value.
func structured[T any](t *testing.T, result *mcp.CallToolResult) T {
	t.Helper()
	var value T
	data, err := json.Marshal(result.StructuredContent)
	if err == nil {
		err = json.Unmarshal(data, &value)
	}
	if err != nil {
		t.Fatal(err)
	}
	return value
}

func TestTools(t *testing.T) {
	type hint struct{ readOnly, idempotent bool }
	cases := map[string]map[string]hint{
		"sandfly": {"list_hosts": {true, true}, "get_alerts": {true, true}, "get_host": {true, true}, "start_scan": {false, false}},
		"proxmox": {"list_vms": {true, true}, "get_node_status": {true, true}, "start_vm": {false, true}},
	}
	for profile, want := range cases {
		t.Run(profile, func(t *testing.T) {
			s := newSample(t, profile, false)
			if name := s.session.InitializeResult().ServerInfo.Name; name != profile+"-mcp-server" {
				t.Errorf("the server calls itself %s", name)
			}
			listed, err := s.session.ListTools(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]hint{}
			for _, tool := range listed.Tools {
				got[tool.Name] = hint{tool.Annotations.ReadOnlyHint, tool.Annotations.IdempotentHint}
				if tool.Description == "" || tool.OutputSchema == nil {
					t.Errorf("%s has no description or no output schema", tool.Name)
				}
			}
			if diff := cmp.Diff(want, got, cmp.AllowUnexported(hint{})); diff != "" {
				t.Errorf("tools (-want +got):\n%s", diff)
			}
		})
	}
}

// TestCalls asks each tool, and looks at what people and what programs get.
func TestCalls(t *testing.T) {
	cases := map[string]struct {
		profile, tool string
		arguments     map[string]any
		says          []string
		total         float64
	}{
		"hosts":             {"sandfly", "list_hosts", nil, []string{"12 hosts", "hst-1001  web-01  192.0.2.11  Ubuntu 24.04  online"}, 12},
		"hosts that are on": {"sandfly", "list_hosts", map[string]any{"status": "offline"}, []string{"1 hosts", "db-02"}, 1},
		"alerts":            {"sandfly", "get_alerts", nil, []string{"5 security alerts", "critical", "vpn-01: process kworkerds"}, 5},
		"high alerts":       {"sandfly", "get_alerts", map[string]any{"severity": "high"}, []string{"2 security alerts", "bastion", "web-01"}, 2},
		"alerts of a host":  {"sandfly", "get_alerts", map[string]any{"host_id": "hst-1008"}, []string{"1 security alerts", "mail-01"}, 1},
		"no alerts":         {"sandfly", "get_alerts", map[string]any{"host_id": "hst-1002"}, []string{"0 security alerts"}, 0},
		"VMs":               {"proxmox", "list_vms", nil, []string{"8 VMs", "101  k3s-server on pve1  running"}, 8},
		"VMs that are off":  {"proxmox", "list_vms", map[string]any{"status": "stopped"}, []string{"1 VMs", "windows-build"}, 1},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			result := newSample(t, c.profile, true).call(t, c.tool, c.arguments)
			if result.IsError {
				t.Fatalf("an error: %s", words(t, result))
			}
			for _, want := range c.says {
				if got := words(t, result); !strings.Contains(got, want) {
					t.Errorf("does not say %q:\n%s", want, got)
				}
			}
			if got := structured[map[string]any](t, result)["total"]; got != c.total {
				t.Errorf("total is %v, want %v", got, c.total)
			}
		})
	}
}

func TestGetHost(t *testing.T) {
	s := newSample(t, "sandfly", false)
	got := structured[map[string]any](t, s.call(t, "get_host", map[string]any{"id": "hst-1005"}))
	want := map[string]any{
		"id": "hst-1005", "hostname": "db-01", "ip": "198.51.100.5", "os": "Rocky Linux 9.5", "status": "online",
		"last_seen": "2026-11-23T08:59:33Z",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("host (-want +got):\n%s", diff)
	}
	if result := s.call(t, "get_host", map[string]any{"id": "hst-9999"}); !result.IsError || !strings.Contains(words(t, result), "hst-9999") {
		t.Errorf("an unknown host is %+v", result)
	}
}

// TestStartScan: each call is another scan, which is what makes a repeated one show.
func TestStartScan(t *testing.T) {
	s := newSample(t, "sandfly", false)
	for _, want := range []string{"scn-0001", "scn-0002"} {
		if got := structured[startScanOutput](t, s.call(t, "start_scan", map[string]any{"host_id": "hst-1001"})).ScanID; got != want {
			t.Errorf("scan is %s, want %s", got, want)
		}
	}
	if result := s.call(t, "start_scan", map[string]any{"host_id": "x"}); !result.IsError {
		t.Error("a scan of an unknown host was started")
	}
	// A call with the wrong arguments is counted: it reached the server. One of another tool is another count.
	if status, body := s.request(t, http.MethodGet, "/fault/counts"); status != http.StatusOK || body != `{"start_scan":3}` {
		t.Errorf("counts are %d %s", status, body)
	}
}

// TestStartVM: twice is as good as once.
func TestStartVM(t *testing.T) {
	s := newSample(t, "proxmox", false)
	for range 2 {
		if got := structured[proxmoxVM](t, s.call(t, "start_vm", map[string]any{"vmid": 120})); got.Status != "running" {
			t.Errorf("VM is %s", got.Status)
		}
	}
	node := structured[nodeStatusOutput](t, s.call(t, "get_node_status", map[string]any{"node": "pve3"})).Nodes
	if len(node) != 1 || node[0].VMs != 2 {
		t.Errorf("node is %+v", node)
	}
	for tool, arguments := range map[string]map[string]any{"start_vm": {"vmid": 1}, "get_node_status": {"node": "pve9"}} {
		if result := s.call(t, tool, arguments); !result.IsError {
			t.Errorf("%s %v passed", tool, arguments)
		}
	}
}

func TestHealth(t *testing.T) {
	s := newSample(t, "sandfly", false)
	if status, body := s.request(t, http.MethodGet, "/health"); status != http.StatusOK || body != `{"status":"ok"}` {
		t.Errorf("health is %d %s", status, body)
	}
	if status, _ := s.request(t, http.MethodGet, "/"); status != http.StatusNotFound {
		t.Errorf("/ is %d", status)
	}
}

// within runs what must end soon.
func within(t *testing.T, what string, do func(context.Context)) {
	t.Helper()
	const patience = 2 * time.Minute // for a busy machine
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	done := make(chan struct{})
	go func() { defer close(done); do(ctx) }()
	select {
	case <-done:
	case <-ctx.Done():
	}
	if ctx.Err() != nil { // what waits for something ends with its context
		t.Fatalf("%s: not within %s", what, patience)
	}
}
