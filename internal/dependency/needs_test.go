// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package dependency

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
)

func TestDeclared(t *testing.T) {
	for value, want := range map[string][]string{
		"":                         nil,
		"postgres":                 {"postgres"},
		" postgres , redis,,":      {"postgres", "redis"},
		"redis,postgres,redis":     {"redis", "postgres"},
		"sandfly-mcp-server,redis": {"redis"},
	} {
		service := &corev1.Service{}
		service.Name = "sandfly-mcp-server"
		service.Annotations = map[string]string{v1alpha1.AnnotationDependsOn: value}
		if diff := cmp.Diff(want, Declared(service)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", value, diff)
		}
	}
	if got := Declared(nil); got != nil {
		t.Errorf("no Service declares %v", got)
	}
}

func TestNeeds(t *testing.T) {
	s := world()
	s.Service.Annotations = map[string]string{v1alpha1.AnnotationDependsOn: "inventory-db, not-there"}
	s.Pods = []corev1.Pod{{Spec: corev1.PodSpec{
		InitContainers: []corev1.Container{{Args: []string{"until nc -z inventory-db 5432; do sleep 1; done"}}},
		Containers:     []corev1.Container{{Env: []corev1.EnvVar{{Name: "REDIS_ADDR", Value: "host-cache:6379"}}}},
	}}}
	want := []Need{
		{"inventory-db", "annotation healing.cortex.dev/depends-on"},
		{"not-there", "annotation healing.cortex.dev/depends-on"},
		{"host-cache", "env REDIS_ADDR"},
	}
	if diff := cmp.Diff(want, Needs(s)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Whoever can write into a log could otherwise have any Service healed.
func TestWhatOnlyALogNamesIsNoNeed(t *testing.T) {
	s := world()
	s.Pods = []corev1.Pod{{Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "server"}}}}}
	s.Pods[0].Name = "p"
	s.Logs = map[snapshot.ContainerKey]snapshot.ContainerLog{{Pod: "p", Container: "server"}: {Current: "dial tcp: host-cache:6379: connection refused"}}
	if got := Needs(s); len(got) > 0 {
		t.Errorf("needs %v", got)
	}
}
