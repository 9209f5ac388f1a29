// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package image

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

func TestNormalize(t *testing.T) {
	for given, want := range map[string]string{
		"server":                     "docker.io/library/server:latest",
		"server:dev":                 "docker.io/library/server:dev",
		"cortex/operator:dev":        "docker.io/cortex/operator:dev",
		"docker.io/cortex/x:1":       "docker.io/cortex/x:1",
		"localhost:5000/a/b:1":       "localhost:5000/a/b:1",
		"registry.example/a/b/c:1.2": "registry.example/a/b/c:1.2",
	} {
		got, err := Normalize(given)
		if err != nil || got != want {
			t.Errorf("%s: got %s, %v, want %s", given, got, err, want)
		}
	}
	for _, bad := range []string{"", "UPPER", "a b", "x:", "x@sha256:00", "a;rm -rf"} {
		if got, err := Normalize(bad); err == nil {
			t.Errorf("%q: got %s, want an error", bad, got)
		}
	}
}

func example(t *testing.T) Image {
	t.Helper()
	program := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(program, []byte("binary"), 0o600); err != nil {
		t.Fatal(err)
	}
	return Image{
		Name:       "docker.io/library/x:dev",
		Files:      []File{{Source: program, Dest: "/opt/bin/../server", Mode: 0o755}},
		Entrypoint: []string{"/opt/server"},
		User:       NonRoot,
	}
}

func TestImageHoldsItsFiles(t *testing.T) {
	built, err := example(t).build()
	if err != nil {
		t.Fatal(err)
	}
	layers, err := built.Layers()
	if err != nil || len(layers) != 1 {
		t.Fatalf("%d layers, %v; want one", len(layers), err)
	}
	content, err := layers[0].Uncompressed()
	if err != nil {
		t.Fatal(err)
	}
	modes := map[string]int64{}
	for entries := tar.NewReader(content); ; {
		header, err := entries.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if !header.ModTime.IsZero() && header.ModTime.Unix() != 0 {
			t.Errorf("%s has a time: %s", header.Name, header.ModTime)
		}
		modes[header.Name] = header.Mode
	}
	for name, mode := range map[string]int64{"tmp/": 0o1777, "etc/": 0o755, "etc/passwd": 0o644, "opt/": 0o755, "opt/server": 0o755} {
		if modes[name] != mode {
			t.Errorf("%s has mode %o, want %o", name, modes[name], mode)
		}
	}
}

func TestWriteIsReproducibleAndReadable(t *testing.T) {
	image := example(t)
	var first, second bytes.Buffer
	if err := errors.Join(image.Write(&first), image.Write(&second)); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Error("the same image was written in two ways")
	}
	read, err := tarball.Image(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(first.Bytes())), nil }, nil)
	if err != nil {
		t.Fatal(err)
	}
	config, err := read.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if config.Config.User != NonRoot || config.OS != "linux" || config.Config.Entrypoint[0] != "/opt/server" {
		t.Errorf("got %+v", config)
	}
}

func TestWriteNamesTheMissingFile(t *testing.T) {
	image := Image{Name: "x:1", Files: []File{{Source: "/does/not/exist", Dest: "/x"}}}
	if err := image.Write(io.Discard); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}
