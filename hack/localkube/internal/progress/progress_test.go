// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package progress

import (
	"bytes"
	"strings"
	"testing"
)

func TestStepSaysHowLongItTook(t *testing.T) {
	var out bytes.Buffer
	reporter := &Reporter{out: &out}
	reporter.Start("building %s", "x").Done()
	reporter.Start("loading %s", "y").Failed()
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 2 || lines[0] != "building x (0s)" || lines[1] != "loading y: failed after 0s" {
		t.Errorf("got %q", lines)
	}
}

func TestStepShowsItsNote(t *testing.T) {
	var out bytes.Buffer
	step := (&Reporter{out: &out}).Start("building x")
	step.Note("%d packages", 812)
	step.show()
	step.Done()
	if !strings.HasPrefix(out.String(), "building x… 0s, 812 packages\n") {
		t.Errorf("got %q", out.String())
	}
}
