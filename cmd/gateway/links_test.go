// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// What the gateway links is most of what it takes while idle. Client-go's clientset, and with it the client and the cache of
// controller-runtime, bring every kind of Kubernetes (docs/adr/0034).
func TestTheGatewayLinksTheKindsThatItUses(t *testing.T) {
	used := []string{"k8s.io/api/authentication/v1", "k8s.io/api/authorization/v1", "k8s.io/api/core/v1", "k8s.io/api/discovery/v1"}
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	var linked []string
	for _, path := range strings.Fields(string(out)) {
		if strings.HasPrefix(path, "k8s.io/api/") {
			linked = append(linked, path)
		}
	}
	slices.Sort(linked)
	if !slices.Equal(linked, used) {
		t.Errorf("links %d groups of kinds: %v", len(linked), linked)
	}
}
