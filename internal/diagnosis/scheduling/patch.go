// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package scheduling

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/ry-ops/cortex/internal/diagnosis/finding"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
)

// orUndo offers to go back to the revision before, where that one fits on a node as they are now.
func (c *cluster) orUndo(f *finding.Finding, m *misfit) {
	before := c.s.Before(m.pod)
	if before == nil || f.SuggestedPatch != "" {
		return
	}
	pod := &corev1.Pod{ObjectMeta: before.Spec.Template.ObjectMeta, Spec: before.Spec.Template.Spec}
	pod.Namespace, pod.Name = m.pod.Namespace, m.pod.Name
	if c.try(pod).fits == nil {
		return
	}
	f.SuggestedPatch = c.s.Undo(before)
	f.Recommendation += fmt.Sprintf(" Revision %d fits on the nodes as they are.", snapshot.Revision(before))
}
