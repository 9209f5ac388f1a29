// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

// Package cache keeps built and downloaded programs by version, outside the source
// tree, so that a second checkout does not build them again.
package cache

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/ry-ops/cortex/hack/localkube/internal/flock"
)

// Cache is a folder of entries, <component>/<version>-<key>.
type Cache struct {
	Root string
}

// Default is the user's cache: ${XDG_CACHE_HOME:-$HOME/.cache}/cortex-localkube.
func Default() (Cache, error) {
	user, err := os.UserCacheDir()
	if err != nil {
		return Cache{}, fmt.Errorf("finding the cache folder: %w", err)
	}
	return Cache{Root: filepath.Join(user, "cortex-localkube")}, nil
}

// Entry names one version of one component, made from inputs that Key stands for.
type Entry struct {
	Component string
	Version   string
	Key       string
}

func (e Entry) String() string {
	return e.Component + " " + e.Version
}

// Path is the folder of an entry, whether it exists or not.
func (c Cache) Path(entry Entry) string {
	return filepath.Join(c.Root, entry.Component, entry.Version+"-"+entry.Key)
}

// Has tells whether an entry is there. An entry is whole or absent, never half made.
func (c Cache) Has(entry Entry) bool {
	info, err := os.Stat(c.Path(entry))
	return err == nil && info.IsDir()
}

// Ensure returns the folder of an entry and calls fill where it is missing, with an
// empty folder that takes the entry's name once fill has returned without an error.
// Of several processes that ask for the same entry one fills it and the others wait;
// those call waiting first.
func (c Cache) Ensure(ctx context.Context, entry Entry, waiting func(), fill func(dir string) error) (string, error) {
	path := c.Path(entry)
	if c.Has(entry) {
		return path, nil
	}
	lock, err := flock.Acquire(ctx, path+".lock", waiting)
	if err != nil {
		return "", err
	}
	defer lock.Release()
	if c.Has(entry) {
		return path, nil
	}
	if err := replace(path, fill); err != nil {
		return "", err
	}
	return path, nil
}

// replace fills a neighbour of path and renames it to path. What an interrupted
// process left of the neighbour is removed first; the caller holds the lock.
func replace(path string, fill func(dir string) error) error {
	partial := path + ".partial"
	if err := os.RemoveAll(partial); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("removing an unfinished cache entry: %w", err)
	}
	if err := os.MkdirAll(partial, 0o755); err != nil {
		return fmt.Errorf("making a cache entry: %w", err)
	}
	if err := fill(partial); err != nil {
		return errors.Join(err, os.RemoveAll(partial))
	}
	if err := os.Rename(partial, path); err != nil {
		return fmt.Errorf("putting a cache entry in place: %w", err)
	}
	return nil
}
