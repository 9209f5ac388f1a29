// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

// Package logtail reads the end of a log.
package logtail

import (
	"fmt"
	"io"
	"os"
	"strings"
)

// readAtMost bounds what is read of a long log: more than the last lines need.
const readAtMost = 64 << 10

// Of is the last lines of a file, or why they can not be had.
func Of(path string, lines int) string {
	file, err := os.Open(path)
	if err != nil {
		return fmt.Sprintf("(no log: %v)", err)
	}
	defer file.Close()
	if info, err := file.Stat(); err == nil && info.Size() > readAtMost {
		if _, err := file.Seek(-readAtMost, io.SeekEnd); err != nil {
			return fmt.Sprintf("(no log: %v)", err)
		}
	}
	content, err := io.ReadAll(file)
	if err != nil {
		return fmt.Sprintf("(no log: %v)", err)
	}
	all := strings.Split(strings.TrimRight(string(content), "\n"), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}
