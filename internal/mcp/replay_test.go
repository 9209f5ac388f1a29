// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package mcp

import (
	"testing"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

func TestReplayRule(t *testing.T) {
	read, idempotent, neither := Hints{ReadOnly: true}, Hints{Idempotent: true}, Hints{}
	for name, tc := range map[string]struct {
		class  v1alpha1.ErrorClass
		sent   bool
		hints  Hints
		replay bool
		reason string
	}{
		"refused":                      {v1alpha1.ErrorConnectionRefused, false, neither, true, "the call did not reach the server"},
		"no such name":                 {v1alpha1.ErrorDNS, false, neither, true, "the call did not reach the server"},
		"the session is gone":          {v1alpha1.ErrorSessionLost, false, neither, true, "the call did not reach the server"},
		"503 before the body":          {v1alpha1.ErrorUnavailable, false, neither, true, "the call did not reach the server"},
		"timeout of a read":            {v1alpha1.ErrorTimeout, true, read, true, "the tool only reads"},
		"timeout of an idempotent":     {v1alpha1.ErrorTimeout, true, idempotent, true, "the tool may be called twice without harm"},
		"timeout of anything else":     {v1alpha1.ErrorTimeout, true, neither, false, "the call may have run, and the tool is marked neither read-only nor idempotent"},
		"500 of anything else":         {v1alpha1.ErrorUnavailable, true, neither, false, "the call may have run, and the tool is marked neither read-only nor idempotent"},
		"a broken answer":              {v1alpha1.ErrorProtocol, true, neither, false, "the call may have run, and the tool is marked neither read-only nor idempotent"},
		"the tool's own error":         {v1alpha1.ErrorToolError, true, read, false, "the tool itself answered with an error"},
		"cancelled, though never sent": {v1alpha1.ErrorCanceled, false, read, false, "the caller gave up"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Replay(tc.class, tc.sent, tc.hints); got != (Verdict{tc.replay, tc.reason}) {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestOnlyFaultsOfTheInfrastructureHeal(t *testing.T) {
	for class, want := range map[v1alpha1.ErrorClass]bool{
		v1alpha1.ErrorConnectionRefused: true, v1alpha1.ErrorTimeout: true, v1alpha1.ErrorDNS: true, v1alpha1.ErrorUnavailable: true,
		v1alpha1.ErrorSessionLost: true, v1alpha1.ErrorProtocol: true, v1alpha1.ErrorToolError: false, v1alpha1.ErrorCanceled: false, "": false,
	} {
		if Heals(class) != want {
			t.Errorf("%s: %v", class, !want)
		}
	}
}
