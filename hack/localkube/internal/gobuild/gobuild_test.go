// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package gobuild

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestFollowCountsPackages(t *testing.T) {
	const output = "go: downloading example.com/m v1.0.0\nfmt\nexample.com/m/a\n# example.com/m/b\nb.go:1:2: undefined: x\n"
	last := 0
	kept := follow(strings.NewReader(output), func(packages int) { last = packages })
	if last != 2 {
		t.Errorf("counted %d packages, want 2", last)
	}
	if len(kept) != 3 || kept[2] != "b.go:1:2: undefined: x" {
		t.Errorf("kept %q", kept)
	}
}

func TestFollowKeepsTheLastLinesOnly(t *testing.T) {
	kept := follow(strings.NewReader(strings.Repeat("some message\n", 100)+"the end of it\n"), nil)
	if len(kept) != keptLines || kept[keptLines-1] != "the end of it" {
		t.Errorf("kept %d lines, the last is %q", len(kept), kept[len(kept)-1])
	}
}

func TestRunBuildsStaticPrograms(t *testing.T) {
	source, dest := t.TempDir(), filepath.Join(t.TempDir(), "bin")
	write(t, source, "go.mod", "module example.com/hello\n\ngo 1.26\n")
	write(t, source, "main.go", "package main\n\nvar said string\n\nfunc main() { print(said) }\n")
	build := Build{Dir: source, Packages: []string{"."}, LDFlags: []string{"-X main.said=hi"}}
	if err := build.Run(context.Background(), dest, func(int) {}); err != nil {
		t.Fatal(err)
	}
	output, err := exec.Command(filepath.Join(dest, "hello")).CombinedOutput()
	if err != nil || string(output) != "hi" {
		t.Errorf("got %q, %v", output, err)
	}
	write(t, source, "main.go", "package main\n\nfunc main() { missing() }\n")
	if err := build.Run(context.Background(), dest, func(int) {}); err == nil || !strings.Contains(err.Error(), "undefined: missing") {
		t.Errorf("got %v, want the compiler's message", err)
	}
}

func write(t *testing.T, dir, name, content string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}
