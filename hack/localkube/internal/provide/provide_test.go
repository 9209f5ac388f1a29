// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package provide

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/ry-ops/cortex/hack/localkube/internal/cache"
	"github.com/ry-ops/cortex/hack/localkube/internal/component"
	"github.com/ry-ops/cortex/hack/localkube/internal/progress"
	"github.com/ry-ops/cortex/hack/localkube/internal/release"
)

// example is a provider of one small component, and how often its releases were asked for.
func example(t *testing.T) (Provider, component.Component, *int) {
	t.Helper()
	source, asked := t.TempDir(), 0
	for name, content := range map[string]string{
		"go.mod": "module example.com/small\n\ngo 1.26\n", "main.go": "package main\n\nfunc main() {}\n",
	} {
		path := filepath.Join(source, "small", name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	silent, err := os.Create(filepath.Join(t.TempDir(), "progress"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { silent.Close() })
	small := component.Component{
		Name: "small", Version: "v1", Packages: []string{"."}, Program: "small", Links: []string{"other"},
		Released: func(component.Versions) []component.Download {
			asked++
			return []component.Download{{Name: "small", URL: "http://127.0.0.1:1/x", Checksum: "http://127.0.0.1:1/x"}}
		},
	}
	return Provider{
		Cache:    cache.Cache{Root: t.TempDir()},
		Source:   component.Source{Dir: source},
		Progress: progress.New(silent),
		Releases: release.Client{HTTP: http.DefaultClient},
	}, small, &asked
}

func TestBinBuildsWhereNothingIsReleased(t *testing.T) {
	provider, small, asked := example(t)
	for range 2 {
		bin, err := provider.Bin(context.Background(), small)
		if err != nil {
			t.Fatal(err)
		}
		if target, err := os.Readlink(filepath.Join(bin, "other")); err != nil || target != "small" {
			t.Errorf("other links to %q, %v", target, err)
		}
	}
	if *asked != 1 {
		t.Errorf("asked for releases %d times, want once: the second time it was cached", *asked)
	}
}

func TestBinFromSourceAsksForNoRelease(t *testing.T) {
	provider, small, asked := example(t)
	provider.FromSource = true
	if err := os.MkdirAll(provider.Cache.Path(releasedEntry(small, "v1")), 0o755); err != nil {
		t.Fatal(err)
	}
	bin, err := provider.Bin(context.Background(), small)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(bin, "small")); err != nil || *asked != 0 {
		t.Errorf("%v, asked %d times; want a build and no question", err, *asked)
	}
}

func TestBinPrefersACachedRelease(t *testing.T) {
	provider, small, asked := example(t)
	released := provider.Cache.Path(releasedEntry(small, "v1"))
	if err := os.MkdirAll(released, 0o755); err != nil {
		t.Fatal(err)
	}
	bin, err := provider.Bin(context.Background(), small)
	if err != nil || bin != filepath.Join(released, "bin") || *asked != 0 {
		t.Errorf("got %s, %v, asked %d times", bin, err, *asked)
	}
}
