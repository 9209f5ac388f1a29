// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package starting

import "testing"

func TestLikeName(t *testing.T) {
	for _, test := range []struct {
		image, other string
		same, like   bool
	}{
		{"localhost:5001/sandfly:1", "localhost:5001/sandfly:2", true, true},
		{"localhost:5001/sandfly", "localhost:5001/sandfly@sha256:00", true, true},
		{"localhost:5001/sandfly-mcp:1", "localhost:5001/sanfly-mcp:1", false, true},
		{"registri.example/team/sandfly:1", "registry.example/team/sandfly:1", false, true},
		{"localhost:5001/proxmox-mcp-server:1", "localhost:5001/sandfly-mcp-server:1", false, false},
		{"sandfly:1", "library/sandfly:1", false, false},
	} {
		if got := likeName(test.image, test.other, true); got != test.same {
			t.Errorf("%s and %s have the same name: %t", test.image, test.other, got)
		}
		if got := likeName(test.image, test.other, false); got != test.like {
			t.Errorf("%s and %s have like names: %t", test.image, test.other, got)
		}
	}
}
