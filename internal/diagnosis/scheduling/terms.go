// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package scheduling

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// term is a rule about other pods: those of some labels, within a part of the cluster.
type term struct {
	selector labels.Selector
	// key of the node label whose value is the part.
	key        string
	namespaces func(string) bool
	// abroad: it means pods of other namespaces than the pod's own too.
	abroad bool
	text   string
}

// terms reads the rules of a pod. One that cannot be read selects nothing.
func (c *cluster) terms(pod *corev1.Pod, all []corev1.PodAffinityTerm) []term {
	var read []term
	for _, t := range all {
		selector, err := metav1.LabelSelectorAsSelector(withKeys(t.LabelSelector, pod, t.MatchLabelKeys, t.MismatchLabelKeys))
		if err != nil {
			selector = labels.Nothing()
		}
		abroad := t.NamespaceSelector != nil || slices.ContainsFunc(t.Namespaces, func(name string) bool { return name != pod.Namespace })
		read = append(read, term{selector, t.TopologyKey, c.namespacesOf(pod, t), abroad, fmt.Sprintf("%s within %s", selector, t.TopologyKey)})
	}
	return read
}

// withKeys adds what matchLabelKeys and mismatchLabelKeys mean. A newer API server has written it into the selector
// already, which changes nothing (KEP-3633).
func withKeys(selector *metav1.LabelSelector, pod *corev1.Pod, match, mismatch []string) *metav1.LabelSelector {
	if selector == nil {
		return nil
	}
	selector = selector.DeepCopy()
	add := func(keys []string, operator metav1.LabelSelectorOperator) {
		for _, key := range keys {
			if value, ok := pod.Labels[key]; ok {
				selector.MatchExpressions = append(selector.MatchExpressions, metav1.LabelSelectorRequirement{Key: key, Operator: operator, Values: []string{value}})
			}
		}
	}
	add(match, metav1.LabelSelectorOpIn)
	add(mismatch, metav1.LabelSelectorOpNotIn)
	return selector
}

// namespacesOf says of which namespaces a term means the pods: the pod's own unless it names others
// (PodAffinityTerm.Namespaces). A namespace whose labels were not read is not selected by them.
func (c *cluster) namespacesOf(pod *corev1.Pod, t corev1.PodAffinityTerm) func(string) bool {
	if t.NamespaceSelector == nil {
		if len(t.Namespaces) == 0 {
			return func(namespace string) bool { return namespace == pod.Namespace }
		}
		return func(namespace string) bool { return slices.Contains(t.Namespaces, namespace) }
	}
	selector, err := metav1.LabelSelectorAsSelector(t.NamespaceSelector)
	if err != nil {
		selector = labels.Nothing()
	}
	return func(namespace string) bool {
		if selector.Empty() || slices.Contains(t.Namespaces, namespace) {
			return true
		}
		return slices.ContainsFunc(c.s.All.Namespaces, func(n corev1.Namespace) bool {
			return n.Name == namespace && selector.Matches(labels.Set(n.Labels))
		})
	}
}

func (t term) means(pod *corev1.Pod) bool {
	return t.namespaces(pod.Namespace) && t.selector.Matches(labels.Set(pod.Labels))
}

// part is one part of the cluster: the nodes with one value of a label.
type part struct{ key, value string }

func (n *node) part(key string) (part, bool) {
	value, ok := n.Labels[key]
	return part{key, value}, ok
}

func affinityTerms(pod *corev1.Pod) []corev1.PodAffinityTerm {
	if pod.Spec.Affinity == nil || pod.Spec.Affinity.PodAffinity == nil {
		return nil
	}
	return pod.Spec.Affinity.PodAffinity.RequiredDuringSchedulingIgnoredDuringExecution
}

func antiAffinityTerms(pod *corev1.Pod) []corev1.PodAffinityTerm {
	if pod.Spec.Affinity == nil || pod.Spec.Affinity.PodAntiAffinity == nil {
		return nil
	}
	return pod.Spec.Affinity.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution
}

func tellTerms(terms []term) string {
	var told []string
	for _, t := range terms {
		told = append(told, t.text)
	}
	return strings.Join(told, " and ")
}
