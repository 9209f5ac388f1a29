// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package nodes

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"

	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
)

// fits reports whether a pod may run on a node as far as lasting things go: labels, affinity, the place of its volumes,
// taints that somebody set. What the node's conditions add to that is left out, and so is its room.
func fits(s *snapshot.Snapshot, pod *corev1.Pod, node *corev1.Node) bool {
	if node.Spec.Unschedulable || !labels.SelectorFromSet(pod.Spec.NodeSelector).Matches(labels.Set(node.Labels)) {
		return false
	}
	if affinity := pod.Spec.Affinity; affinity != nil && affinity.NodeAffinity != nil && !matches(affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution, node) {
		return false
	}
	for _, volume := range pod.Spec.Volumes {
		if volume.PersistentVolumeClaim != nil && !reaches(s, volume.PersistentVolumeClaim.ClaimName, node) {
			return false
		}
	}
	return !slices.ContainsFunc(node.Spec.Taints, func(taint corev1.Taint) bool {
		return taint.Effect != corev1.TaintEffectPreferNoSchedule && !ofCondition(taint.Key) && !tolerated(pod, taint)
	})
}

// reaches reports whether the node can mount the volume that a claim is bound to: a local one is on one node only.
func reaches(s *snapshot.Snapshot, claim string, node *corev1.Node) bool {
	bound := s.Claim(claim)
	if bound == nil || bound.Spec.VolumeName == "" {
		return true
	}
	for i := range s.All.Volumes {
		if v := &s.All.Volumes[i]; v.Name == bound.Spec.VolumeName {
			return v.Spec.NodeAffinity == nil || matches(v.Spec.NodeAffinity.Required, node)
		}
	}
	return true
}

// matches reports whether one of the terms is true of the node. A term without any expression is true of none
// (NodeSelectorTerm).
func matches(selector *corev1.NodeSelector, node *corev1.Node) bool {
	if selector == nil {
		return true
	}
	return slices.ContainsFunc(selector.NodeSelectorTerms, func(term corev1.NodeSelectorTerm) bool {
		return len(term.MatchExpressions)+len(term.MatchFields) > 0 &&
			all(term.MatchExpressions, labels.Set(node.Labels)) &&
			all(term.MatchFields, labels.Set(fields.Set{"metadata.name": node.Name}))
	})
}

func all(wanted []corev1.NodeSelectorRequirement, of labels.Set) bool {
	for _, one := range wanted {
		requirement, err := labels.NewRequirement(one.Key, operators[one.Operator], one.Values)
		if err != nil || !requirement.Matches(of) {
			return false
		}
	}
	return true
}

var operators = map[corev1.NodeSelectorOperator]selection.Operator{
	corev1.NodeSelectorOpIn:           selection.In,
	corev1.NodeSelectorOpNotIn:        selection.NotIn,
	corev1.NodeSelectorOpExists:       selection.Exists,
	corev1.NodeSelectorOpDoesNotExist: selection.DoesNotExist,
	corev1.NodeSelectorOpGt:           selection.GreaterThan,
	corev1.NodeSelectorOpLt:           selection.LessThan,
}

// ofCondition reports whether the node controller sets the taint for a condition of the node.
func ofCondition(key string) bool {
	return slices.Contains([]string{
		corev1.TaintNodeNotReady, corev1.TaintNodeUnreachable, corev1.TaintNodeMemoryPressure, corev1.TaintNodeDiskPressure,
		corev1.TaintNodePIDPressure, corev1.TaintNodeNetworkUnavailable,
	}, key)
}

// tolerated is by hand what Toleration.ToleratesTaint does: that one logs, and a check does not.
func tolerated(pod *corev1.Pod, taint corev1.Taint) bool {
	return slices.ContainsFunc(pod.Spec.Tolerations, func(t corev1.Toleration) bool {
		if t.Effect != "" && t.Effect != taint.Effect || t.Key != "" && t.Key != taint.Key {
			return false
		}
		return t.Operator == corev1.TolerationOpExists || t.Key != "" && t.Value == taint.Value
	})
}
