// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

// Package provide gets the programs of a component: from the cache, from where they
// are released, or from source.
package provide

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/ry-ops/cortex/hack/localkube/internal/cache"
	"github.com/ry-ops/cortex/hack/localkube/internal/component"
	"github.com/ry-ops/cortex/hack/localkube/internal/gobuild"
	"github.com/ry-ops/cortex/hack/localkube/internal/progress"
	"github.com/ry-ops/cortex/hack/localkube/internal/release"
)

// Provider provides components.
type Provider struct {
	Cache    cache.Cache
	Source   component.Source
	Progress *progress.Reporter
	// FromSource builds everything, even what could be downloaded.
	FromSource bool
	Releases   release.Client
}

// Bin returns the folder with the programs of a component. What is in the cache is
// used as it is: nothing outside is asked for it.
func (p Provider) Bin(ctx context.Context, c component.Component) (string, error) {
	version, err := p.Source.VersionOf(c)
	if err != nil {
		return "", err
	}
	build := gobuild.Build{Dir: p.Source.Folder(c), Packages: c.Packages, Tags: c.Tags}
	if c.LDFlags != nil {
		build.LDFlags = c.LDFlags(version)
	}
	built, err := builtEntry(ctx, c, version, build)
	if err != nil {
		return "", err
	}
	if c.Released != nil && !p.FromSource && !p.Cache.Has(built) {
		if dir, ok := p.released(ctx, c, version); ok {
			return filepath.Join(dir, "bin"), nil
		}
	}
	dir, err := p.build(ctx, c, built, build)
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "bin"), nil
}

// build returns an entry that is built from source, and builds it where it is missing.
func (p Provider) build(ctx context.Context, c component.Component, entry cache.Entry, build gobuild.Build) (string, error) {
	return p.Cache.Ensure(ctx, entry, p.waiting(entry), func(dir string) error {
		step := p.Progress.Start("building %s from source (%s)", entry, c.Takes)
		err := build.Run(ctx, filepath.Join(dir, "bin"), func(packages int) {
			step.Note("%d packages", packages)
		})
		if err == nil {
			err = link(filepath.Join(dir, "bin"), c)
		}
		if err != nil {
			step.Failed()
			return err
		}
		step.Done()
		return nil
	})
}

// released returns the entry of a component's released programs, if it is cached or
// can be downloaded. A release that can not be had is no error: then it is built.
func (p Provider) released(ctx context.Context, c component.Component, version string) (string, bool) {
	entry := releasedEntry(c, version)
	if p.Cache.Has(entry) {
		return p.Cache.Path(entry), true
	}
	downloads := c.Released(p.Source.Versions(c))
	if len(downloads) == 0 || !p.Releases.Reachable(ctx, downloads) {
		return "", false
	}
	dir, err := p.Cache.Ensure(ctx, entry, p.waiting(entry), func(dir string) error {
		step := p.Progress.Start("downloading %s", entry)
		if err := p.Releases.Fetch(ctx, downloads, filepath.Join(dir, "bin"), step.Note); err != nil {
			step.Failed()
			return err
		}
		step.Done()
		return nil
	})
	if err != nil {
		p.Progress.Say("%v; building from source instead", err)
		return "", false
	}
	return dir, true
}

// releasedEntry is the cache entry of released programs.
func releasedEntry(c component.Component, version string) cache.Entry {
	return cache.Entry{Component: c.Name, Version: version, Key: "released-" + runtime.GOOS + "-" + runtime.GOARCH}
}

func (p Provider) waiting(entry cache.Entry) func() {
	return func() { p.Progress.Say("waiting for another localkube that is making %s", entry) }
}

// builtEntry is the cache entry of a build: its key covers the module's files, the
// flags and the compiler.
func builtEntry(ctx context.Context, c component.Component, version string, build gobuild.Build) (cache.Entry, error) {
	compiler, err := exec.CommandContext(ctx, "go", "env", "GOVERSION", "GOOS", "GOARCH").Output()
	if err != nil {
		return cache.Entry{}, fmt.Errorf("asking the go command for its version: %w", err)
	}
	words := append(build.Args(), build.Packages...)
	words = append(words, strings.Fields(string(compiler))...)
	words = append(words, c.Links...)
	key, err := cache.Key(build.Dir, words...)
	if err != nil {
		return cache.Entry{}, err
	}
	return cache.Entry{Component: c.Name, Version: version, Key: key}, nil
}

// link gives a multi-call program its names.
func link(bin string, c component.Component) error {
	for _, name := range c.Links {
		if err := os.Symlink(c.Program, filepath.Join(bin, name)); err != nil {
			return fmt.Errorf("linking %s: %w", name, err)
		}
	}
	return nil
}
