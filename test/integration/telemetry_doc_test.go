// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package integration_test

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/utils/clock"

	"github.com/ry-ops/cortex/internal/auth"
	"github.com/ry-ops/cortex/internal/chat"
	"github.com/ry-ops/cortex/internal/claude"
	"github.com/ry-ops/cortex/internal/controller/healingrequest"
	"github.com/ry-ops/cortex/internal/gateway"
	"github.com/ry-ops/cortex/internal/mcp"
	"github.com/ry-ops/cortex/internal/panics"
	"github.com/ry-ops/cortex/internal/proxy"
	"github.com/ry-ops/cortex/internal/recovery"
)

// described is what a Desc says of itself.
var described = regexp.MustCompile(`fqName: "([^"]+)", help: "(.*)", unit: "[^"]*", constLabels: \{\}, variableLabels: \{([^}]*)\}`)

// TestMetricsAreDocumented: docs/telemetry.md has every metric with its labels and its help, and no other.
func TestMetricsAreDocumented(t *testing.T) {
	registry := prometheus.NewRegistry()
	caught := panics.New(registry, logr.Discard())
	servers := mcp.NewRegistry(mcp.Options{Version: "test", Panics: caught})
	t.Cleanup(servers.Close)
	tools := proxy.New(proxy.Options{Servers: servers, Registry: registry, Version: "test", Panics: caught, Clock: clock.RealClock{}, Log: logr.Discard()})
	t.Cleanup(tools.Close)
	auth.NewGate(auth.Options{Registry: registry, Clock: clock.RealClock{}})
	chat.NewMetrics(registry)
	claude.NewMetrics(registry)
	recovery.NewMetrics(registry)
	gateway.New(gateway.Options{Registry: registry, Clock: clock.RealClock{}, Log: logr.Discard()})
	healingrequest.NewMetrics(registry)
	all := make(chan *prometheus.Desc)
	go func() {
		registry.Describe(all)
		close(all)
	}()
	raw, err := os.ReadFile("../../docs/telemetry.md")
	if err != nil {
		t.Fatal(err)
	}
	page, rows := string(raw), 0
	for desc := range all {
		found := described.FindStringSubmatch(desc.String())
		if found == nil {
			t.Fatal("this Desc cannot be read:", desc)
		}
		labels := ""
		if found[3] != "" {
			labels = "`" + strings.ReplaceAll(found[3], ",", "`, `") + "`"
		}
		rows++
		if row := fmt.Sprintf("| `%s` | %s | %s |\n", found[1], labels, found[2]); !strings.Contains(page, row) {
			t.Errorf("docs/telemetry.md lacks the row\n%s", row)
		}
	}
	if documented := strings.Count(page, "\n| `cortex_"); rows == 0 || documented != rows {
		t.Errorf("docs/telemetry.md has %d metrics, and there are %d", documented, rows)
	}
}
