// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package scheduling

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/ry-ops/cortex/internal/diagnosis/finding"
	"github.com/ry-ops/cortex/internal/diagnosis/words"
)

// Details of InsufficientCPU and InsufficientMemory.
const (
	// detailAllocatable: no node has as much at all, so only another request or another node helps.
	detailAllocatable = "Allocatable"
	// detailFree: other pods have it.
	detailFree = "Free"
)

func cpuTest(_ *cluster, pod *corev1.Pod) func(*node) string {
	return roomTest(pod, corev1.ResourceCPU)
}

func memoryTest(_ *cluster, pod *corev1.Pod) func(*node) string {
	return roomTest(pod, corev1.ResourceMemory)
}

// roomTest is the scheduler's NodeResourcesFit for one resource. Where not all pods were read, a node has even less free
// than it seems, so what fails fails.
func roomTest(pod *corev1.Pod, name corev1.ResourceName) func(*node) string {
	wants := requestsOf(pod)[name]
	if wants.Sign() <= 0 {
		return nil
	}
	return func(n *node) string {
		free, known := n.free(name)
		if !known || wants.Cmp(free) <= 0 {
			return ""
		}
		allocatable := n.Status.Allocatable[name]
		return fmt.Sprintf("%s of %s %s free, %s missing", amount(free, name), amount(allocatable, name), title(name), amount(minus(wants, free), name))
	}
}

func title(name corev1.ResourceName) string {
	if name == corev1.ResourceCPU {
		return "CPU"
	}
	return string(name)
}

// free is what a node can still give. It is not known of a node that has not said what it has.
func (n *node) free(name corev1.ResourceName) (resource.Quantity, bool) {
	allocatable, known := n.Status.Allocatable[name]
	return minus(allocatable, n.requested[name]), known
}

func minus(a, b resource.Quantity) resource.Quantity {
	difference := a.DeepCopy()
	difference.Sub(b)
	return difference
}

// amount tells a quantity for people: 1.5, 250m, 14.9Gi, 300Mi.
func amount(q resource.Quantity, name corev1.ResourceName) string {
	const mi, gi = 1 << 20, 1 << 30
	if name == corev1.ResourceCPU {
		if milli := q.MilliValue(); milli > -1000 && milli < 1000 && milli != 0 {
			return fmt.Sprintf("%dm", milli)
		}
		return trimZeros(fmt.Sprintf("%.2f", float64(q.MilliValue())/1000))
	}
	switch value := q.Value(); {
	case value >= gi || value <= -gi:
		return trimZeros(fmt.Sprintf("%.1f", float64(value)/gi)) + "Gi"
	case value >= mi || value <= -mi:
		return trimZeros(fmt.Sprintf("%.1f", float64(value)/mi)) + "Mi"
	default:
		return fmt.Sprint(value)
	}
}

func trimZeros(number string) string { return strings.TrimSuffix(strings.TrimRight(number, "0"), ".") }

