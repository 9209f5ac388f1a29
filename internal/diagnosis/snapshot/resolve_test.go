// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package snapshot

import (
	"fmt"
	"slices"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/workload"
)

// setsWithPods are StatefulSets whose pods one Service selects: so many live and leaving ones each.
func setsWithPods(sets map[string]struct{ live, leaving int }) *Objects {
	o := &Objects{}
	labels := map[string]string{"app": "mcp"}
	for name, pods := range sets {
		set := appsv1.StatefulSet{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: appsv1.StatefulSetSpec{Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}}}}
		o.StatefulSets = append(o.StatefulSets, set)
		for i := range pods.live + pods.leaving {
			pod := corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("%s-%d", name, i), Labels: labels}}
			pod.OwnerReferences = []metav1.OwnerReference{*metav1.NewControllerRef(&set, appsv1.SchemeGroupVersion.WithKind("StatefulSet"))}
			if i >= pods.live {
				pod.DeletionTimestamp = &metav1.Time{Time: testNow}
			}
			o.Pods = append(o.Pods, pod)
		}
	}
	return o
}

func TestWorkloadBehind(t *testing.T) {
	service := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: "mcp"}, Spec: corev1.ServiceSpec{Selector: map[string]string{"app": "mcp"}}}
	type pods = struct{ live, leaving int }
	for name, test := range map[string]struct {
		sets map[string]pods
		want string
	}{
		"the owner of most":             {map[string]pods{"a": {1, 0}, "b": {2, 0}, "c": {1, 0}}, "b"},
		"the name of the Service":       {map[string]pods{"a": {3, 0}, "mcp": {1, 0}}, "mcp"},
		"live pods before leaving ones": {map[string]pods{"a": {0, 3}, "b": {1, 0}}, "b"},
		"leaving pods before none":      {map[string]pods{"a": {0, 0}, "b": {0, 1}}, "b"},
		"no pods: the name":             {map[string]pods{"a": {0, 0}, "mcp": {0, 0}}, "mcp"},
		"no pods: the only one":         {map[string]pods{"a": {0, 0}}, "a"},
	} {
		t.Run(name, func(t *testing.T) {
			o := setsWithPods(test.sets)
			if got := workloadBehind(service, (&Snapshot{All: o}).podsOfNamespace(), o.workloads("")); got == nil || got.Object.GetName() != test.want {
				t.Errorf("%v, want %s", got, test.want)
			}
		})
	}
	// An old and a new colour, both at zero: only a person knows which one should run.
	o := setsWithPods(map[string]pods{"b": {0, 0}, "a": {0, 0}})
	if got := workloadBehind(service, (&Snapshot{All: o}).podsOfNamespace(), o.workloads("")); got != nil {
		t.Errorf("%v, want none", got)
	}
	if got := workloadBehind(nil, nil, nil); got != nil {
		t.Errorf("no Service leads to %s", got)
	}
}

func TestReadyEndpointsCountsAPodOnce(t *testing.T) {
	endpoint := func(pod, address string) discoveryv1.Endpoint {
		return discoveryv1.Endpoint{Addresses: []string{address}, TargetRef: &corev1.ObjectReference{Kind: "Pod", Name: pod}}
	}
	s := &Snapshot{EndpointSlices: []discoveryv1.EndpointSlice{
		{ObjectMeta: metav1.ObjectMeta{Name: "ipv4"}, Endpoints: []discoveryv1.Endpoint{endpoint("a", "10.0.0.1"), endpoint("b", "10.0.0.2")}},
		{ObjectMeta: metav1.ObjectMeta{Name: "ipv6"}, Endpoints: []discoveryv1.Endpoint{endpoint("a", "fd00::1"), endpoint("b", "fd00::2"), {Addresses: []string{"fd00::3"}}}},
	}}
	if got := s.ReadyEndpoints(); got != 3 {
		t.Errorf("%d endpoints, want the pods a and b and one address", got)
	}
}

func TestIsNewestOfAStatefulSet(t *testing.T) {
	set := &appsv1.StatefulSet{Status: appsv1.StatefulSetStatus{UpdateRevision: "web-2"}}
	w, _ := workload.From(set)
	s := &Snapshot{Workload: w}
	for hash, want := range map[string]bool{"web-2": true, "web-1": false} {
		pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{appsv1.ControllerRevisionHashLabelKey: hash}}}
		if s.IsNewest(pod) != want {
			t.Errorf("a pod of %s is newest: %t", hash, !want)
		}
	}
	set.Status.UpdateRevision = ""
	if !s.IsNewest(&corev1.Pod{}) {
		t.Error("where the newest revision is not known, every pod is of it")
	}
}

func TestServiceWithoutASelectorSelectsNothing(t *testing.T) {
	for name, service := range map[string]*corev1.Service{
		"nil":          nil,
		"no selector":  {},
		"ExternalName": {Spec: corev1.ServiceSpec{Type: corev1.ServiceTypeExternalName, Selector: map[string]string{"app": "x"}}},
	} {
		if Selects(service, map[string]string{"app": "x"}) {
			t.Errorf("%s selects", name)
		}
	}
	if s := (&Snapshot{Target: v1alpha1.TargetReference{Kind: v1alpha1.KindService, Name: "x"}}); s.Culprit().Name != "x" {
		t.Errorf("culprit %+v", s.Culprit())
	}
}

func TestTargets(t *testing.T) {
	labels := map[string]string{"app": "mcp"}
	deployment := func(name string, replicas int32, labels map[string]string) appsv1.Deployment {
		return appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: appsv1.DeploymentSpec{
			Replicas: &replicas, Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}},
		}}
	}
	o := &Objects{
		Services: []corev1.Service{{ObjectMeta: metav1.ObjectMeta{Name: "mcp"}, Spec: corev1.ServiceSpec{Selector: labels}}},
		Deployments: []appsv1.Deployment{
			deployment("mcp", 2, labels), deployment("mcp-canary", 1, labels), deployment("mcp-idle", 0, labels), deployment("worker", 1, nil),
		},
	}
	var got []string
	for _, target := range o.Targets("") {
		got = append(got, string(target.Kind)+" "+target.Name)
	}
	if want := []string{"Service mcp", "Deployment mcp-canary", "Deployment worker"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
