// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package logs

import (
	"strings"
	"testing"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

// told is what one log must tell, and nothing else. A cause of "" is a near miss.
type told struct {
	log    string
	cause  v1alpha1.Cause
	detail string
	peer   string
	what   string
}

func TestPatterns(t *testing.T) {
	met := map[*pattern]bool{}
	for name, test := range excerpts {
		t.Run(name, func(t *testing.T) {
			for _, l := range linesOf(test.log) {
				p, _, _ := l.fit()
				met[p] = true
			}
			got := Scan("starting\n" + test.log + "\nbye")
			if test.cause == "" {
				if len(got) > 0 {
					t.Fatalf("%+v", got)
				}
				return
			}
			if len(got) != 1 {
				t.Fatalf("%d matches: %+v", len(got), got)
			}
			if m := got[0]; m.Cause != test.cause || m.Detail != test.detail || m.Peer != test.peer || m.What != test.what || m.Healed || m.Proves == "" {
				t.Errorf("%+v", m)
			}
		})
	}
	for i := range patterns {
		if p := &patterns[i]; !met[p] {
			t.Errorf("no excerpt shows %s %s, hint %q", p.cause, p.detail, p.hint)
		}
	}
}

func TestPatternsAreSound(t *testing.T) {
	for _, p := range patterns {
		if p.hint != strings.ToLower(p.hint) || p.proves == "" || p.detail == "" {
			t.Errorf("%s: hint %q, detail %q, proves %q", p.form, p.hint, p.detail, p.proves)
		}
		if p.form.MatchString("") {
			t.Errorf("%s fits everything", p.form)
		}
	}
}
