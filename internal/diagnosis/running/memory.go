// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package running

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/finding"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/diagnosis/words"
	"github.com/ry-ops/cortex/internal/workload"
)

// oomKilled finds containers that the kernel ended for want of memory while they ran. One that it ended before is a matter
// of starting.
func oomKilled(s *snapshot.Snapshot) []finding.Finding {
	var findings []finding.Finding
	for _, c := range crashes(s) {
		if !c.outOfMemory() {
			continue
		}
		limit := c.Spec.Resources.Limits.Memory()
		why := fmt.Sprintf("it ran out of memory (limit %s)", limit)
		if limit.IsZero() {
			why = "its node ran out of memory (it has no limit of its own)"
		}
		message := fmt.Sprintf("%s was killed because %s, %s", words.UpperFirst(s.In(c.Container)), why, words.Count(int(c.Status.RestartCount), "restart"))
		f := finding.New(v1alpha1.CauseOOMKilled, s.Owner(c.Container), v1alpha1.Certain, message, append(crashEvidence(s, c), memoryNow(s, c.Container)...)...)
		f.Detail = "Limit"
		if limit.IsZero() {
			f.Detail = "Node"
		}
		f.Container = c.Spec.Name
		f.Recommendation = memoryAdvice(s, c, limit)
		f.Suggest(doubled(s.Workload, c.Spec.Name, corev1.ResourceMemory, *limit))
		findings = append(findings, f)
	}
	return findings
}

// memoryNow tells the measured use of the replicas, which is the nearest to a peak that is known.
func memoryNow(s *snapshot.Snapshot, c snapshot.Container) []string {
	var told []string
	for _, other := range s.Containers() {
		measured := metricsOf(s, other.Pod)
		if other.Spec.Name != c.Spec.Name || measured == nil {
			continue
		}
		for _, m := range measured.Containers {
			if usage, ok := m.Usage[corev1.ResourceMemory]; ok && m.Name == c.Spec.Name {
				told = append(told, fmt.Sprintf("Pod %s used %s of memory when it was last measured, %s", other.Pod.Name, &usage, s.Ago(measured.Timestamp.Time)))
			}
		}
	}
	return told[:min(len(told), 2)]
}

func memoryAdvice(s *snapshot.Snapshot, c crash, limit *resource.Quantity) string {
	if limit.IsZero() {
		return fmt.Sprintf("Set resources.requests.memory and resources.limits.memory of %s, and look for what fills node %s.", s.In(c.Container), c.Pod.Spec.NodeName)
	}
	return fmt.Sprintf("Raise resources.limits.memory of %s (now %s), or find what it keeps in memory.", s.In(c.Container), limit)
}

// doubled suggests twice a limit, if there is one: enough to see whether the need is bounded.
func doubled(w *workload.Workload, container string, of corev1.ResourceName, limit resource.Quantity) *finding.Patch {
	if limit.IsZero() {
		return nil
	}
	twice := limit.DeepCopy()
	twice.Add(limit)
	return finding.SetLimit(w, container, of, limit, twice)
}
