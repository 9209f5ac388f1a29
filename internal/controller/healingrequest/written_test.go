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
