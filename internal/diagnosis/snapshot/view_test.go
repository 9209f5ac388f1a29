// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package snapshot

import (
	"testing"
	"time"
)

var testNow = time.Date(2026, 11, 23, 14, 5, 0, 0, time.UTC)

func TestAgeIsNeverNegative(t *testing.T) {
	s := &Snapshot{Now: testNow}
	if got := s.Age(testNow.Add(time.Minute)); got != 0 {
		t.Errorf("what the clock of another machine puts into the future is %s old", got)
	}
}
