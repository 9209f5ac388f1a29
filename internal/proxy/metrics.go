// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/ry-ops/cortex/internal/quota"
)

type metrics struct{ calls, sessions *prometheus.CounterVec }

func newMetrics(registry prometheus.Registerer, held, listeners *quota.Quota) *metrics {
	m := &metrics{
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "cortex_gateway_mcp_calls_total",
			Help: "Requests of MCP clients that were passed to a server, by server, result (passed, recovered, failed, canceled) and class of the last failure (OK: there was none).",
		}, []string{"server", "result", "class"}),
		sessions: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "cortex_gateway_mcp_upstream_sessions_total", Help: "Sessions that were opened with MCP servers for MCP clients, by server and result (opened, failed).",
		}, []string{"server", "result"}),
	}
	registry.MustRegister(m.calls, m.sessions,
		gauge("cortex_gateway_mcp_calls_held", "Requests of MCP clients that wait for a heal now.", held),
		gauge("cortex_gateway_mcp_listeners", "MCP clients that listen for notifications now.", listeners))
	return m
}

func gauge(name, help string, of *quota.Quota) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 { return float64(of.Taken()) })
}
