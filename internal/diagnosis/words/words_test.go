// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package words

import (
	"testing"
	"time"
)

var testNow = time.Date(2026, 11, 23, 14, 5, 0, 0, time.UTC)

func TestNearest(t *testing.T) {
	candidates := []string{"grafana", "proxmox-mcp-server", "sandfly-mcp-server"}
	for name, want := range map[string]string{
		"sandfly-mcp-sever":  "sandfly-mcp-server",
		"sandfly":            "sandfly-mcp-server",
		"sandfly-mcp":        "sandfly-mcp-server",
		"graphana":           "grafana",
		"prometheus":         "",
		"mcp":                "",
		"x":                  "",
		"mailbox-mcp-server": "", // only the words that every name has are alike
		"sandfly-mcp-server": "sandfly-mcp-server",
	} {
		if got := Nearest(name, candidates); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", name, got, want)
		}
	}
}

func TestQuote(t *testing.T) {
	if got := Quote(`a'; rm -rf /; '`); got != `'a'\''; rm -rf /; '\'''` {
		t.Error(got)
	}
}

func TestTimeOfDay(t *testing.T) {
	for at, want := range map[time.Time]string{
		testNow.Add(-time.Hour):                        "13:05:00 UTC",
		testNow.Add(-24 * time.Hour):                   "2026-11-22 14:05:00 UTC",
		testNow.AddDate(-1, 0, 0):                      "2025-11-23 14:05:00 UTC",
		testNow.In(time.FixedZone("", 3600)).Add(-1e9): "14:04:59 UTC",
	} {
		if got := TimeOfDay(at, testNow); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
