// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package cache

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// keyLength is enough of a SHA-256 in hexadecimal to tell entries apart.
const keyLength = 12

// Key stands for the inputs of an entry: every file in dir, by name and content, and
// the given words (flags, the compiler's version). An input that changes gives
// another key, and so another entry.
func Key(dir string, words ...string) (string, error) {
	sum := sha256.New()
	for _, word := range words {
		fmt.Fprintf(sum, "%d:%s", len(word), word)
	}
	// WalkDir goes in lexical order, so the same files give the same key.
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		fmt.Fprintf(sum, "%d:%s%d:", len(name), name, len(content))
		sum.Write(content)
		return nil
	})
	if err != nil {
		return "", fmt.Errorf("reading the build inputs in %s: %w", dir, err)
	}
	return hex.EncodeToString(sum.Sum(nil))[:keyLength], nil
}
