// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/ry-ops/cortex/internal/chat"
)

type metrics struct {
	tasks    *prometheus.CounterVec
	refusals *prometheus.CounterVec
	streams  prometheus.Gauge
	dropped  prometheus.Counter
}

func newMetrics(registry prometheus.Registerer) *metrics {
	m := &metrics{
		tasks: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "cortex_gateway_tasks_total", Help: "Tasks that ended, by status.",
		}, []string{"status"}),
		refusals: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "cortex_gateway_refused_requests_total", Help: "Requests that were no task, by HTTP status.",
		}, []string{"code"}),
		streams: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "cortex_gateway_streams_open", Help: "Event streams that are open now.",
		}),
		dropped: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "cortex_gateway_streams_dropped_total", Help: "Event streams whose reader left or did not read.",
		}),
	}
	registry.MustRegister(m.tasks, m.refusals, m.streams, m.dropped)
	return m
}

func (m *metrics) ended(status chat.Status) { m.tasks.WithLabelValues(string(status)).Inc() }

func (m *metrics) refused(status int) { m.refusals.WithLabelValues(strconv.Itoa(status)).Inc() }
