// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package healingrequest

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

// Metrics are the spec's five "Metrics to Track":
//   - success rate, most common failure types, services requiring most healing: cortex_heals_total by outcome, cause
//     and target;
//   - average healing time: cortex_heal_duration_seconds;
//   - manual interventions required: cortex_manual_interventions_total.
//
// The target is the Service, and empty where there is none or it was not opted in: people label only so many Services,
// while a request can name anything.
type Metrics struct {
	heals    *prometheus.CounterVec
	duration *prometheus.HistogramVec
	manual   *prometheus.CounterVec
	actions  *prometheus.CounterVec
}

// NewMetrics registers the metrics.
func NewMetrics(registerer prometheus.Registerer) *Metrics {
	m := &Metrics{
		heals: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "cortex_heals_total",
			Help: "Heals that ended, by how (the reason of the Complete condition), root cause and target.",
		}, []string{"namespace", "target", "outcome", "cause"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "cortex_heal_duration_seconds",
			Help:    "Time from taking a request up to its end.",
			Buckets: []float64{.25, .5, 1, 2, 5, 10, 20, 30, 60, 120, 300},
		}, []string{"outcome"}),
		manual: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "cortex_manual_interventions_total",
			Help: "Heals that ended with a person being asked, by root cause.",
		}, []string{"cause"}),
		actions: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "cortex_actions_total",
			Help: "Changes that Cortex made or tried to make, by type and by each state that they came to.",
		}, []string{"type", "state"}),
	}
	registerer.MustRegister(m.heals, m.duration, m.manual, m.actions)
	return m
}

// observe counts what a status write just made a fact.
func (m *Metrics) observe(before, after *v1alpha1.HealingRequest) {
	for i, action := range after.Status.Actions {
		known := i < len(before.Status.Actions) && before.Status.Actions[i].State == action.State
		if !known && action.Type != v1alpha1.ActionWait {
			m.actions.WithLabelValues(string(action.Type), string(action.State)).Inc()
		}
	}
	if !after.Done() {
		return
	}
	outcome := completeReason(after)
	cause := string(after.Status.Cause)
	m.heals.WithLabelValues(after.Namespace, targetLabel(after, outcome), outcome, cause).Inc()
	m.duration.WithLabelValues(outcome).Observe(after.Status.CompletedAt.Sub(after.Status.StartedAt.Time).Seconds())
	if after.DerivePhase() == v1alpha1.PhaseFailed {
		m.manual.WithLabelValues(cause).Inc()
	}
}

func targetLabel(request *v1alpha1.HealingRequest, outcome string) string {
	if request.Status.ServiceRef == nil || outcome == v1alpha1.ReasonNotOptedIn {
		return ""
	}
	return request.Status.ServiceRef.Name
}

func completeReason(request *v1alpha1.HealingRequest) string {
	for _, condition := range request.Status.Conditions {
		if condition.Type == v1alpha1.ConditionComplete {
			return condition.Reason
		}
	}
	return ""
}
