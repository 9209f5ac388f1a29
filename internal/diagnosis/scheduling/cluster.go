// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package scheduling

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/component-helpers/resource"

	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
)

// cluster is what a pod is to be put on: the nodes, and what they hold.
type cluster struct {
	s *snapshot.Snapshot
	// nodes by name.
	nodes []*node
	// placed are the pods that have a node and take room there, by namespace and name.
	placed []*placed
	byName map[string]*node
}

type node struct {
	*corev1.Node
	pods []*placed
	// requested is the sum of the requests of its pods.
	requested corev1.ResourceList
}

type placed struct {
	*corev1.Pod
	on       *node
	requests corev1.ResourceList
}

// newCluster puts the pods of all namespaces on their nodes, as the scheduler's own cache does: a pod takes room until it
// is gone or has ended. Those that the caller leaves out are not there.
func newCluster(s *snapshot.Snapshot, without func(*corev1.Pod) bool) *cluster {
	c := &cluster{s: s, byName: map[string]*node{}}
	for i := range s.All.Nodes {
		n := &node{Node: &s.All.Nodes[i], requested: corev1.ResourceList{}}
		c.nodes, c.byName[n.Name] = append(c.nodes, n), n
	}
	slices.SortFunc(c.nodes, func(a, b *node) int { return strings.Compare(a.Name, b.Name) })
	for i := range s.All.Pods {
		pod := &s.All.Pods[i]
		on := c.byName[pod.Spec.NodeName]
		if on == nil || without(pod) || pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed {
			continue
		}
		p := &placed{pod, on, requestsOf(pod)}
		on.pods, c.placed = append(on.pods, p), append(c.placed, p)
		for name, quantity := range p.requests {
			sum := on.requested[name]
			sum.Add(quantity)
			on.requested[name] = sum
		}
	}
	slices.SortFunc(c.placed, func(a, b *placed) int {
		return cmp.Or(strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Name, b.Name))
	})
	return c
}

func nobody(*corev1.Pod) bool { return false }

// leaving tells pods that are on their way out in due time: what they hold is free in a moment, as in every rollout that
// stops pods first. A deletionTimestamp is when the grace period ends.
func leaving(s *snapshot.Snapshot) func(*corev1.Pod) bool {
	const kubeletSlack = 15 * time.Second
	return func(pod *corev1.Pod) bool {
		return pod.DeletionTimestamp != nil && s.Now.Before(pod.DeletionTimestamp.Add(kubeletSlack))
	}
}

// requestsOf is what a pod asks of its node: the containers, the largest init container, sidecars, overhead, or what the
// pod as a whole asks for (KEP-2837), as the scheduler counts it.
func requestsOf(pod *corev1.Pod) corev1.ResourceList {
	return resource.PodRequests(pod, resource.PodResourcesOptions{UseStatusResources: true})
}

// cordoned reports whether a node takes no new pods, by the will of a person.
func (n *node) cordoned() bool { return n.Spec.Unschedulable }

// controlPlane reports whether the node carries the control plane. That such a node takes no pods is how clusters are set
// up, and says nothing.
func (n *node) controlPlane() bool {
	for _, key := range []string{"node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master"} {
		if _, ok := n.Labels[key]; ok || slices.ContainsFunc(n.Spec.Taints, func(t corev1.Taint) bool { return t.Key == key }) {
			return true
		}
	}
	return false
}

func nodeNames(nodes []*node) []string {
	var names []string
	for _, n := range nodes {
		names = append(names, n.Name)
	}
	return names
}

// sorted are the keys of a map in order.
func sorted[K cmp.Ordered, T any](m map[K]T) []K { return slices.Sorted(maps.Keys(m)) }
