// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

// Package release downloads released programs and checks them against the checksums
// published beside them.
package release

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/ry-ops/cortex/hack/localkube/internal/component"
)

const (
	// reachableWithin is all the time that a machine without internet loses.
	reachableWithin = 2 * time.Second
	// fetchWithin bounds a download that does not end: building takes less.
	fetchWithin = 8 * time.Minute
	// maxChecksums is far more than a file of checksums is long.
	maxChecksums = 1 << 20
)

// Client downloads.
type Client struct {
	HTTP *http.Client
}

// Reachable tells whether every host of the downloads answers, within two seconds.
func (c Client) Reachable(ctx context.Context, downloads []component.Download) bool {
	ctx, cancel := context.WithTimeout(ctx, reachableWithin)
	defer cancel()
	asked := map[string]bool{}
	for _, download := range downloads {
		address, err := url.Parse(download.Checksum)
		if err != nil {
			return false
		}
		if asked[address.Host] {
			continue
		}
		asked[address.Host] = true
		body, err := c.get(ctx, download.Checksum)
		if err != nil {
			return false
		}
		body.Close()
	}
	return true
}

// Fetch downloads everything into the folder dir and notes how far it is.
func (c Client) Fetch(ctx context.Context, downloads []component.Download, dir string, note func(format string, args ...any)) error {
	ctx, cancel := context.WithTimeout(ctx, fetchWithin)
	defer cancel()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("making a folder for downloads: %w", err)
	}
	for i, download := range downloads {
		note("%s, %d of %d", download.Name, i+1, len(downloads))
		if err := c.fetch(ctx, download, dir); err != nil {
			return fmt.Errorf("downloading %s: %w", download.Name, err)
		}
	}
	return nil
}

func (c Client) fetch(ctx context.Context, download component.Download, dir string) error {
	want, err := c.checksum(ctx, download)
	if err != nil {
		return err
	}
	body, err := c.get(ctx, download.URL)
	if err != nil {
		return err
	}
	defer body.Close()
	path := filepath.Join(dir, download.FileName())
	got, err := save(body, path)
	if err != nil {
		return err
	}
	if got != want {
		return fmt.Errorf("checking %s: its SHA-256 is %s and should be %s", download.URL, got, want)
	}
	if download.Unpack == "" {
		return nil
	}
	if err := unpack(path, download.Unpack, filepath.Join(dir, download.Name)); err != nil {
		return err
	}
	return os.Remove(path)
}

func (c Client) checksum(ctx context.Context, download component.Download) (string, error) {
	body, err := c.get(ctx, download.Checksum)
	if err != nil {
		return "", err
	}
	defer body.Close()
	content, err := io.ReadAll(io.LimitReader(body, maxChecksums))
	if err != nil {
		return "", fmt.Errorf("reading checksums: %w", err)
	}
	sum, ok := findChecksum(content, download.FileName())
	if !ok {
		return "", fmt.Errorf("reading checksums: %s has none for %s", download.Checksum, download.FileName())
	}
	return sum, nil
}

// findChecksum finds the SHA-256 of a file: the only word there is, or the one before
// the file's name.
func findChecksum(content []byte, name string) (string, bool) {
	for line := range bytes.Lines(content) {
		words := strings.Fields(string(line))
		alone := len(words) == 1
		named := len(words) == 2 && strings.TrimPrefix(words[1], "*") == name
		if (alone || named) && isSHA256(words[0]) {
			return strings.ToLower(words[0]), true
		}
	}
	return "", false
}

func isSHA256(word string) bool {
	sum, err := hex.DecodeString(word)
	return err == nil && len(sum) == sha256.Size
}

func (c Client) get(ctx context.Context, address string) (io.ReadCloser, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, fmt.Errorf("preparing a request: %w", err)
	}
	response, err := c.HTTP.Do(request)
	if err != nil {
		return nil, fmt.Errorf("requesting a file: %w", err)
	}
	if response.StatusCode != http.StatusOK {
		response.Body.Close()
		return nil, fmt.Errorf("requesting %s: %s", address, response.Status)
	}
	return response.Body, nil
}

// save writes a program to path and returns its SHA-256.
func save(content io.Reader, path string) (string, error) {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o755)
	if err != nil {
		return "", fmt.Errorf("saving a download: %w", err)
	}
	sum := sha256.New()
	_, err = io.Copy(io.MultiWriter(file, sum), content)
	if err := errors.Join(err, file.Close()); err != nil {
		return "", fmt.Errorf("saving a download: %w", err)
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// unpack takes one file out of a gzipped tar archive.
func unpack(archive, name, path string) error {
	file, err := os.Open(archive)
	if err != nil {
		return fmt.Errorf("opening an archive: %w", err)
	}
	defer file.Close()
	unzipped, err := gzip.NewReader(file)
	if err != nil {
		return fmt.Errorf("unpacking %s: %w", filepath.Base(archive), err)
	}
	entries := tar.NewReader(unzipped)
	for {
		header, err := entries.Next()
		if err != nil {
			return fmt.Errorf("finding %s in %s: %w", name, filepath.Base(archive), err)
		}
		if header.Name == name {
			_, err := save(entries, path)
			return err
		}
	}
}
