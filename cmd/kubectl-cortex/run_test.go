// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	clocktesting "k8s.io/utils/clock/testing"
)

// execute runs a command line as a shell would.
func execute(t *testing.T, stdin string, args ...string) (code int, out, complaint string) {
	t.Helper()
	t.Setenv("KUBECONFIG", "/nonexistent")
	var stdout, stderr bytes.Buffer
	clock := clocktesting.NewFakePassiveClock(time.Date(2026, 11, 23, 14, 5, 0, 0, time.UTC))
	code = run(t.Context(), args, streams{strings.NewReader(stdin), &stdout, &stderr}, clock)
	return code, stdout.String(), stderr.String()
}
