// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package healingrequest

import (
	"testing"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

// Only what is news is written: the brake that takes hold must be, as it is on as long as a request says so.
func TestWaitsOn(t *testing.T) {
	const (
		brake, turn, other, cooldown = v1alpha1.ReasonStormBrake, v1alpha1.ReasonConcurrencyLimited, v1alpha1.ReasonAnotherRequestActive, v1alpha1.ReasonCooldownActive
	)
	for _, test := range []struct {
		before, now string
		want        bool
	}{
		{"", brake, false}, {"", turn, false},
		{brake, brake, true}, {turn, turn, true},
		{brake, turn, true}, {turn, brake, false},
		{other, turn, false}, {other, other, false},
		{cooldown, cooldown, false}, // its time is new
	} {
		if got := waitsOn(test.before, test.now); got != test.want {
			t.Errorf("waitsOn(%q, %q) = %t, want %t", test.before, test.now, got, test.want)
		}
	}
}
