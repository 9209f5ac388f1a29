// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package diagnosis

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/diagnosis/words"
)

// looksWell reports whether the objects alone speak for a target that nobody can ask for an answer: a file, or a cluster
// seen from outside. A failure that a caller saw speaks against it.
func looksWell(s *snapshot.Snapshot) bool {
	if !s.Unprobed || s.Error != nil {
		return false
	}
	if s.Service == nil {
		return s.Workload != nil && s.Workload.Replicas > 0 && s.Workload.Ready >= s.Workload.Replicas
	}
	return s.Service.Spec.Type == corev1.ServiceTypeExternalName || s.ReadyEndpoints() > 0 ||
		!s.Complete(snapshot.KindEndpointSlice) && s.ReadyPods() > 0
}

// wellSummary tells what speaks for a target that was not asked.
func wellSummary(s *snapshot.Snapshot) string {
	seen := "nothing of it runs in the cluster"
	switch {
	case s.Service == nil:
		seen = fmt.Sprintf("%d of %s ready", s.Workload.Ready, words.IsAre(int(s.Workload.Replicas), "replica"))
	case s.ReadyEndpoints() > 0:
		seen = words.IsAre(s.ReadyEndpoints(), "endpoint") + " ready"
	case s.ReadyPods() > 0:
		seen = words.IsAre(s.ReadyPods(), "pod") + " ready"
	}
	return fmt.Sprintf("%s looks well: %s, nothing wrong was found, and no MCP handshake was made", s.Title(), seen)
}
