// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package remediation_test

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/remediation"
)

// TestPlanRaiseMemoryLimit is about a container with a limit of 128Mi and a request of 64Mi.
func TestPlanRaiseMemoryLimit(t *testing.T) {
	limitRange := func(item corev1.LimitRangeItem) func(*remediation.Input) {
		return func(in *remediation.Input) {
			in.Snapshot.All.LimitRanges = []corev1.LimitRange{{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "bounds"}, Spec: corev1.LimitRangeSpec{Limits: []corev1.LimitRangeItem{item}}}}
		}
	}
	memory := func(value string) corev1.ResourceList {
		return corev1.ResourceList{corev1.ResourceMemory: resource.MustParse(value)}
	}
	server := func(in *remediation.Input) *corev1.Container {
		return &in.Snapshot.Workload.Template.Spec.Containers[1]
	}
	tests := map[string]struct {
		change func(*remediation.Input)
		// want is the limit that is set; "" if none is.
		want string
	}{
		"by half":                           {func(*remediation.Input) {}, "192Mi"},
		"by the policy's step":              {func(in *remediation.Input) { in.Policy.MemoryRaise.StepPercent = 10 }, "141Mi"},
		"up to the policy's cap":            {func(in *remediation.Input) { in.Policy.MemoryRaise.Max = resource.MustParse("150Mi") }, "150Mi"},
		"never down to the cap":             {func(in *remediation.Input) { in.Policy.MemoryRaise.Max = resource.MustParse("100Mi") }, ""},
		"not where the cap is reached":      {func(in *remediation.Input) { in.Policy.MemoryRaise.Max = resource.MustParse("128Mi") }, ""},
		"up to a container's bound":         {limitRange(corev1.LimitRangeItem{Type: corev1.LimitTypeContainer, Max: memory("160Mi")}), "160Mi"},
		"a bound that is far away":          {limitRange(corev1.LimitRangeItem{Type: corev1.LimitTypeContainer, Max: memory("1Gi")}), "192Mi"},
		"up to so many times the request":   {limitRange(corev1.LimitRangeItem{Type: corev1.LimitTypeContainer, MaxLimitRequestRatio: memory("2.5")}), "160Mi"},
		"not above what the request allows": {limitRange(corev1.LimitRangeItem{Type: corev1.LimitTypeContainer, MaxLimitRequestRatio: memory("2")}), ""},
		"up to a pod's bound, with what the others have": {func(in *remediation.Input) {
			in.Snapshot.Workload.Template.Spec.Containers[0].Resources.Limits = memory("40Mi")
			limitRange(corev1.LimitRangeItem{Type: corev1.LimitTypePod, Max: memory("200Mi")})(in)
		}, "160Mi"},
		"another's bound": {func(in *remediation.Input) {
			limitRange(corev1.LimitRangeItem{Type: corev1.LimitTypeContainer, Max: memory("128Mi")})(in)
			in.Snapshot.All.LimitRanges[0].Namespace = "other"
		}, "192Mi"},
		"bytes become whole MiB":       {func(in *remediation.Input) { server(in).Resources.Limits = memory("100M") }, "144Mi"},
		"not of one without a limit":   {func(in *remediation.Input) { server(in).Resources.Limits = nil }, ""},
		"not of one that is not there": {func(in *remediation.Input) { in.Diagnosis.Findings[0].Container = "other" }, ""},
		"not of one that nobody names": {func(in *remediation.Input) { in.Diagnosis.Findings[0].Container = "" }, ""},
		"not where the policy forbids": {func(in *remediation.Input) {
			in.Policy.Permissions[v1alpha1.ActionRaiseMemoryLimit] = v1alpha1.PermissionNever
		}, ""},
		"not a second time, though moved": {func(in *remediation.Input) {
			in.Tried = []v1alpha1.ActionResult{{Type: v1alpha1.ActionRaiseMemoryLimit, Object: v1alpha1.ObjectReference{UID: "u1"}, State: v1alpha1.ActionIneffective}}
		}, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			in := ran(t, v1alpha1.KindDeployment, v1alpha1.CauseOOMKilled, past{"v1", time.Hour, 0, 1})
			in.Diagnosis.Findings[0].Container = "server"
			test.change(&in)
			got := ""
			for _, action := range remediation.Plan(in).Actions {
				if action.Type != v1alpha1.ActionRaiseMemoryLimit {
					continue
				}
				got = action.MemoryLimit.String()
				detail := "Raised the memory limit of container server of deployment sandfly from " + server(&in).Resources.Limits.Memory().String() + " to " + got
				undo := "kubectl set resources deployment/sandfly -n " + namespace + " -c server --limits=memory=" + server(&in).Resources.Limits.Memory().String()
				if action.Detail != detail || action.Undo != undo || action.Permission != v1alpha1.PermissionApproval {
					t.Errorf("%+v", action)
				}
			}
			if got != test.want {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
}
