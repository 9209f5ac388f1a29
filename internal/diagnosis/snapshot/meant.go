// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package snapshot

import (
	"cmp"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/ry-ops/cortex/internal/workload"
)

// MeantFor is the workload that a Service which selects nothing was likely meant for: the one of its name, else the one
// whose labels agree with at least half of the selector, if there is only one such. It is nil if the Service selects
// something, or if that is not known.
func (s *Snapshot) MeantFor() *workload.Workload {
	if !s.SelectsNothing() {
		return nil
	}
	if w := WithName(s.Workloads, s.Service.Name); w != nil {
		return w
	}
	selector := s.Service.Spec.Selector
	agreeing := slices.DeleteFunc(slices.Clone(s.Workloads), func(w *workload.Workload) bool {
		return agreement(selector, w) == 0 || agreement(selector, w)*2 < len(selector)
	})
	slices.SortStableFunc(agreeing, func(a, b *workload.Workload) int {
		return cmp.Compare(agreement(selector, b), agreement(selector, a))
	})
	if len(agreeing) == 0 || len(agreeing) > 1 && agreement(selector, agreeing[0]) == agreement(selector, agreeing[1]) {
		return nil
	}
	return agreeing[0]
}

// SelectsNothing reports whether the Service is known to select no pod and no workload's template.
func (s *Snapshot) SelectsNothing() bool {
	if !HasSelector(s.Service) || !s.Complete(KindPod) || !s.WorkloadsComplete() {
		return false
	}
	_, endpoints := s.CountEndpoints()
	return endpoints == 0 && len(s.Selected()) == 0 &&
		!slices.ContainsFunc(s.Pods, func(pod corev1.Pod) bool { return Selects(s.Service, pod.Labels) })
}

func agreement(selector map[string]string, w *workload.Workload) (equal int) {
	for key, value := range selector {
		if label, ok := w.Template.Labels[key]; ok && label == value {
			equal++
		}
	}
	return equal
}
