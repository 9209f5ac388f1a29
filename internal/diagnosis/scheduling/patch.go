// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package scheduling

import (
	"encoding/json"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/ry-ops/cortex/internal/diagnosis/finding"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/diagnosis/words"
)

// jsonPatch is one operation of RFC 6902.
type jsonPatch struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value any    `json:"value,omitempty"`
}

// patchTemplate is the command that changes the workload; none for a pod of its own, whose spec cannot be changed.
func patchTemplate(s *snapshot.Snapshot, operations ...jsonPatch) string {
	if s.Workload == nil {
		return ""
	}
	patch, err := json.Marshal(operations)
	if err != nil {
		return ""
	}
	return fmt.Sprintf("kubectl patch %s/%s -n %s --type=json -p %s",
		words.Lower(s.Workload.Kind), s.Workload.Object.GetName(), s.Namespace, words.Quote(string(patch)))
}

// escapePointer makes one step of a JSON pointer of a key (RFC 6901).
func escapePointer(key string) string { return strings.NewReplacer("~", "~0", "/", "~1").Replace(key) }

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
