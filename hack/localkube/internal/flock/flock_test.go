// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package flock

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestAcquireExcludes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "lock")
	held, err := Acquire(context.Background(), path, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	waited := false
	if _, err := Acquire(ctx, path, func() { waited = true }); !errors.Is(err, context.DeadlineExceeded) || !waited {
		t.Fatalf("got %v after waiting %v, want to wait until the deadline", err, waited)
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
