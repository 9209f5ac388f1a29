// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/ry-ops/cortex/hack/localkube/internal/image"
)

// load gives an image to the cluster.
func load(ctx context.Context, a *app, args []string) error {
	request, err := parseLoad(args)
	if err != nil {
		return err
	}
	c, err := a.cluster()
	if err != nil {
		return err
	}
	runtime, err := c.Runtime()
	if err != nil {
		return err
	}
	if request.archive != "" {
		if err := runtime.LoadArchive(ctx, request.archive); err != nil {
			return err
		}
		fmt.Fprintln(a.stdout, request.archive)
		return nil
	}
	if err := runtime.Load(ctx, request.image); err != nil {
		return err
	}
	fmt.Fprintln(a.stdout, request.image.Name)
	return nil
}

// loadRequest is an archive to load or an image to build.
type loadRequest struct {
	archive string
	image   image.Image
}

// parseLoad reads the arguments of load. Flags may come before and after the name.
func parseLoad(args []string) (loadRequest, error) {
	built := image.Image{}
	entrypoint := ""
	flags := newFlags("load")
	flags.Func("binary", "", func(value string) error {
		source, dest, _ := strings.Cut(value, ":")
		if dest == "" {
			dest = "/" + filepath.Base(source)
		}
		return add(&built, source, dest, 0o755)
	})
	flags.Func("file", "", func(value string) error {
		source, dest, ok := strings.Cut(value, ":")
		if !ok {
			return errors.New("write it as PATH:DEST")
		}
		return add(&built, source, dest, 0o644)
	})
	flags.StringVar(&entrypoint, "entrypoint", "", "")
	flags.StringVar(&built.User, "user", image.NonRoot, "")

	var names []string
	for rest := args; ; rest = flags.Args()[1:] {
		if err := flags.Parse(rest); err != nil {
			return loadRequest{}, fmt.Errorf("%w; %w", err, errUsage)
		}
		if flags.NArg() == 0 {
			break
		}
		names = append(names, flags.Arg(0))
	}
	if len(names) != 1 {
		return loadRequest{}, fmt.Errorf("load takes one archive or image name, and got %d; %w", len(names), errUsage)
	}
	return finishLoad(names[0], built, entrypoint)
}

// finishLoad decides between the two forms of load.
func finishLoad(name string, built image.Image, entrypoint string) (loadRequest, error) {
	if len(built.Files) == 0 {
		if _, err := os.Stat(name); err != nil {
			return loadRequest{}, fmt.Errorf("there is no archive %s; to build an image of that name, say what is in it with --binary; %w", name, errUsage)
		}
		return loadRequest{archive: name}, nil
	}
	normal, err := image.Normalize(name)
	if err != nil {
		return loadRequest{}, fmt.Errorf("%w; %w", err, errUsage)
	}
	built.Name = normal
	if entrypoint == "" {
		entrypoint = firstBinary(built)
	}
	if entrypoint == "" {
		return loadRequest{}, fmt.Errorf("load needs a --binary or an --entrypoint; %w", errUsage)
	}
	built.Entrypoint = []string{entrypoint}
	return loadRequest{image: built}, nil
}

func firstBinary(built image.Image) string {
	for _, file := range built.Files {
		if file.Mode&0o111 != 0 {
			return file.Dest
		}
	}
	return ""
}

func add(built *image.Image, source, dest string, mode int64) error {
	if source == "" || !path.IsAbs(dest) {
		return fmt.Errorf("%q must name a file and %q an absolute path", source, dest)
	}
	built.Files = append(built.Files, image.File{Source: source, Dest: dest, Mode: mode})
	return nil
}
