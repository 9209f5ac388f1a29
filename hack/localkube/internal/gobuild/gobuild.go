// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

// Package gobuild builds programs with the go command.
package gobuild

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
)

// keptLines is how much of a failed build's output goes into its error.
const keptLines = 15

// Build is one call of go build.
type Build struct {
	// Dir is the main module's folder.
	Dir      string
	Packages []string
	Tags     []string
	LDFlags  []string
}

// Args are the arguments of the go command, but for where the programs go: what is
// built depends on them alone. Programs are static (no C compiler is asked for) and
// without paths of the machine or symbol tables.
func (b Build) Args() []string {
	args := []string{"build", "-v", "-trimpath", "-buildvcs=false", "-mod=readonly"}
	if len(b.Tags) > 0 {
		args = append(args, "-tags="+strings.Join(b.Tags, ","))
	}
	return append(args, "-ldflags="+strings.Join(append([]string{"-s", "-w"}, b.LDFlags...), " "))
}

// Run builds the programs into the folder dest and calls compiled with the number of
// packages compiled so far, each time that it grows. Packages in Go's own build cache
// are not compiled again and do not count.
func (b Build) Run(ctx context.Context, dest string, compiled func(packages int)) error {
	args := append(b.Args(), "-o", dest+string(os.PathSeparator))
	cmd := exec.CommandContext(ctx, "go", append(args, b.Packages...)...)
	cmd.Dir = b.Dir
	// A workspace or the caller's flags must not change what is built.
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off")
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return fmt.Errorf("preparing go build: %w", err)
	}
	if err := cmd.Start(); err != nil {
		if errors.Is(err, exec.ErrNotFound) {
			return errors.New("starting go build: there is no go command; install Go 1.26 or newer (https://go.dev/dl)")
		}
		return fmt.Errorf("starting go build: %w", err)
	}
	last := follow(stderr, compiled)
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("building in %s: %w\n%s", b.Dir, err, strings.Join(last, "\n"))
	}
	return nil
}

// follow reads what go build -v writes, one line for each package, and keeps the last
// lines that are something else.
func follow(output io.Reader, compiled func(packages int)) []string {
	var last []string
	packages := 0
	lines := bufio.NewScanner(output)
	for lines.Scan() {
		line := lines.Text()
		if isPackage(line) {
			packages++
			compiled(packages)
			continue
		}
		if len(last) == keptLines {
			last = last[1:]
		}
		last = append(last, line)
	}
	// A line too long for the scanner must not block the build.
	_, _ = io.Copy(io.Discard, output)
	return last
}

// isPackage tells an import path from a message, which has spaces in it.
func isPackage(line string) bool {
	return line != "" && !strings.ContainsAny(line, " \t#")
}
