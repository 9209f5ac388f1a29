// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package recovery

import "github.com/prometheus/client_golang/prometheus"

// Metrics of heals that callers waited for, and of what became of their calls.
type Metrics struct {
	heals   *prometheus.CounterVec
	replays *prometheus.CounterVec
	atOnce  *prometheus.CounterVec
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
	}
	registry.MustRegister(m.heals, m.replays, m.atOnce)
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
	decision := "refused"
	if replay {
		decision = "replayed"
	}
	m.replays.WithLabelValues(server, decision).Inc()
}

func (m *Metrics) answeredAtOnce(server string) { m.atOnce.WithLabelValues(server).Inc() }
