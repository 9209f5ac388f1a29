// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package nodes

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
)

func TestFits(t *testing.T) {
	required := func(terms ...corev1.NodeSelectorTerm) corev1.PodSpec {
		return corev1.PodSpec{Affinity: &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{RequiredDuringSchedulingIgnoredDuringExecution: &corev1.NodeSelector{NodeSelectorTerms: terms}}}}
	}
	label := func(key string, operator corev1.NodeSelectorOperator, values ...string) corev1.NodeSelectorTerm {
		return corev1.NodeSelectorTerm{MatchExpressions: []corev1.NodeSelectorRequirement{{Key: key, Operator: operator, Values: values}}}
	}
	named := func(name string) corev1.NodeSelectorTerm {
		return corev1.NodeSelectorTerm{MatchFields: []corev1.NodeSelectorRequirement{{Key: "metadata.name", Operator: corev1.NodeSelectorOpIn, Values: []string{name}}}}
	}
	tolerates := func(t ...corev1.Toleration) corev1.PodSpec { return corev1.PodSpec{Tolerations: t} }
	taint := func(key, value string, effect corev1.TaintEffect) corev1.NodeSpec {
		return corev1.NodeSpec{Taints: []corev1.Taint{{Key: key, Value: value, Effect: effect}}}
	}
	gpu := taint("gpu", "yes", corev1.TaintEffectNoSchedule)
	for name, test := range map[string]struct {
		pod  corev1.PodSpec
		node corev1.NodeSpec
		want bool
	}{
		"asks for nothing":               {want: true},
		"cordoned":                       {node: corev1.NodeSpec{Unschedulable: true}},
		"selector":                       {pod: corev1.PodSpec{NodeSelector: map[string]string{"disk": "fast"}}, want: true},
		"another selector":               {pod: corev1.PodSpec{NodeSelector: map[string]string{"disk": "slow"}}},
		"affinity in":                    {pod: required(label("disk", corev1.NodeSelectorOpIn, "slow", "fast")), want: true},
		"affinity not in":                {pod: required(label("disk", corev1.NodeSelectorOpNotIn, "fast"))},
		"affinity of the second term":    {pod: required(label("zone", corev1.NodeSelectorOpExists), label("cores", corev1.NodeSelectorOpGt, "4")), want: true},
		"affinity less than":             {pod: required(label("cores", corev1.NodeSelectorOpLt, "4"))},
		"affinity without values":        {pod: required(label("disk", corev1.NodeSelectorOpIn))},
		"affinity of an unknown kind":    {pod: required(label("disk", "Like", "f%"))},
		"affinity of an empty term":      {pod: required(corev1.NodeSelectorTerm{})},
		"affinity of no term":            {pod: required()},
		"affinity by name":               {pod: required(named("node-1")), want: true},
		"affinity by another name":       {pod: required(named("node-2"))},
		"taint":                          {node: gpu},
		"taint preferred":                {node: taint("gpu", "yes", corev1.TaintEffectPreferNoSchedule), want: true},
		"taint of a condition":           {node: taint(corev1.TaintNodeNotReady, "", corev1.TaintEffectNoSchedule), want: true},
		"taint tolerated":                {pod: tolerates(corev1.Toleration{Key: "gpu", Value: "yes"}), node: gpu, want: true},
		"taint tolerated whatever value": {pod: tolerates(corev1.Toleration{Key: "gpu", Operator: corev1.TolerationOpExists}), node: gpu, want: true},
		"everything tolerated":           {pod: tolerates(corev1.Toleration{Operator: corev1.TolerationOpExists}), node: gpu, want: true},
		"taint of another value":         {pod: tolerates(corev1.Toleration{Key: "gpu", Value: "no"}), node: gpu},
		"taint of another effect":        {pod: tolerates(corev1.Toleration{Key: "gpu", Value: "yes", Effect: corev1.TaintEffectNoExecute}), node: gpu},
		"an empty toleration":            {pod: tolerates(corev1.Toleration{}), node: gpu},
	} {
		t.Run(name, func(t *testing.T) {
			node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "node-1", Labels: map[string]string{"disk": "fast", "cores": "8"}}, Spec: test.node}
			if got := fits(&snapshot.Snapshot{All: &snapshot.Objects{}}, &corev1.Pod{Spec: test.pod}, node); got != test.want {
				t.Errorf("%t", got)
			}
		})
	}
}
