// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/term"
)

// patience is how long nothing need be said.
const patience = 2 * time.Second

func isTerminal(stream any) bool {
	file, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// colours reports whether a stream shows colours, and whether the user wants any (no-color.org).
func colours(to io.Writer) bool {
	return isTerminal(to) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}

// progress tells a terminal what is being waited for, once it takes long. The result ends it.
func progress(to io.Writer, what string) (stop func()) {
	if !isTerminal(to) {
		return func() {}
	}
	done := make(chan struct{})
	var ended sync.WaitGroup
	ended.Go(func() {
		ticker := time.NewTicker(patience)
		defer ticker.Stop()
		for waited := patience; ; waited += patience {
			select {
			case <-done:
				if waited > patience {
					fmt.Fprint(to, "\r\x1b[K")
				}
				return
			case <-ticker.C:
				fmt.Fprintf(to, "\r\x1b[K%s… %s", what, waited)
			}
		}
	})
	return func() { close(done); ended.Wait() }
}
