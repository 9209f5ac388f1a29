// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package flock

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestAcquireExcludes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "lock")
	held, err := Acquire(context.Background(), path, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, leave := context.WithCancel(context.Background())
	defer leave()
	waited := false
	if _, err := Acquire(ctx, path, func() { waited = true; leave() }); !errors.Is(err, context.Canceled) || !waited {
		t.Fatalf("got %v after waiting %v, want to wait until the end of the context", err, waited)
	}
	held.Release()
	again, err := Acquire(context.Background(), path, nil)
	if err != nil {
		t.Fatal(err)
	}
	again.Release()
}

func TestAcquireSeesThatTheFileWasRemoved(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	first, err := Acquire(context.Background(), path, nil)
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan error, 1)
	waiting := make(chan struct{})
	go func() {
		second, err := Acquire(context.Background(), path, func() { close(waiting) })
		if err == nil && !isAt(second.file, path) {
			err = errors.New("the lock is on a file that is gone")
		}
		got <- err
	}()
	<-waiting
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	first.Release()
	if err := <-got; err != nil {
		t.Error(err)
	}
}
