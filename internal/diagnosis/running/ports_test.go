// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package running

import (
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
)

func TestPorts(t *testing.T) {
	for what, want := range map[string]int32{":3000": 3000, "('0.0.0.0', 8000)": 8000, "('0.0.0.0', 8000": 8000, "3000": 3000, "[::]:443": 443, "": 0, "x": 0, ":99999": 0} {
		if got := portIn(what); got != want {
			t.Errorf("portIn(%q) = %d, want %d", what, got, want)
		}
	}
	for value, want := range map[string]int32{"3000": 3000, ":3000": 3000, "0.0.0.0:3000": 3000, "[::]:3000": 3000, "redis:6379/0": 0, "http://x:80": 0, "": 0, "70000": 0, "three": 0} {
		if got, _ := portAtEnd(value); got != want {
			t.Errorf("portAtEnd(%q) = %d, want %d", value, got, want)
		}
	}
}

func FuzzPorts(f *testing.F) {
	for _, value := range []string{"host-cache:6379", "[::1]:80", ":99999", "0.0.0.0:3000", "a,b,c:99"} {
		f.Add(value)
	}
	s := &snapshot.Snapshot{Namespace: "cortex-system", All: &snapshot.Objects{}}
	f.Fuzz(func(t *testing.T, value string) {
		portIn(value)
		setPorts(s, corev1.Container{Env: []corev1.EnvVar{{Name: "PORT", Value: value}}, Args: []string{value}})
	})
}
