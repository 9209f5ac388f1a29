// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package report

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
)

// Reach is what is left of a target for its callers, the worst first.
type Reach int

// The reaches.
const (
	// Down: no caller gets an answer.
	Down Reach = iota
	// Degraded: some pods do not serve.
	Degraded
	// Serving: every pod that is wanted serves, or nobody calls.
	Serving
)

// reachOf tells by the endpoints what callers get.
func reachOf(s *snapshot.Snapshot) Reach {
	if s.Service == nil {
		return reachOfWorkload(s)
	}
	if s.Service.Spec.Type == corev1.ServiceTypeExternalName {
		return Serving
	}
	ready, all := s.CountEndpoints()
	if !s.Complete(snapshot.KindEndpointSlice) && all == 0 {
		ready, all = s.ReadyPods(), len(s.LivePods())
	}
	switch {
	case ready == 0:
		return Down
	case ready < all, s.Workload != nil && s.Complete(snapshot.KindPod) && s.ReadyPods() < int(s.Workload.Replicas):
		return Degraded
	default:
		return Serving
	}
}

// reachOfWorkload judges what no Service leads to. What is scaled to zero there is mostly meant to be: nobody calls it.
func reachOfWorkload(s *snapshot.Snapshot) Reach {
	switch {
	case s.Workload == nil:
		return Down
	case s.Workload.Replicas == 0:
		return Serving
	case s.Workload.Ready == 0:
		return Down
	case s.Workload.Ready < s.Workload.Replicas:
		return Degraded
	default:
		return Serving
	}
}

// noWay are the causes that keep callers from pods, however well these are: those of routing that explain that no answer
// comes.
func noWay() map[v1alpha1.Cause]bool {
	causes := map[v1alpha1.Cause]bool{}
	for _, row := range diagnosis.Catalogue() {
		for _, consequence := range row.Explains {
			if row.Family == diagnosis.FamilyRouting && (consequence == v1alpha1.CauseUnresponsive || consequence == v1alpha1.CauseNoReadyEndpoints) {
				causes[row.Cause] = true
			}
		}
	}
	return causes
}
