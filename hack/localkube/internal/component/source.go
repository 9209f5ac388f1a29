// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package component

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"golang.org/x/mod/modfile"
)

// arch is what everything is built for: the machine itself.
const arch = runtime.GOARCH

// Source is the folder build/ of this module, which holds a Go module for each
// component.
type Source struct {
	Dir string
}

// FindSource looks for the folder upward of each of the given folders, as
// hack/localkube/build of a checkout or as build of the module itself.
func FindSource(from ...string) (Source, error) {
	for _, start := range from {
		for dir := start; ; dir = filepath.Dir(dir) {
			for _, sub := range []string{"hack/localkube/build", "build"} {
				candidate := filepath.Join(dir, sub)
				if _, err := os.Stat(filepath.Join(candidate, "kubernetes", "go.mod")); err == nil {
					return Source{Dir: candidate}, nil
				}
			}
			if dir == filepath.Dir(dir) {
				break
			}
		}
	}
	return Source{}, errors.New("finding hack/localkube/build: run localkube from within a checkout of Cortex")
}

// Folder is where a component is built.
func (s Source) Folder(c Component) string {
	return filepath.Join(s.Dir, c.Name)
}

// VersionOf is the version of a component.
func (s Source) VersionOf(c Component) (string, error) {
	if c.Module == "" {
		return c.Version, nil
	}
	return s.Versions(c)(c.Module)
}

// Versions looks modules up in a component's go.mod, the one place where versions are
// written down.
func (s Source) Versions(c Component) Versions {
	return func(module string) (string, error) {
		path := filepath.Join(s.Folder(c), "go.mod")
		content, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("reading %s: not a component", path)
		}
		if err != nil {
			return "", fmt.Errorf("reading a component's go.mod: %w", err)
		}
		file, err := modfile.ParseLax(path, content, nil)
		if err != nil {
			return "", fmt.Errorf("parsing %s: %w", path, err)
		}
		for _, require := range file.Require {
			if require.Mod.Path == module {
				return require.Mod.Version, nil
			}
		}
		return "", fmt.Errorf("finding the version of %s: %s does not require it", module, path)
	}
}
