// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package healingrequest

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

func TestWritten(t *testing.T) {
	at := func(version string) *v1alpha1.HealingRequest {
		return &v1alpha1.HealingRequest{ObjectMeta: metav1.ObjectMeta{Namespace: "a", Name: "r", ResourceVersion: version}}
	}
	key := client.ObjectKeyFromObject(at(""))
	var w written
	ask := func(version string, want bool) {
		t.Helper()
		if got := w.ahead(key, at(version)); got != want {
			t.Errorf("ahead of version %s: %t, want %t", version, got, want)
		}
	}
	ask("9", false)
	w.note(at("10"))
	ask("9", true) // a number, and not a text
	ask("9", true)
	ask("10", false)
	w.note(at("11"))
	ask("12", false) // somebody else's write, on top of it
	if len(w.versions) != 0 {
		t.Errorf("%v is kept though the cache shows it", w.versions)
	}
	w.note(at("13"))
	w.forget(key)
	ask("12", false)
}

func TestWrittenInDoubt(t *testing.T) {
	at := func(version string, progress int, phase v1alpha1.Phase) *v1alpha1.HealingRequest {
		return &v1alpha1.HealingRequest{
			ObjectMeta: metav1.ObjectMeta{Namespace: "a", Name: "r", UID: "u", ResourceVersion: version},
			Status:     v1alpha1.HealingRequestStatus{Phase: phase, Progress: make([]v1alpha1.ProgressEntry, progress)},
		}
	}
	before, sent := at("9", 1, v1alpha1.PhaseDiagnosing), at("9", 3, v1alpha1.PhaseRemediating)
	key := client.ObjectKeyFromObject(before)
	other := at("10", 3, v1alpha1.PhaseRemediating)
	other.UID = "another"
	for name, c := range map[string]struct {
		shown *v1alpha1.HealingRequest
		made  bool
	}{
		"it was made":                       {at("10", 3, v1alpha1.PhaseRemediating), true},
		"it was made, and edited since":     {at("12", 3, v1alpha1.PhaseRemediating), true},
		"it was not made, and edited since": {at("12", 1, v1alpha1.PhaseDiagnosing), false},
		"another write was made":            {at("10", 3, v1alpha1.PhaseAwaitingApproval), false},
		"it was deleted and made anew":      {other, false},
	} {
		var w written
		w.doubt(&heal{stored: before, request: sent})
		if w.madeAfterAll(key, before) != nil {
			t.Errorf("%s: known before the cache shows it", name)
		}
		if got := w.madeAfterAll(key, c.shown); (got != nil) != c.made || got != nil && got.request != c.shown {
			t.Errorf("%s: %v, want %t", name, got, c.made)
		}
		if w.madeAfterAll(key, c.shown) != nil {
			t.Errorf("%s: told twice", name)
		}
	}
	var w written
	w.doubt(&heal{stored: before, request: sent})
	w.note(sent) // it was tried again, and answered
	if w.madeAfterAll(key, at("10", 3, v1alpha1.PhaseRemediating)) != nil {
		t.Error("in doubt though it was answered")
	}
}
