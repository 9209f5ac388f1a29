// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package nodes

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
)

// TestEvictedPodsDoNotCount: what a node has thrown out does not depend on it any more.
func TestEvictedPodsDoNotCount(t *testing.T) {
	away := corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "node-1"}, Status: corev1.NodeStatus{Conditions: []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionUnknown}}}}
	pod := corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "a"}, Spec: corev1.PodSpec{NodeName: "node-1"}, Status: corev1.PodStatus{Phase: corev1.PodRunning}}
	s := &snapshot.Snapshot{Pods: []corev1.Pod{pod}, All: &snapshot.Objects{Nodes: []corev1.Node{away}}}
	if got := kubeletUnavailable(s); len(got) != 1 {
		t.Errorf("a pod on the node: %d findings", len(got))
	}
	s.Pods[0].Status = corev1.PodStatus{Phase: corev1.PodFailed, Reason: "Evicted"}
	if got := kubeletUnavailable(s); len(got) != 0 {
		t.Errorf("an evicted pod alone: %+v", got)
	}
}
