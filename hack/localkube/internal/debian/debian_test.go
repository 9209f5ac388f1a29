// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package debian

import (
	"os/exec"
	"slices"
	"testing"
)

func TestMissing(t *testing.T) {
	lookup := func(program string) (string, error) {
		if program == "ip" {
			return "/sbin/ip", nil
		}
		return "", &exec.Error{Name: program, Err: exec.ErrNotFound}
	}
	got := missing([]need{{"ip", "iproute2"}, {"runc", "runc"}}, lookup)
	if !slices.Equal(got, []string{"runc"}) {
		t.Errorf("got %q, want runc only", got)
	}
}
