// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package image

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Runtime is a running containerd.
type Runtime struct {
	// Bin is the folder with containerd's client, ctr.
	Bin    string
	Socket string
}

// Load builds an image and gives it to the runtime. An image of the same name is
// replaced: pods that start from then on run the new one.
func (r Runtime) Load(ctx context.Context, image Image) error {
	reader, writer := io.Pipe()
	go func() { writer.CloseWithError(image.Write(writer)) }()
	err := r.importFrom(ctx, reader)
	reader.CloseWithError(err)
	return err
}

// LoadArchive gives the images of an OCI or Docker archive to the runtime.
func (r Runtime) LoadArchive(ctx context.Context, path string) error {
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("opening an image archive: %w", err)
	}
	defer file.Close()
	return r.importFrom(ctx, file)
}

func (r Runtime) importFrom(ctx context.Context, archive io.Reader) error {
	// The kubelet's images are in containerd's namespace k8s.io.
	cmd := exec.CommandContext(ctx, filepath.Join(r.Bin, "ctr"),
		"--address", r.Socket, "--namespace", "k8s.io", "images", "import", "-")
	cmd.Stdin = archive
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("importing an image: %w: %s", err, strings.TrimSpace(stderr.String()))
	}
	return nil
}
