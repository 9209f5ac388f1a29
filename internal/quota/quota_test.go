// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package quota

import (
	"errors"
	"testing"
)

func TestQuota(t *testing.T) {
	q := New(3, 2)
	var gives []func()
	for _, step := range []struct {
		caller string
		want   error
	}{{"alice", nil}, {"alice", nil}, {"alice", ErrTooManyOfCaller}, {"bob", nil}, {"carol", ErrTooMany}, {"", ErrTooMany}} {
		give, err := q.Take(step.caller)
		if !errors.Is(err, step.want) {
			t.Errorf("%s: %v, want %v", step.caller, err, step.want)
		}
		if err == nil {
			gives = append(gives, give)
		}
	}
	for _, give := range gives {
		give()
	}
	if q.Taken() != 0 || len(q.of) != 0 {
		t.Errorf("%d are taken still, %v", q.Taken(), q.of)
	}
	for range 3 { // who has no name has no bound but the total
		if _, err := q.Take(""); err != nil {
			t.Error(err)
		}
	}
}
