// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

// Package image wraps static programs into container images, with neither a container
// engine nor a registry.
package image

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"os"
	"path"
	"runtime"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// NonRoot is the user and group that distroless images call nonroot.
const NonRoot = "65532:65532"

// File is a file of the host and its place in the image.
type File struct {
	Source string
	Dest   string
	Mode   int64
}

// Image says what is in an image.
type Image struct {
	// Name is a name and tag as the runtime knows them; see Normalize.
	Name       string
	Files      []File
	Entrypoint []string
	User       string
}

// Normalize writes a name as container runtimes do: with its registry, "library" for
// a short name on Docker Hub, and a tag.
func Normalize(image string) (string, error) {
	tag, err := name.NewTag(image)
	if err != nil {
		return "", fmt.Errorf("reading the image name %q: %w", image, err)
	}
	registry := tag.RegistryStr()
	if registry == name.DefaultRegistry {
		registry = "docker.io" // the name that runtimes give index.docker.io
	}
	return registry + "/" + tag.RepositoryStr() + ":" + tag.TagStr(), nil
}

// Write writes the image as an archive that a runtime can import. The same input
// gives the same bytes: there are no times in it.
func (i Image) Write(to io.Writer) error {
	built, err := i.build()
	if err != nil {
		return err
	}
	tag, err := name.NewTag(i.Name)
	if err != nil {
		return fmt.Errorf("reading the image name %q: %w", i.Name, err)
	}
	if err := tarball.Write(tag, built, to); err != nil {
		return fmt.Errorf("writing the image %s: %w", i.Name, err)
	}
	return nil
}

func (i Image) build() (v1.Image, error) {
	content, err := i.layer()
	if err != nil {
		return nil, err
	}
	// Not compressed: it travels no further than to the runtime on this machine.
	layer := static.NewLayer(content, types.DockerUncompressedLayer)
	built, err := mutate.AppendLayers(empty.Image, layer)
	if err != nil {
		return nil, fmt.Errorf("adding a layer to %s: %w", i.Name, err)
	}
	file, err := built.ConfigFile()
	if err != nil {
		return nil, fmt.Errorf("reading the configuration of %s: %w", i.Name, err)
	}
	file = file.DeepCopy()
	file.OS, file.Architecture = "linux", runtime.GOARCH
	file.Config = v1.Config{
		Entrypoint: i.Entrypoint,
		User:       i.User,
		WorkingDir: "/",
		Env:        []string{"PATH=/usr/local/bin:/usr/bin:/bin"},
	}
	built, err = mutate.ConfigFile(built, file)
	if err != nil {
		return nil, fmt.Errorf("configuring %s: %w", i.Name, err)
	}
	return built, nil
}

// layer is the image's one layer, a tar archive.
func (i Image) layer() ([]byte, error) {
	var out bytes.Buffer
	archive := &archive{tar: tar.NewWriter(&out), dirs: map[string]bool{}}
	archive.dir("tmp", 0o1777)
	archive.file("etc/passwd", 0o644, []byte("root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/tmp:/sbin/nologin\n"))
	archive.file("etc/group", 0o644, []byte("root:x:0:\nnonroot:x:65532:\n"))
	for _, file := range i.Files {
		content, err := os.ReadFile(file.Source)
		if err != nil {
			return nil, fmt.Errorf("reading a file for %s: %w", i.Name, err)
		}
		archive.file(strings.TrimPrefix(path.Clean("/"+file.Dest), "/"), file.Mode, content)
	}
	if archive.err == nil {
		archive.err = archive.tar.Close()
	}
	if archive.err != nil {
		return nil, fmt.Errorf("packing the files of %s: %w", i.Name, archive.err)
	}
	return out.Bytes(), nil
}

// archive writes a tar archive and keeps the first error.
type archive struct {
	tar  *tar.Writer
	dirs map[string]bool
	err  error
}

func (a *archive) dir(name string, mode int64) {
	if name == "." || a.dirs[name] {
		return
	}
	a.dir(path.Dir(name), 0o755)
	a.dirs[name] = true
	a.write(&tar.Header{Typeflag: tar.TypeDir, Name: name + "/", Mode: mode}, nil)
}

func (a *archive) file(name string, mode int64, content []byte) {
	a.dir(path.Dir(name), 0o755)
	a.write(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: mode, Size: int64(len(content))}, content)
}

func (a *archive) write(header *tar.Header, content []byte) {
	if a.err == nil {
		a.err = a.tar.WriteHeader(header)
	}
	if a.err == nil && len(content) > 0 {
		_, a.err = a.tar.Write(content)
	}
}
