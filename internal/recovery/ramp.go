// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package recovery

import (
	"context"
	"sync"
	"time"

	"k8s.io/utils/clock"
)

const (
	// rampStep is how long a ramp waits for any answer before it doubles its width without one: a tool may be slow by nature.
	rampStep = 100 * time.Millisecond
	// rampWidth bounds the width that answers open. More calls at once make a server that answers no faster, and cost a
	// connection each.
	rampWidth = 128
)

// ramp lets the callers who waited for a heal through to the server that has just come up: first one, to see whether it is
// there, and then for each answer one more, which doubles them with every round. A call that fails for want of a server begins
// anew. While no answer comes at all, the ramp doubles by the clock, so that nobody waits for a slow tool of somebody else.
type ramp struct {
	mu     sync.Mutex
	width  int
	inside int
	queue  []chan struct{}
	// heard: an answer came in this step.
	heard bool
	// open is closed when the ramp is over.
	open chan struct{}
}

// newRamp makes a ramp, which ends by itself.
func newRamp(clock clock.Clock) *ramp {
	r := &ramp{width: 1, open: make(chan struct{})}
	go r.widen(clock)
	return r
}

// widen ends when nobody waits any more.
func (r *ramp) widen(clock clock.Clock) {
	defer close(r.open)
	for over := false; !over; over = r.step() {
		<-clock.After(rampStep)
	}
}

func (r *ramp) step() (over bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.queue) == 0 && (r.heard || r.inside == 0) {
		return true
	}
	switch {
	case !r.heard:
		r.width *= 2
	case r.width > rampWidth:
		r.width = rampWidth
	}
	r.heard = false
	r.admit()
	return false
}

func (r *ramp) over() bool {
	select {
	case <-r.open:
		return true
	default:
		return false
	}
}

// enter waits for a place. leave gives it back, and says whether the server answered.
func (r *ramp) enter(ctx context.Context) (leave func(answered bool), err error) {
	place := make(chan struct{})
	r.mu.Lock()
	r.queue = append(r.queue, place)
	r.admit()
	r.mu.Unlock()
	select {
	case <-place:
	case <-r.open:
	case <-ctx.Done():
		go func() { // the place that it would have had is the next one's
			select {
			case <-place:
				r.leave(true)
			case <-r.open:
			}
		}()
		return nil, context.Cause(ctx)
	}
	return r.leave, nil
}

// admit must be called with the lock held.
func (r *ramp) admit() {
	for len(r.queue) > 0 && r.inside < r.width {
		close(r.queue[0])
		r.queue = r.queue[1:]
		r.inside++
	}
}

func (r *ramp) leave(answered bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.inside--
	switch {
	case !answered:
		r.width = 1
	case r.width < rampWidth:
		r.width++
	}
	r.heard = r.heard || answered
	r.admit()
}
