// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package standalone

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// TestALongLineHoldsNothingUp: a stack, or the body of an error, may be longer than any buffer.
func TestALongLineHoldsNothingUp(t *testing.T) {
	said, write, err := os.Pipe()
	Must(t, err)
	g := &Gateway{over: make(chan struct{})}
	address := make(chan string, 1)
	go g.listen(said, address)
	_, err = fmt.Fprintf(write, "%s\n{\"addr\":\"127.0.0.1:1\"}\n", strings.Repeat("x", 1<<20))
	Must(t, err)
	Must(t, write.Close())
	if text := g.Said(); len(address) != 1 || <-address != "127.0.0.1:1" || len(text) > 128<<10 {
		t.Errorf("the address is not found, or %d bytes are kept", len(text))
	}
}
