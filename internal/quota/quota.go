// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

// Package quota bounds how many of something there are at once, so that neither all callers together nor one of them takes what the
// others need.
package quota

import (
	"errors"
	"sync"
)

// Why there is none to take.
var (
	// ErrTooMany is for what all callers together have as many of as there may be.
	ErrTooMany = errors.New("too many at once")
	// ErrTooManyOfCaller is for what this caller has as many of as one may have.
	ErrTooManyOfCaller = errors.New("too many at once of one caller")
)

// Quota bounds how many of something there are at once, in all and of one caller. It is safe for concurrent use.
type Quota struct {
	total, each int

	mu    sync.Mutex
	taken int
	of    map[string]int
}

// New makes a Quota of total in all and each for one caller.
func New(total, each int) *Quota {
	return &Quota{total: total, each: each, of: map[string]int{}}
}

// Take takes one for a caller. Whoever has no name shares no bound but the total: there is no telling them apart. The error is
// ErrTooMany or ErrTooManyOfCaller; without one, give must be called once.
func (q *Quota) Take(caller string) (give func(), err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.taken >= q.total:
		return nil, ErrTooMany
	case caller != "" && q.of[caller] >= q.each:
		return nil, ErrTooManyOfCaller
	}
	q.taken++
	if caller != "" {
		q.of[caller]++
	}
	return func() { q.give(caller) }, nil
}

// Taken is how many are taken now.
func (q *Quota) Taken() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.taken
}

func (q *Quota) give(caller string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.taken--
	if caller == "" {
		return
	}
	if q.of[caller]--; q.of[caller] == 0 {
		delete(q.of, caller)
	}
}
