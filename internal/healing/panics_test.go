// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package healing

import (
	"testing"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/panics"
)

// A handler of a watch that panics would end the process: client-go lets it.
func TestAPanicInTheWatchEndsNothing(t *testing.T) {
	metrics := prometheus.NewRegistry()
	f := newFollower(nil, nil, nil, 0)
	f.panics = panics.New(metrics, logr.Discard())
	f.OnUpdate(nil, (*v1alpha1.HealingRequest)(nil))
	families, err := metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for _, metric := range families[0].GetMetric() {
		sum += metric.GetCounter().GetValue()
	}
	if sum != 1 {
		t.Errorf("counted %v", sum)
	}
	f.join(state("1", "1")) // its lock is free again
}
