// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"

	"github.com/ry-ops/cortex/hack/localkube/internal/cache"
	"github.com/ry-ops/cortex/hack/localkube/internal/component"
	"github.com/ry-ops/cortex/hack/localkube/internal/provide"
	"github.com/ry-ops/cortex/hack/localkube/internal/release"
)

// assets prints the folder of Kubernetes programs, and makes it first where needed.
func assets(ctx context.Context, a *app, args []string) error {
	if err := noArguments("assets", args); err != nil {
		return err
	}
	provider, err := a.provider()
	if err != nil {
		return err
	}
	bin, err := provider.Bin(ctx, component.Kubernetes())
	if err != nil {
		return err
	}
	fmt.Fprintln(a.stdout, bin)
	return nil
}

// provider gets programs for the checkout that localkube runs in or was built in.
func (a *app) provider() (provide.Provider, error) {
	store, err := cache.Default()
	if err != nil {
		return provide.Provider{}, err
	}
	working, err := os.Getwd()
	if err != nil {
		return provide.Provider{}, fmt.Errorf("finding the working folder: %w", err)
	}
	executable, err := os.Executable()
	if err != nil {
		return provide.Provider{}, fmt.Errorf("finding localkube itself: %w", err)
	}
	source, err := component.FindSource(working, filepath.Dir(executable))
	if err != nil {
		return provide.Provider{}, err
	}
	return provide.Provider{
		Cache:      store,
		Source:     source,
		Progress:   a.progress,
		FromSource: a.fromSource,
		Releases:   release.Client{HTTP: http.DefaultClient},
	}, nil
}
