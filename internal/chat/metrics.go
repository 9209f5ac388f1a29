// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package chat

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/ry-ops/cortex/internal/mcp"
)

// Metrics of the loop. Their labels are bounded: servers are labelled Services, the rest are constants.
type Metrics struct {
	calls *prometheus.HistogramVec
}

// NewMetrics makes the metrics and registers them.
func NewMetrics(registry prometheus.Registerer) *Metrics {
	m := &Metrics{
		calls: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "cortex_gateway_tool_call_duration_seconds",
			Help:    "Tool calls by server and class of failure (OK: there was none), and how long they took.",
			Buckets: []float64{.005, .025, .1, .5, 1, 5, 15, 30, 60},
		}, []string{"server", "class"}),
	}
	registry.MustRegister(m.calls)
	return m
}

func (m *Metrics) called(server string, err error, took time.Duration) {
	m.calls.WithLabelValues(server, classOf(err)).Observe(took.Seconds())
}

// classOf is the class of a failure. OK is none; Other is of an error that is not of the call, such as the end of the query.
func classOf(err error) string {
	var failure *mcp.CallError
	switch {
	case err == nil:
		return "OK"
	case errors.As(err, &failure):
		return string(failure.Class)
	default:
		return "Other"
	}
}
