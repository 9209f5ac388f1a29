// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

// Package flock holds locks between processes, as files locked with flock(2): the
// kernel releases them when their holder dies, however it dies.
package flock

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// retryEvery is how often a lock held elsewhere is tried again. flock(2) can block
// instead, but not until a context ends.
const retryEvery = 100 * time.Millisecond

// Lock is a lock that is held.
type Lock struct {
	file *os.File
}

// Acquire takes the lock at path and creates its folder and file where missing. Where
// another process holds it, waiting is called once and Acquire tries until ctx ends.
func Acquire(ctx context.Context, path string, waiting func()) (*Lock, error) {
	for first := true; ; first = false {
		lock, err := try(path)
		if err != nil {
			return nil, fmt.Errorf("locking %s: %w", path, err)
		}
		if lock != nil {
			return lock, nil
		}
		if first && waiting != nil {
			waiting()
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("waiting for the lock %s: %w", path, ctx.Err())
		case <-time.After(retryEvery):
		}
	}
}

// try takes the lock at path; it returns nil without an error where that must be
// tried again.
func try(path string) (*Lock, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if errors.Is(err, fs.ErrNotExist) { // the folder was removed in between
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil && isAt(file, path) {
		return &Lock{file: file}, nil
	}
	file.Close()
	if err == nil || errors.Is(err, syscall.EWOULDBLOCK) || errors.Is(err, syscall.EINTR) {
		return nil, nil
	}
	return nil, err
}

// isAt tells whether file is still what path names: a holder may have removed it
// before it let go, and a lock on a removed file excludes nobody.
func isAt(file *os.File, path string) bool {
	held, err := file.Stat()
	if err != nil {
		return false
	}
	named, err := os.Stat(path)
	return err == nil && os.SameFile(held, named)
}

// Release lets go of the lock. Its file stays. Closing lets go even where it reports an error.
func (l *Lock) Release() {
	_ = l.file.Close()
}
