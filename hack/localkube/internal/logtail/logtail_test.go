// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package logtail

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestOf(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	for content, want := range map[string]string{
		"":                                      "",
		"one\n":                                 "one",
		"one\ntwo\nthree":                       "two\nthree",
		strings.Repeat("x\n", 100000) + "end\n": "x\nend",
	} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := Of(path, 2); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if got := Of(path+"-missing", 2); !strings.Contains(got, "no log") {
		t.Errorf("a missing log: got %q", got)
	}
}
