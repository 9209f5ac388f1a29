// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package snapshot

import (
	"cmp"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/ry-ops/cortex/internal/workload"
)

// Quotas are the ResourceQuotas of the target's namespace, by name.
func (s *Snapshot) Quotas() []corev1.ResourceQuota {
	found := Keep(s.All.Quotas, func(q *corev1.ResourceQuota) bool { return q.Namespace == s.Namespace })
	slices.SortFunc(found, func(a, b corev1.ResourceQuota) int { return cmp.Compare(a.Name, b.Name) })
	return found
}

// LimitRanges of the target's namespace, by name.
func (s *Snapshot) LimitRanges() []corev1.LimitRange {
	found := Keep(s.All.LimitRanges, func(l *corev1.LimitRange) bool { return l.Namespace == s.Namespace })
	slices.SortFunc(found, func(a, b corev1.LimitRange) int { return cmp.Compare(a.Name, b.Name) })
	return found
}

// NamespaceObject is the target's namespace itself; nil if it was not read.
func (s *Snapshot) NamespaceObject() *corev1.Namespace {
	return find(s.All.Namespaces, "", s.Namespace, func(o *corev1.Namespace) metav1.Object { return o })
}

// Autoscaler is the HorizontalPodAutoscaler of the workload; nil if there is none.
func (s *Snapshot) Autoscaler() *autoscalingv2.HorizontalPodAutoscaler {
	return s.AutoscalerOf(s.Workload)
}

// AutoscalerOf is the HorizontalPodAutoscaler of a workload of the namespace; nil if there is none.
func (s *Snapshot) AutoscalerOf(w *workload.Workload) *autoscalingv2.HorizontalPodAutoscaler {
	if w == nil {
		return nil
	}
	found := Keep(s.All.Autoscalers, func(h *autoscalingv2.HorizontalPodAutoscaler) bool {
		of := h.Spec.ScaleTargetRef
		return h.Namespace == s.Namespace && of.Kind == string(w.Kind) && of.Name == w.Object.GetName()
	})
	if len(found) == 0 {
		return nil
	}
	slices.SortFunc(found, func(a, b autoscalingv2.HorizontalPodAutoscaler) int { return cmp.Compare(a.Name, b.Name) })
	return &found[0]
}

// Budgets are the PodDisruptionBudgets of the workload's pods, by name. One without a selector is of no pod, and one with an
// empty selector of all (policy/v1, PodDisruptionBudgetSpec).
func (s *Snapshot) Budgets() []policyv1.PodDisruptionBudget {
	if s.Workload == nil {
		return nil
	}
	found := Keep(s.All.Budgets, func(b *policyv1.PodDisruptionBudget) bool {
		selector, err := metav1.LabelSelectorAsSelector(b.Spec.Selector)
		return err == nil && b.Namespace == s.Namespace && selector.Matches(labels.Set(s.Workload.Template.Labels))
	})
	slices.SortFunc(found, func(a, b policyv1.PodDisruptionBudget) int { return cmp.Compare(a.Name, b.Name) })
	return found
}

// PodsOf are those of the workload's pods that a ReplicaSet made.
func (s *Snapshot) PodsOf(rs *appsv1.ReplicaSet) []corev1.Pod {
	return Keep(s.Pods, s.madeBy(rs))
}

func (s *Snapshot) madeBy(rs *appsv1.ReplicaSet) func(*corev1.Pod) bool {
	return func(pod *corev1.Pod) bool {
		of := s.RevisionOf(pod)
		return of != nil && of.Name == rs.Name
	}
}

// Runs reports whether a ReplicaSet is of the Deployment's template as it is now (deploymentutil.FindNewReplicaSet: equal
// but for the hash).
func Runs(rs *appsv1.ReplicaSet, template *corev1.PodTemplateSpec) bool {
	a, b := rs.Spec.Template.DeepCopy(), template.DeepCopy()
	delete(a.Labels, appsv1.DefaultDeploymentUniqueLabelKey)
	delete(b.Labels, appsv1.DefaultDeploymentUniqueLabelKey)
	return equality.Semantic.DeepEqual(a, b)
}