func tellInsufficient(name corev1.ResourceName) func(*cluster, *misfit, *predicate) finding.Finding {
	return func(c *cluster, m *misfit, p *predicate) finding.Finding {
		wants := requestsOf(m.pod)[name]
		nearest, largest := m.nearest(name), m.largest(name)
		most, free := largest.Status.Allocatable[name], minus(nearest.Status.Allocatable[name], nearest.requested[name])
		object, who := owner(c.s, m.pod)
		if wants.Cmp(most) > 0 {
			f := m.finding(object, p, detailAllocatable, fmt.Sprintf("%s asks for %s %s a pod, more than any node that it can run on has: the largest, Node %s, has %s",
				who, amount(wants, name), title(name), largest.Name, amount(most, name)))
			f.Recommendation = fmt.Sprintf("Lower %s to what a node can give (Node %s: %s), or add a node with at least %s %s.",
				whatAsks(c, m, name), largest.Name, amount(most, name), amount(wants, name), title(name))
			c.orUndo(&f, m)
			return f
		}
		f := m.finding(object, p, detailFree, fmt.Sprintf("%s asks for %s %s a pod, and no node that it can run on has that free: Node %s comes nearest with %s of %s, %s missing",
			who, amount(wants, name), title(name), nearest.Name, amount(free, name), amount(nearest.Status.Allocatable[name], name), amount(minus(wants, free), name)))
		// Right after the scheduler's word.
		takers := fmt.Sprintf("the pods that ask for most on Node %s: %s", nearest.Name, c.takers(nearest, name))
		f.Evidence = slices.Insert(f.Evidence, len(m.said.evidence())+len(m.scaler), takers)
		f.Recommendation = fmt.Sprintf("Make room for %s %s on Node %s (%s), add a node, or lower %s.",
			amount(minus(wants, free), name), title(name), nearest.Name, takers, whatAsks(c, m, name))
		if !c.s.SeesAllPods() {
			f.Evidence = append(f.Evidence, "only the pods of this namespace were read; those of others take more room")
		}
		c.orUndo(&f, m)
		return f
	}
}

// nearest is the node with the most free, largest the one with the most at all, of those that the finding is about.
func (m *misfit) nearest(name corev1.ResourceName) *node {
	return slices.MaxFunc(m.nodes, func(a, b *node) int {
		freeA, _ := a.free(name)
		freeB, _ := b.free(name)
		return freeA.Cmp(freeB)
	})
}

func (m *misfit) largest(name corev1.ResourceName) *node {
	return slices.MaxFunc(m.nodes, func(a, b *node) int {
		hasA, hasB := a.Status.Allocatable[name], b.Status.Allocatable[name]
		return hasA.Cmp(hasB)
	})
}

// takers are the pods of a node that ask for most.
func (c *cluster) takers(n *node, name corev1.ResourceName) string {
	pods := slices.Clone(n.pods)
	slices.SortStableFunc(pods, func(a, b *placed) int {
		takesA, takesB := a.requests[name], b.requests[name]
		return cmp.Or(takesB.Cmp(takesA), strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Name, b.Name))
	})
	var told []string
	for _, pod := range pods[:min(len(pods), maxNamed)] {
		if takes := pod.requests[name]; takes.Sign() > 0 {
			told = append(told, fmt.Sprintf("%s %s", c.podName(pod), amount(takes, name)))
		}
	}
	if len(told) == 0 {
		return "none of those that were read"
	}
	return strings.Join(told, ", ")
}

// podName names a pod, with its namespace where that is another.
func (c *cluster) podName(p *placed) string {
	if p.Namespace == c.s.Namespace {
		return p.Name
	}
	return p.Namespace + "/" + p.Name
}

// whatAsks names the fields that make up the request, the largest first.
func whatAsks(c *cluster, m *misfit, name corev1.ResourceName) string {
	_, who := owner(c.s, m.pod)
	if r := m.pod.Spec.Resources; r != nil {
		if q, ok := r.Requests[name]; ok {
			return fmt.Sprintf("spec.resources.requests.%s (%s) of %s", name, amount(q, name), who)
		}
	}
	containers := slices.Concat(m.pod.Spec.Containers, m.pod.Spec.InitContainers)
	asks := func(c corev1.Container) resource.Quantity { return c.Resources.Requests[name] }
	containers = slices.DeleteFunc(containers, func(c corev1.Container) bool { q := asks(c); return q.Sign() <= 0 })
	slices.SortStableFunc(containers, func(a, b corev1.Container) int { q, than := asks(b), asks(a); return q.Cmp(than) })
	if len(containers) == 0 {
		return fmt.Sprintf("the request of %s", who)
	}
	told := words.Names(containers, func(c *corev1.Container) string {
		return fmt.Sprintf("of container %s (%s)", c.Name, amount(asks(*c), name))
	})
	return fmt.Sprintf("resources.requests.%s %s of %s", name, list(told), who)
}
