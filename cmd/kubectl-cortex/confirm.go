// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
)

// confirm asks a person. Where nobody can be asked, nothing is taken for a yes.
func confirm(ctx context.Context, io streams, question string) error {
	if !isTerminal(io.in) {
		return errors.New("standard input is no terminal, so nobody can be asked, and nothing was approved: --yes approves what is shown")
	}
	fmt.Fprintf(io.err, "%s [y/N] ", question)
	// A read cannot be taken back: it is left behind when the person interrupts, and the program ends.
	answers := make(chan bool, 1)
	go func() { answers <- agreed(io.in) }()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case yes := <-answers:
		if !yes {
			return errors.New("not approved: it goes on waiting ('kubectl cortex deny' ends it)")
		}
		return nil
	}
}

// agreed reads one line and reports whether it is a yes.
func agreed(in io.Reader) bool {
	line, _ := bufio.NewReader(in).ReadString('\n')
	switch strings.ToLower(strings.TrimSpace(line)) {
	case "y", "yes":
		return true
	default:
		return false
	}
}
