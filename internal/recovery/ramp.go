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
	// rampStep is how long a ramp waits for an answer before it doubles its width without one: a tool may be slow by nature.
	rampStep = 100 * time.Millisecond
	// rampWide ends a ramp: so many calls at once are what a server has to bear in any case. It is reached after 1.2 s at the
	// latest.
	rampWide = 4096
)

// ramp lets the callers who waited for a heal through to the server that has just come up: first one, to see whether it is
// there, and then for each answer one more, which doubles them with every round. A call that fails for want of a server begins
// anew. Nobody is held longer than until the ramp is wide by the clock alone.
type ramp struct {
	mu     sync.Mutex
	width  int
	inside int
	queue  []chan struct{}
	wide   chan struct{}
}

// newRamp makes a ramp, which ends by itself.
func newRamp(clock clock.Clock) *ramp {
	r := &ramp{width: 1, wide: make(chan struct{})}
	go r.widen(clock)
	return r
}

func (r *ramp) widen(clock clock.Clock) {
	defer close(r.wide)
	for width := 1; width < rampWide; width *= 2 {
		<-clock.After(rampStep)
		r.mu.Lock()
		r.width *= 2
		r.admit()
		r.mu.Unlock()
	}
}

func (r *ramp) over() bool {
	select {
	case <-r.wide:
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
	case <-r.wide:
	case <-ctx.Done():
		go func() { // the place that it would have had is the next one's
			select {
			case <-place:
				r.leave(true)
			case <-r.wide:
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
	if answered {
		r.width++
	} else {
		r.width = 1
	}
	r.admit()
}
