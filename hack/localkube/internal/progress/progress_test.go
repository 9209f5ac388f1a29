// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package progress

import (
	"bytes"
	"regexp"
	"testing"
)

func TestStepSaysHowLongItTook(t *testing.T) {
	var out bytes.Buffer
	reporter := &Reporter{out: &out}
	reporter.Start("building %s", "x").Done()
	reporter.Start("loading %s", "y").Failed()
	if !regexp.MustCompile(`^building x \([\d.]+m?s\)\nloading y: failed after [\d.]+m?s\n$`).MatchString(out.String()) {
		t.Errorf("got %q", out.String())
	}
}

func TestStepShowsItsNote(t *testing.T) {
	var out bytes.Buffer
	step := (&Reporter{out: &out}).Start("building x")
	step.Note("%d packages", 812)
	step.show()
	step.Done()
	if !regexp.MustCompile(`^building x… [\d.]+m?s, 812 packages\n`).MatchString(out.String()) {
		t.Errorf("got %q", out.String())
	}
}
