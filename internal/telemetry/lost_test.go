// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package telemetry

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/go-logr/logr/funcr"
)

// TestLostSpansAreSaidSeldom: once a minute, with a count of what was not said.
func TestLostSpansAreSaidSeldom(t *testing.T) {
	var said []string
	now := time.Now()
	l := &lost{log: funcr.New(func(_, line string) { said = append(said, line) }, funcr.Options{}), now: func() time.Time { return now }}
	for range 121 {
		l.Handle(errors.New("gone"))
		now = now.Add(time.Second)
	}
	line := func(times string) string {
		return `"level"=0 "msg"="spans are lost" "reason"="gone" "times"=` + times
	}
	if want := []string{line("1"), line("60"), line("60")}; !slices.Equal(said, want) {
		t.Errorf("said %q, want %q", said, want)
	}
}
