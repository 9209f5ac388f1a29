// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package scheduling

import (
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

func podOf(change func(*corev1.Pod)) *corev1.Pod {
	pod := &corev1.Pod{}
	pod.Namespace, pod.Name = "cortex-system", "sandfly-mcp-server-0"
	if change != nil {
		change(pod)
	}
	return pod
}

// TestCauseOfWord holds which of the scheduler's reasons is taken where nothing proves one.
func TestCauseOfWord(t *testing.T) {
	const none = v1alpha1.Cause("")
	for said, want := range map[string]v1alpha1.Cause{
		"0/4 nodes are available: 1 node(s) were unschedulable, 3 Insufficient cpu.":                                                                                               v1alpha1.CauseInsufficientCPU,
		"0/4 nodes are available: 1 Insufficient cpu, 3 Insufficient memory.":                                                                                                      v1alpha1.CauseInsufficientMemory,
		"0/4 nodes are available: 4 node(s) were unschedulable.":                                                                                                                   v1alpha1.CauseNodeCordoned,
		"0/4 nodes are available: 1 node(s) were unschedulable, 3 node(s) didn't match Pod's node affinity/selector.":                                                              v1alpha1.CauseNodeSelectorMismatch,
		"0/4 nodes are available: 1 node(s) were unschedulable, 1 node(s) had untolerated taint {compute: high-performance}, 2 node(s) didn't match Pod's node affinity/selector.": v1alpha1.CauseTaintNotTolerated,
		"0/4 nodes are available: 1 node(s) had untolerated taint {node-role.kubernetes.io/control-plane: }, 3 node(s) didn't match pod anti-affinity rules.":                      v1alpha1.CausePodAntiAffinityConflict,
		"0/1 nodes are available: 1 node(s) had untolerated taint {node-role.kubernetes.io/control-plane: }.":                                                                      v1alpha1.CauseTaintNotTolerated,
		"0/3 nodes are available: 3 node(s) didn't match pod topology spread constraints (missing required label).":                                                                v1alpha1.CausePodAntiAffinityConflict,
		"0/3 nodes are available: 1 node(s) had untolerated taint {node.kubernetes.io/not-ready: }, 2 Insufficient cpu.":                                                           none,
		"0/3 nodes are available: 1 node(s) didn't have free ports for the requested pod ports, 2 Insufficient cpu.":                                                               none,
		"0/3 nodes are available: 3 Insufficient nvidia.com/gpu.":                                                                                                                  none,
		"0/3 nodes are available: pod has unbound immediate PersistentVolumeClaims. preemption: 0/3 nodes are available: 3 Insufficient cpu.":                                      none,
		"waiting for scheduling gates: [x]": none,
		"":                                  none,
	} {
		if m, _ := causeOfWord(parseWord(said), podOf(nil)); m.cause != want {
			t.Errorf("%s: %q, want %q", said, m.cause, want)
		}
	}
}
