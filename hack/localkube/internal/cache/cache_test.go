// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package cache

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
)

func TestEnsureFillsOnce(t *testing.T) {
	store := Cache{Root: t.TempDir()}
	entry := Entry{Component: "c", Version: "v1", Key: "k"}
	var fills atomic.Int32
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			dir, err := store.Ensure(context.Background(), entry, nil, func(dir string) error {
				fills.Add(1)
				return os.WriteFile(filepath.Join(dir, "program"), []byte("x"), 0o755)
			})
			if err != nil {
				t.Errorf("Ensure: %v", err)
			}
			if _, err := os.Stat(filepath.Join(dir, "program")); err != nil {
				t.Errorf("the entry is not whole: %v", err)
			}
		})
	}
	all.Wait()
	if fills.Load() != 1 {
		t.Errorf("filled %d times, want once", fills.Load())
	}
}

func TestEnsureLeavesNothingHalfMade(t *testing.T) {
	store := Cache{Root: t.TempDir()}
	entry := Entry{Component: "c", Version: "v1", Key: "k"}
	broken := errors.New("no space left")
	_, err := store.Ensure(context.Background(), entry, nil, func(dir string) error {
		return errors.Join(os.WriteFile(filepath.Join(dir, "half"), nil, 0o644), broken)
	})
	if !errors.Is(err, broken) || store.Has(entry) {
		t.Fatalf("err %v, has %v; want the error and no entry", err, store.Has(entry))
	}
	// What a process that was killed left is no part of the next entry.
	if err := os.MkdirAll(store.Path(entry)+".partial/half", 0o755); err != nil {
		t.Fatal(err)
	}
	dir, err := store.Ensure(context.Background(), entry, nil, func(string) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("the entry holds %v (%v), want nothing", left, err)
	}
}

func TestKeyCoversItsInputs(t *testing.T) {
	folder := func(files map[string]string) string {
		dir := t.TempDir()
		for name, content := range files {
			path := filepath.Join(dir, name)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		return dir
	}
	same := map[string]string{"go.mod": "module m", "main.go": "package main"}
	key := func(dir string, words ...string) string {
		got, err := Key(dir, words...)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	base := key(folder(same), "-s", "go1.26")
	if again := key(folder(same), "-s", "go1.26"); again != base {
		t.Errorf("the same input gives %s and %s", base, again)
	}
	for name, other := range map[string]string{
		"content": key(folder(map[string]string{"go.mod": "module n", "main.go": "package main"}), "-s", "go1.26"),
		"name":    key(folder(map[string]string{"go.mod": "module m", "mine.go": "package main"}), "-s", "go1.26"),
		"flag":    key(folder(same), "-w", "go1.26"),
		"split":   key(folder(same), "-sgo1.26"),
	} {
		if other == base {
			t.Errorf("another %s gives the same key", name)
		}
	}
}
