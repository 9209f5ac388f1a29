// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

// Package cgroup makes and removes a cgroup in every hierarchy of the machine,
// whether it mounts cgroup v1, v2 or both.
package cgroup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// retryEvery is how often the removal of a cgroup is tried again: the kernel refuses
// while a process that was killed is not gone yet.
const retryEvery = 20 * time.Millisecond

// Hierarchies are the folders that cgroup hierarchies are mounted at.
func Hierarchies() ([]string, error) {
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, fmt.Errorf("listing mounts: %w", err)
	}
	return parseHierarchies(string(mounts)), nil
}

// parseHierarchies reads mountinfo, see proc_pid_mountinfo(5): the fifth field is the
// mount point, and the first after the dash is the type.
func parseHierarchies(mounts string) []string {
	var found []string
	for line := range strings.Lines(mounts) {
		before, after, ok := strings.Cut(line, " - ")
		fields, kind := strings.Fields(before), strings.Fields(after)
		if !ok || len(fields) < 5 || len(kind) == 0 {
			continue
		}
		isCgroup := kind[0] == "cgroup" || kind[0] == "cgroup2"
		if isCgroup && !slices.Contains(found, fields[4]) {
			found = append(found, fields[4])
		}
	}
	return found
}

// Create makes the cgroup name in every hierarchy.
func Create(name string) error {
	hierarchies, err := Hierarchies()
	if err != nil {
		return err
	}
	for _, hierarchy := range hierarchies {
		dir := filepath.Join(hierarchy, name)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return fmt.Errorf("making a cgroup: %w", err)
		}
		if err := inherit(hierarchy, dir); err != nil {
			return err
		}
	}
	return nil
}

// inherit gives a new cgroup what it needs of its parent: in v1 a cpuset is empty and
// takes no process; in v2 the parent says which controllers its children have.
func inherit(parent, child string) error {
	for _, name := range []string{"cpuset.cpus", "cpuset.mems"} {
		content, err := os.ReadFile(filepath.Join(parent, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return fmt.Errorf("reading %s: %w", name, err)
		}
		if err := os.WriteFile(filepath.Join(child, name), content, 0o644); err != nil {
			return fmt.Errorf("setting %s: %w", name, err)
		}
	}
	controllers, err := os.ReadFile(filepath.Join(parent, "cgroup.controllers"))
	if err != nil || len(bytes.TrimSpace(controllers)) == 0 {
		return nil // v1, or a v2 without controllers
	}
	for _, controller := range strings.Fields(string(controllers)) {
		// Some are refused while real-time processes run; the kubelet names those
		// it cannot do without.
		_ = os.WriteFile(filepath.Join(parent, "cgroup.subtree_control"), []byte("+"+controller), 0o644)
	}
	return nil
}

// Remove removes the cgroup name and all below it in every hierarchy, and tries until
// ctx ends: its processes may still be about to end.
func Remove(ctx context.Context, name string) error {
	for {
		err := removeOnce(name)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("removing cgroups: %w", err)
		case <-time.After(retryEvery):
		}
	}
}

func removeOnce(name string) error {
	remaining, err := Find(name)
	if err != nil {
		return err
	}
	for _, dir := range remaining {
		if err := removeTree(dir); err != nil {
			return err
		}
	}
	return nil
}

// Find lists the folders of the cgroup name in all hierarchies.
func Find(name string) ([]string, error) {
	hierarchies, err := Hierarchies()
	if err != nil {
		return nil, err
	}
	var found []string
	for _, hierarchy := range hierarchies {
		dir := filepath.Join(hierarchy, name)
		if _, err := os.Stat(dir); err == nil {
			found = append(found, dir)
		}
	}
	return found, nil
}

// removeTree removes a cgroup and those below it. Only rmdir works on cgroups: what
// looks like files in them cannot be removed.
func removeTree(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if entry.IsDir() {
			if err := removeTree(filepath.Join(dir, entry.Name())); err != nil {
				return err
			}
		}
	}
	if err := os.Remove(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
