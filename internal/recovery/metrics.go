// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package recovery

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ry-ops/cortex/internal/mcp"
)

// Metrics of heals that callers waited for, and of what became of their calls.
type Metrics struct {
	heals   *prometheus.CounterVec
	replays *prometheus.CounterVec
	atOnce  *prometheus.CounterVec
	awaited prometheus.Gauge
	breaker *prometheus.Desc
	// of has the wards.
	of atomic.Pointer[Recoverer]
}

// NewMetrics makes the metrics and registers them.
func NewMetrics(registry prometheus.Registerer) *Metrics {
	m := &Metrics{
		heals: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "cortex_gateway_heals_followed_total",
			Help: "Heals that a query waited for, by server and result (succeeded, failed, lost: not followed to its end).",
		}, []string{"server", "result"}),
		replays: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "cortex_gateway_replays_total",
			Help: "Calls that failed and whose server was healed, by server and decision (replayed, refused).",
		}, []string{"server", "decision"}),
		atOnce: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "cortex_gateway_known_failures_total",
			Help: "Calls that were answered at once with a diagnosis that was known already, by server.",
		}, []string{"server"}),
		awaited: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "cortex_gateway_heals_awaited", Help: "Calls that wait for a heal now, those of tasks and those of MCP clients.",
		}),
		breaker: prometheus.NewDesc("cortex_gateway_breaker_state",
			"What is done with a call to a server that has failed before: 0 it is made, 1 it waits for the heal that is under way, 2 it is answered at once with what is known.",
			[]string{"namespace", "server"}, nil),
	}
	registry.MustRegister(m.heals, m.replays, m.atOnce, m.awaited, m)
	return m
}

func (m *Metrics) healed(server string, success bool, err error) {
	result := "failed"
	switch {
	case err != nil:
		result = "lost"
	case success:
		result = "succeeded"
	}
	m.heals.WithLabelValues(server, result).Inc()
}

func (m *Metrics) replayed(server string, replay bool) {
	m.replays.WithLabelValues(server, decided(mcp.Verdict{Replay: replay})).Inc()
}

func (m *Metrics) answeredAtOnce(server string) { m.atOnce.WithLabelValues(server).Inc() }

// watch has the breakers of a Recoverer told.
func (m *Metrics) watch(r *Recoverer) {
	if m != nil {
		m.of.Store(r)
	}
}

// Describe implements prometheus.Collector, for what is only known when somebody asks.
func (m *Metrics) Describe(to chan<- *prometheus.Desc) { to <- m.breaker }

// Collect implements prometheus.Collector.
func (m *Metrics) Collect(to chan<- prometheus.Metric) {
	r := m.of.Load()
	if r == nil {
		return
	}
	r.wards.Range(func(key, value any) bool {
		server, _ := key.(types.NamespacedName)
		ward, _ := value.(*ward)
		to <- prometheus.MustNewConstMetric(m.breaker, prometheus.GaugeValue, float64(ward.state()), server.Namespace, server.Name)
		return true
	})
}
