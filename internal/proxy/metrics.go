// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package proxy

import "github.com/prometheus/client_golang/prometheus"

type metrics struct {
	calls     *prometheus.CounterVec
	held      prometheus.Gauge
	listeners prometheus.Gauge
	sessions  *prometheus.CounterVec
}

func newMetrics(registry prometheus.Registerer) *metrics {
	m := &metrics{
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "cortex_gateway_mcp_calls_total",
			Help: "Requests of MCP clients that were passed to a server, by server, result (passed, recovered, failed, canceled) and class of the last failure (OK: there was none).",
		}, []string{"server", "result", "class"}),
		held: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "cortex_gateway_mcp_calls_held", Help: "Requests of MCP clients that wait for a heal now.",
		}),
		listeners: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "cortex_gateway_mcp_listeners", Help: "MCP clients that listen for notifications now.",
		}),
		sessions: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "cortex_gateway_mcp_upstream_sessions_total", Help: "Sessions that were opened with MCP servers for MCP clients, by server and result (opened, failed).",
		}, []string{"server", "result"}),
	}
	registry.MustRegister(m.calls, m.held, m.listeners, m.sessions)
	return m
}
