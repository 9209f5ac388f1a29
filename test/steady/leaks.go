// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package steady

import (
	"fmt"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// Main runs the tests of a package and fails if they leave goroutines behind.
func Main(m *testing.M, options ...goleak.Option) {
	code := m.Run()
	if code == 0 {
		if err := Left(options...); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// Left tells which goroutines have not ended within a minute. goleak itself waits less than half a second for them, and a machine
// that is busy may not even have run them by then.
func Left(options ...goleak.Option) error {
	for limit := time.Now().Add(time.Minute); ; {
		if err := goleak.Find(options...); err == nil || time.Now().After(limit) {
			return err
		}
	}
}
