// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package nodes

import (
	"cmp"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
)

// carrier is a node and what of the target depends on it. A node that carries nothing of the target is of no interest.
type carrier struct {
	name string
	// node is nil where Nodes were not read.
	node *corev1.Node
	// holds are the target's pods on the node.
	holds []*corev1.Pod
	// leaving are those that are on their way out, where the target lacks pods: a node that does not answer holds them
	// fast, and a StatefulSet waits for them.
	leaving []*corev1.Pod
	// evicted are those that the kubelet has thrown out.
	evicted []*corev1.Pod
	// awaits are pods that no node has taken, and for which only this node, or ones as bad, would do.
	awaits []*corev1.Pod
	// calls are pods on the node that call the target.
	calls []*corev1.Pod
	// faulty is an answer that is kept (isFaulty).
	faulty *bool
}

// carriers are the nodes that count for the target, by name.
func carriers(s *snapshot.Snapshot) []*carrier {
	found := map[string]*carrier{}
	on := func(name string) *carrier {
		if found[name] == nil {
			found[name] = &carrier{name: name, node: s.Node(name)}
		}
		return found[name]
	}
	short := lacksPods(s)
	for i := range s.Pods {
		pod := &s.Pods[i]
		switch name := pod.Spec.NodeName; {
		case pod.Status.Phase == corev1.PodFailed && pod.Status.Reason == "Evicted" && name != "":
			on(name).evicted = append(on(name).evicted, pod)
		case snapshot.IsLive(pod) && name != "":
			on(name).holds = append(on(name).holds, pod)
		case snapshot.IsLive(pod):
			for _, node := range mustTake(s, pod) {
				on(node.Name).awaits = append(on(node.Name).awaits, pod)
			}
		case pod.DeletionTimestamp != nil && name != "" && short:
			on(name).leaving = append(on(name).leaving, pod)
		}
	}
	all := make([]*carrier, 0, len(found))
	for _, c := range found {
		for _, pods := range [][]*corev1.Pod{c.holds, c.leaving, c.evicted, c.awaits} {
			slices.SortFunc(pods, snapshot.ByName)
		}
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b *carrier) int { return cmp.Compare(a.name, b.name) })
	return all
}

// carries reports whether the node holds, or would have to take, a pod of the target. Evicted ones are gone.
func (c *carrier) carries() bool { return len(c.holds)+len(c.leaving)+len(c.awaits) > 0 }

// unwell are the pods that it holds and that are not ready.
func (c *carrier) unwell() []*corev1.Pod {
	return slices.DeleteFunc(slices.Clone(c.holds), snapshot.IsReady)
}

func (c *carrier) reference() v1alpha1.ObjectReference {
	if c.node == nil {
		return v1alpha1.ObjectReference{Kind: snapshot.KindNode, Name: c.name}
	}
	return snapshot.Reference(snapshot.KindNode, c.node)
}

// lacksPods reports whether the workload has fewer ready pods than it wants.
func lacksPods(s *snapshot.Snapshot) bool {
	return s.Workload != nil && int64(s.ReadyPods()) < int64(s.Workload.Replicas)
}

// mustTake are the nodes that a pod which no node has taken may run on, if all of them are bad: then they are why. If a
// good one is among them it is the scheduler who knows why not that one.
func mustTake(s *snapshot.Snapshot, pod *corev1.Pod) []*corev1.Node {
	if pod.Status.Phase != corev1.PodPending || !s.Complete(snapshot.KindNode) {
		return nil
	}
	var fitting []*corev1.Node
	for i := range s.All.Nodes {
		node := &s.All.Nodes[i]
		if node.Name == "" || !fits(s, pod, node) {
			continue
		}
		if !bad(s, node) {
			return nil
		}
		fitting = append(fitting, node)
	}
	return fitting
}

// bad reports whether the node's own conditions keep new pods away (taintNodeByCondition, kubernetes
// pkg/controller/nodelifecycle).
func bad(s *snapshot.Snapshot, node *corev1.Node) bool {
	if stateOf(s, node) != nil {
		return true
	}
	return slices.ContainsFunc(node.Status.Conditions, func(c corev1.NodeCondition) bool {
		return c.Status == corev1.ConditionTrue && (pressures[c.Type].detail != "" || c.Type == corev1.NodeNetworkUnavailable)
	})
}
