// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package foreign

import (
	"strings"
	"testing"

	"github.com/ry-ops/cortex/internal/foreign/canary"
)

func TestABlockKeepsItsLinesAndItsBound(t *testing.T) {
	for _, tc := range []struct {
		text, want string
		whole      bool
	}{
		{"a\n  b\x1b[31mred\u200b", "a\n  bred", true},
		{strings.Repeat("x", 64), strings.Repeat("x", 64), true},
		{strings.Repeat("x", 65), strings.Repeat("x", 64), false},
		{strings.Repeat("ä", 40), strings.Repeat("ä", 32), false},
		{strings.Repeat("x y ", 1<<20), strings.Repeat("x y ", 16), false},
	} {
		if got, whole := Block(tc.text, 64); got != tc.want || whole != tc.whole {
			t.Errorf("%.40q: %q, %v", tc.text, got, whole)
		}
	}
}

// A secret that lies across one of the cuts shows no half of itself.
func TestABlockShowsNoHalfSecret(t *testing.T) {
	const limit = 256
	// What is hidden makes the text shorter, and brings what is far behind into view.
	hidden := "token=" + canary.Noise("long", "abcdefghijkmnpqrstuvwxyz23456789", edge) + "\n"
	for name, secret := range canary.All() {
		for _, end := range []int{limit, limit + edge} {
			for before := 0; before < len(secret.Text); before += 7 {
				for _, lead := range []string{"", hidden} {
					filler := strings.Repeat("a line\n", end)[:max(0, end-before-len(lead))]
					text := lead + filler + "\n" + secret.Text + "\n" + strings.Repeat("a line\n", 1000)
					if got, _ := Block(text, limit); secret.Left(got, 10) != "" || len(got) > limit {
						t.Fatalf("%s, cut behind %d: %q in %d bytes", name, before, secret.Left(got, 10), len(got))
					}
				}
			}
		}
	}
}
