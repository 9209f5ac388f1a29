// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package ownership_test

import (
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/ry-ops/cortex/internal/ownership"
	"github.com/ry-ops/cortex/internal/workload"
)

func hpa(name string, change func(*autoscalingv2.HorizontalPodAutoscaler)) *autoscalingv2.HorizontalPodAutoscaler {
	h := &autoscalingv2.HorizontalPodAutoscaler{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: autoscalingv2.HorizontalPodAutoscalerSpec{MaxReplicas: 5}}
	if change != nil {
		change(h)
	}
	return h
}

func TestScalerOf(t *testing.T) {
	byKEDA := wrote("keda", 1, replicas)
	byKEDA.Subresource = "scale"
	for name, test := range map[string]struct {
		object     *metav1.ObjectMeta
		autoscaler *autoscalingv2.HorizontalPodAutoscaler
		want       string
		leavesZero bool
	}{
		"nobody":                       {sandfly(nil, nil), nil, "", false},
		"an HPA":                       {sandfly(nil, nil), hpa("sandfly", nil), "HorizontalPodAutoscaler sandfly", true},
		"an HPA that may go to 0":      {sandfly(nil, nil), hpa("sandfly", func(h *autoscalingv2.HorizontalPodAutoscaler) { h.Spec.MinReplicas = ptr.To[int32](0) }), "HorizontalPodAutoscaler sandfly", false},
		"KEDA by the label of its HPA": {sandfly(nil, nil), hpa("any", func(h *autoscalingv2.HorizontalPodAutoscaler) { h.Labels = set{"scaledobject.keda.sh/name": "queue"} }), "KEDA ScaledObject queue", false},
		"KEDA by the owner of its HPA": {sandfly(nil, nil), hpa("any", func(h *autoscalingv2.HorizontalPodAutoscaler) {
			h.OwnerReferences = []metav1.OwnerReference{{Kind: "ScaledObject", Name: "queue"}}
		}), "KEDA ScaledObject queue", false},
		"KEDA by the name of its HPA":      {sandfly(nil, nil), hpa("keda-hpa-queue", nil), "KEDA ScaledObject queue", false},
		"KEDA by a label of the workload":  {sandfly(set{"scaledobject.keda.sh/name": "queue"}, nil), nil, "KEDA ScaledObject queue", false},
		"KEDA by what it wrote":            {sandfly(nil, nil, byKEDA), nil, "KEDA ScaledObject", false},
		"somebody of the name, not scaled": {sandfly(nil, nil, wrote("keda", 1, replicas)), nil, "", false},
		"kube-downscaler":                  {sandfly(nil, set{"downscaler/original-replicas": "3"}), nil, "kube-downscaler", false},
	} {
		t.Run(name, func(t *testing.T) {
			w, _ := workload.From(&appsv1.Deployment{ObjectMeta: *test.object, Spec: appsv1.DeploymentSpec{Replicas: ptr.To[int32](0)}})
			scaler, ok := ownership.ScalerOf(w, test.autoscaler)
			if ok != (test.want != "") || scaler.String() != test.want || scaler.LeavesZero() != test.leavesZero {
				t.Errorf("%q %t, leaves 0: %t", scaler, ok, scaler.LeavesZero())
			}
		})
	}
}

func TestScalerTellsTheHPA(t *testing.T) {
	w, _ := workload.From(&appsv1.Deployment{})
	scaler, _ := ownership.ScalerOf(w, hpa("sandfly", func(h *autoscalingv2.HorizontalPodAutoscaler) {
		h.Spec.MinReplicas, h.Status.DesiredReplicas = ptr.To[int32](2), 4
		h.Status.Conditions = []autoscalingv2.HorizontalPodAutoscalerCondition{{Type: autoscalingv2.ScalingActive, Status: corev1.ConditionFalse, Reason: "ScalingDisabled"}}
	}))
	if scaler.Min != 2 || scaler.Max != 5 || scaler.Wants != 4 || !scaler.Disabled {
		t.Errorf("%+v", scaler)
	}
	if _, ok := ownership.ScalerOf(nil, nil); ok {
		t.Error("no workload is scaled")
	}
	daemons, _ := workload.From(&appsv1.DaemonSet{})
	if _, ok := ownership.ScalerOf(daemons, hpa("sandfly", nil)); ok {
		t.Error("a DaemonSet is scaled")
	}
}
