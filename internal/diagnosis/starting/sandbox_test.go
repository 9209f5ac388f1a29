// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package starting

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
)

// TestNodeShows holds that a fault of the runtime that the node itself tells is left to the checks of the nodes.
func TestNodeShows(t *testing.T) {
	now := time.Date(2026, 11, 23, 14, 5, 0, 0, time.UTC)
	node := func(ready corev1.ConditionStatus) corev1.Node {
		return corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "node-1"}, Status: corev1.NodeStatus{Conditions: []corev1.NodeCondition{{Type: corev1.NodeReady, Status: ready}}}}
	}
	event := func(message string, ago time.Duration) corev1.Event {
		return corev1.Event{
			ObjectMeta: metav1.ObjectMeta{Namespace: metav1.NamespaceDefault}, InvolvedObject: corev1.ObjectReference{Kind: snapshot.KindNode, Name: "node-1"},
			Type: corev1.EventTypeWarning, Reason: "ContainerGCFailed", Message: message, LastTimestamp: metav1.NewTime(now.Add(-ago)),
		}
	}
	const down = `rpc error: code = Unavailable desc = dial unix /run/containerd/containerd.sock: connect: no such file or directory`
	for name, test := range map[string]struct {
		objects snapshot.Objects
		want    bool
	}{
		"not read":       {snapshot.Objects{}, false},
		"ready":          {snapshot.Objects{Nodes: []corev1.Node{node(corev1.ConditionTrue)}}, false},
		"not ready":      {snapshot.Objects{Nodes: []corev1.Node{node(corev1.ConditionFalse)}}, true},
		"not heard of":   {snapshot.Objects{Nodes: []corev1.Node{node(corev1.ConditionUnknown)}}, true},
		"it says so":     {snapshot.Objects{Nodes: []corev1.Node{node(corev1.ConditionTrue)}, Events: []corev1.Event{event(down, time.Minute)}}, true},
		"it said so":     {snapshot.Objects{Nodes: []corev1.Node{node(corev1.ConditionTrue)}, Events: []corev1.Event{event(down, time.Hour)}}, false},
		"it says a word": {snapshot.Objects{Nodes: []corev1.Node{node(corev1.ConditionTrue)}, Events: []corev1.Event{event("wanted to free 1 bytes", time.Minute)}}, false},
	} {
		s := &snapshot.Snapshot{Now: now, All: &test.objects}
		if got := nodeShows(s, "node-1"); got != test.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}
