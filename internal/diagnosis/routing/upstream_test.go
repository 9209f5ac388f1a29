// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package routing

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
)

// TestQuotaExplainsAMissingService: where the workload of a missing Service stands and a quota lets nobody make the
// Service, the quota is told, and not the address.
func TestQuotaExplainsAMissingService(t *testing.T) {
	deployment := func(name, value string) appsv1.Deployment {
		labels := map[string]string{"app": name}
		container := corev1.Container{Name: "mcp", Env: []corev1.EnvVar{{Name: "VAULT_ADDR", Value: value}}}
		return appsv1.Deployment{
			ObjectMeta: metav1.ObjectMeta{Namespace: "cortex-system", Name: name},
			Spec:       appsv1.DeploymentSpec{Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: corev1.PodSpec{Containers: []corev1.Container{container}}}},
		}
	}
	quota := func(used string) corev1.ResourceQuota {
		return corev1.ResourceQuota{
			ObjectMeta: metav1.ObjectMeta{Namespace: "cortex-system", Name: "services"},
			Status: corev1.ResourceQuotaStatus{
				Hard: corev1.ResourceList{corev1.ResourceServices: resource.MustParse("2")},
				Used: corev1.ResourceList{corev1.ResourceServices: resource.MustParse(used)},
			},
		}
	}
	for name, test := range map[string]struct {
		address string
		quota   corev1.ResourceQuota
		want    int
	}{
		"full, and the workload stands": {"vault-mcp-server:3000", quota("2"), 0},
		"there is room":                 {"vault-mcp-server:3000", quota("1"), 1},
		"full, and nobody stands":       {"vault-mcp-serve:3000", quota("2"), 1},
	} {
		all := &snapshot.Objects{Deployments: []appsv1.Deployment{deployment("sandfly-mcp-server", test.address), deployment("vault-mcp-server", "")}, Quotas: []corev1.ResourceQuota{test.quota}}
		s := snapshot.Assemble("cortex-system", v1alpha1.TargetReference{Kind: v1alpha1.KindDeployment, Name: "sandfly-mcp-server"}, all)
		s.Now = time.Date(2026, 11, 23, 14, 5, 0, 0, time.UTC)
		if got := upstreamAddressMismatch(s); len(got) != test.want {
			t.Errorf("%s: %d findings, want %d: %v", name, len(got), test.want, got)
		}
	}
}

func TestExpanded(t *testing.T) {
	known := map[string]string{"HOST": "vault", "EMPTY": ""}
	for value, want := range map[string]string{
		"$(HOST):3000": "vault:3000", "$(UNKNOWN):3000": "$(UNKNOWN):3000", "$$(HOST)": "$(HOST)", "$(EMPTY)x": "x", "$HOST": "$HOST",
	} {
		if got := expanded(value, known); got != want {
			t.Errorf("%q: %q, want %q", value, got, want)
		}
	}
}

func TestHasWord(t *testing.T) {
	for line, want := range map[string]bool{
		"dial vault: refused": true, "http://vault:3000/x": true, "vault.cortex-system.svc": true, "vault-db refused": false, "my-vault": false, "vaults": false, "vault_db": false, "": false,
	} {
		if got := hasWord(line, "vault"); got != want {
			t.Errorf("%q: %t, want %t", line, got, want)
		}
	}
}
