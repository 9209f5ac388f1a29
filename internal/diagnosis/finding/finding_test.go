// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package finding

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

func TestWhole(t *testing.T) {
	long := make([]byte, maxPatch+1)
	for command, want := range map[string]string{"kubectl x": "kubectl x", "kubectl \u202ex": "", string(long): ""} {
		if got := whole(command); got != want {
			t.Errorf("%q: %q", command, got)
		}
	}
}

// TestBounded puts foreign text of every bad kind where checks put foreign text.
func TestBounded(t *testing.T) {
	bad := strings.Repeat("password=hunter2 \u202e\U000e0041\x1b[31m\n", 500)
	f := New("X", v1alpha1.ObjectReference{Kind: "Pod", Name: bad}, v1alpha1.Certain, bad)
	f.Recommendation, f.SuggestedPatch = bad, bad
	for range 20 {
		f.Evidence = append(f.Evidence, "", bad)
	}
	shown := Bounded(slices.Repeat([]Finding{f}, 20))
	if len(shown) != maxFindings || len(shown[0].Evidence) != maxEvidenceItems {
		t.Errorf("%d findings with %d items", len(shown), len(shown[0].Evidence))
	}
	if text := fmt.Sprint(shown); strings.Contains(text, "hunter2") {
		t.Errorf("the secret is shown: %.200s", text)
	}
}
