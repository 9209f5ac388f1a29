// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package claude

import "github.com/prometheus/client_golang/prometheus"

// Metrics of the model. A nil one counts nothing.
type Metrics struct {
	requests  *prometheus.CounterVec
	tokens    *prometheus.CounterVec
	takeovers prometheus.Counter
}

// NewMetrics makes the metrics and registers them.
func NewMetrics(registry prometheus.Registerer) *Metrics {
	m := &Metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "cortex_gateway_model_requests_total",
			Help: "Requests to the language model, by result (ok, rate_limited, overloaded, server_error, timeout, cut, connection, refused, too_large).",
		}, []string{"result"}),
		tokens: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "cortex_gateway_model_tokens_total", Help: "Tokens of the language model, by direction (input, cached ones included, and output).",
		}, []string{"direction"}),
		takeovers: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "cortex_gateway_model_unreachable_total", Help: "Questions that the rules took over since the language model could not be reached.",
		}),
	}
	registry.MustRegister(m.requests, m.tokens, m.takeovers)
	return m
}

func (m *Metrics) asked(result string) {
	if m != nil {
		m.requests.WithLabelValues(result).Inc()
	}
}

func (m *Metrics) used(in, out int) {
	if m != nil {
		m.tokens.WithLabelValues("input").Add(float64(in))
		m.tokens.WithLabelValues("output").Add(float64(out))
	}
}

func (m *Metrics) tookOver() {
	if m != nil {
		m.takeovers.Inc()
	}
}
