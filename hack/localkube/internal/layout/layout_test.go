// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package layout

import (
	"strings"
	"testing"
)

func TestFromEnvironment(t *testing.T) {
	for given, want := range map[string]string{"": "/var/lib/cortex-localkube", "/tmp/x/": "/tmp/x"} {
		t.Setenv("LOCALKUBE_STATE", given)
		if got, err := FromEnvironment(); err != nil || got.State != want {
			t.Errorf("%q: got %q, %v, want %q", given, got.State, err, want)
		}
	}
	t.Setenv("LOCALKUBE_STATE", "/"+strings.Repeat("x", 90))
	if _, err := FromEnvironment(); err == nil || !strings.Contains(err.Error(), "shorter") {
		t.Errorf("a path too long for sockets: got %v", err)
	}
}
