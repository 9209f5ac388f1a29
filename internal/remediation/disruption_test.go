// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package remediation

import (
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ry-ops/cortex/internal/workload"
)

func TestTakesAll(t *testing.T) {
	rolling := func(unavailable, surge string) appsv1.DeploymentStrategy {
		return appsv1.DeploymentStrategy{RollingUpdate: &appsv1.RollingUpdateDeployment{MaxUnavailable: ptr.To(intstr.Parse(unavailable)), MaxSurge: ptr.To(intstr.Parse(surge))}}
	}
	for name, test := range map[string]struct {
		strategy appsv1.DeploymentStrategy
		replicas int32
		want     bool
	}{
		"defaults, of one":          {appsv1.DeploymentStrategy{}, 1, false},
		"defaults, of four":         {appsv1.DeploymentStrategy{}, 4, false},
		"all of them":               {rolling("100%", "25%"), 4, true},
		"most of them":              {rolling("75%", "25%"), 4, false},
		"as many as there are":      {rolling("2", "1"), 2, true},
		"one without a surge":       {rolling("0", "0"), 1, true},
		"of two, one after another": {rolling("0", "0"), 2, false},
	} {
		in := newWorld(test.replicas, func(w *world) { w.deployment.Spec.Strategy = test.strategy })
		if got := takesAll(in.Snapshot.Workload); got != test.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

func TestTakesAllOfOtherKinds(t *testing.T) {
	two := ptr.To[int32](2)
	all := ptr.To(intstr.FromString("100%"))
	for name, test := range map[string]struct {
		object client.Object
		want   bool
	}{
		"a StatefulSet":            {&appsv1.StatefulSet{Spec: appsv1.StatefulSetSpec{Replicas: two}}, false},
		"a StatefulSet of one":     {&appsv1.StatefulSet{}, true},
		"a StatefulSet, all":       {&appsv1.StatefulSet{Spec: appsv1.StatefulSetSpec{Replicas: two, UpdateStrategy: appsv1.StatefulSetUpdateStrategy{RollingUpdate: &appsv1.RollingUpdateStatefulSetStrategy{MaxUnavailable: all}}}}, true},
		"a StatefulSet, on delete": {&appsv1.StatefulSet{Spec: appsv1.StatefulSetSpec{UpdateStrategy: appsv1.StatefulSetUpdateStrategy{Type: appsv1.OnDeleteStatefulSetStrategyType}}}, false},
		"a DaemonSet":              {&appsv1.DaemonSet{Status: appsv1.DaemonSetStatus{DesiredNumberScheduled: 3}}, false},
		"a DaemonSet, all":         {&appsv1.DaemonSet{Spec: appsv1.DaemonSetSpec{UpdateStrategy: appsv1.DaemonSetUpdateStrategy{RollingUpdate: &appsv1.RollingUpdateDaemonSet{MaxUnavailable: all}}}, Status: appsv1.DaemonSetStatus{DesiredNumberScheduled: 3}}, true},
		"a DaemonSet, on delete":   {&appsv1.DaemonSet{Spec: appsv1.DaemonSetSpec{UpdateStrategy: appsv1.DaemonSetUpdateStrategy{Type: appsv1.OnDeleteDaemonSetStrategyType}}}, false},
	} {
		w, _ := workload.From(test.object)
		if got := takesAll(w); got != test.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}
