// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package recovery

import (
	"cmp"
	"context"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/healing"
	"github.com/ry-ops/cortex/internal/mcp"
	"github.com/ry-ops/cortex/internal/panics"
)

const (
	// backFirst and backMost bound the pause between two looks whether a server is back that nobody can reach. It is backPart
	// of the time that has passed, so that one which is back in seconds is found at once, and one that stays away costs nothing.
	backFirst = 10 * time.Millisecond
	backMost  = 500 * time.Millisecond
	backPart  = 500
	// maxEntries bounds the steps that are kept for those who join late. The API keeps fewer (status.progress).
	maxEntries = 256
	// pushedAtLeast is how many callers are told by one goroutine before another is worth it.
	pushedAtLeast = 64
	// anonymous is recorded where nobody was asked who they are. The name is Kubernetes' own (user.Anonymous).
	anonymous = "system:anonymous"
)

// flight is one heal that any number of callers of this gateway wait for. It belongs to none of them: who leaves takes nothing
// along.
type flight struct {
	// failure that it was begun for.
	failure *mcp.CallError
	// unreachable: a failure has shown that nobody is there at all. One of a call that was sent may be of that call alone. watched:
	// somebody looks whether the server comes back. Both are held under the ward's lock.
	unreachable, watched bool
	// ctx ends with the flight.
	ctx    context.Context
	cancel context.CancelFunc

	mu      sync.Mutex
	entries []v1alpha1.ProgressEntry
	// changing: the operator has begun to change something, so that its word is waited for.
	changing bool
	done     bool
	// back: the server came back before the heal was over.
	back    bool
	outcome healing.Outcome
	err     error

	// following are told what is new, with this lock held, which none of them takes for that. It is taken before the other.
	following struct {
		sync.Mutex
		all map[*follower]struct{}
	}
}

// follower is one caller who waits for the end of a flight.
type follower struct {
	*call
	// wake holds one token: there is something to see to.
	wake chan struct{}

	mu sync.Mutex
	// told counts the steps that the listener was told.
	told int
	// panicked is what it panicked with.
	panicked any
}

// join returns the heal that is under way, and begins one if there is none.
func (w *ward) join(c *call, failure *mcp.CallError, started time.Time, traceparent string) *flight {
	w.mu.Lock()
	defer w.mu.Unlock()
	unreachable := !failure.Sent && failure.Class != v1alpha1.ErrorSessionLost
	f := w.flight
	if f == nil {
		f = &flight{failure: failure}
		f.following.all = map[*follower]struct{}{}
		f.ctx, f.cancel = context.WithCancel(c.ctx)
		w.flight = f
		heal := healing.Failure{
			Service: c.Server.Key(), Error: failure.Observed(), CallStarted: started, RequestedBy: cmp.Or(c.RequestedBy, anonymous), Task: c.Task, Tools: c.Server.ToolNames(),
			Traceparent: traceparent,
		}
		c.work.Go(func() {
			defer f.cancel()
			outcome, err := c.followed(f.ctx, heal, f)
			f.end(w, c, false, outcome, err)
		})
	}
	if unreachable {
		f.watch(w, c)
	}
	return f
}

// watch looks out for a server that comes back by itself, from the first failure on which shows that nobody is there: the call that
// was under way when a server died has been sent, and those that follow it are refused. It must be called with the ward's lock held.
func (f *flight) watch(w *ward, c *call) {
	f.unreachable = true
	if f.watched {
		return
	}
	f.watched = true
	// The call may have been made on a session of its own, as those of MCP clients are. The server's is from before as well, and that
	// it is still kept proves nothing.
	c.Server.Reset()
	c.work.Go(func() {
		if c.comesBack(f.ctx, f) {
			f.end(w, c, true, healing.Outcome{Result: healing.Result{Success: true, Diagnosis: cameBack, Timestamp: healing.Timestamp(c.Clock.Now())}}, nil)
			f.cancel()
		}
	})
}

func (c *call) followed(ctx context.Context, heal healing.Failure, f *flight) (outcome healing.Outcome, err error) {
	defer c.Panics.Catch(panics.Recovery, &err, "service", heal.Service)
	return c.Healer.Heal(ctx, heal, f.tell)
}

// comesBack asks whether the server opens a session, until it does, the heal is over, or the operator changes something: then it
// is the operator who says when the server works. A restart that needs nobody's help is over before it is understood.
func (c *call) comesBack(ctx context.Context, f *flight) bool {
	defer c.Panics.Catch(panics.Recovery, nil, "service", c.Server.Key())
	began := c.Clock.Now()
	for {
		timer := c.Clock.NewTimer(min(max(c.Clock.Since(began)/backPart, backFirst), backMost))
		select {
		case <-timer.C():
		case <-ctx.Done():
			timer.Stop()
			return false
		}
		if f.isChanging() {
			return false
		}
		if c.Server.Open(ctx) == nil {
			return !f.isChanging()
		}
	}
}

// tell takes a step of the heal.
func (f *flight) tell(entry v1alpha1.ProgressEntry) {
	f.mu.Lock()
	f.changing = f.changing || entry.Phase == v1alpha1.PhaseRemediating || entry.Phase == v1alpha1.PhaseVerifying
	fresh := !f.done && len(f.entries) < maxEntries
	if fresh {
		f.entries = append(f.entries, entry)
	}
	f.mu.Unlock()
	if !fresh {
		return
	}
	f.push()
}

// push has all who follow told what is new. Those who wait for nothing are told from here, by as many goroutines as there are
// processors.
func (f *flight) push() {
	f.following.Lock()
	defer f.following.Unlock()
	pushed := make([]*follower, 0, len(f.following.all))
	for one := range f.following.all {
		if one.Pushed {
			pushed = append(pushed, one)
		} else {
			one.signal()
		}
	}
	var group sync.WaitGroup
	for part := range slices.Chunk(pushed, max(pushedAtLeast, len(pushed)/runtime.GOMAXPROCS(0)+1)) {
		group.Go(func() {
			for _, one := range part {
				one.push(f)
			}
		})
	}
	group.Wait()
}

// push tells a listener from here. One that panics ends its own call.
func (o *follower) push(f *flight) {
	defer func() {
		if value := recover(); value != nil {
			o.mu.Lock()
			defer o.mu.Unlock()
			o.panicked = value
			o.signal()
		}
	}()
	o.tell(f)
}

// tell tells the listener every step once and in order. It panics with what the listener panicked with when it was told by another.
func (o *follower) tell(f *flight) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.panicked != nil {
		panic(o.panicked)
	}
	f.mu.Lock()
	entries := f.entries[o.told:]
	f.mu.Unlock()
	for i := range entries {
		o.told++
		o.listener.HealingProgress(o.service(), entries[i].Message)
	}
}

func (o *follower) signal() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

func (f *flight) isChanging() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.changing
}

// end tells all who wait how it ended; the first end counts. What is known of the server is there before they are told.
func (f *flight) end(w *ward, c *call, back bool, outcome healing.Outcome, err error) {
	defer f.wake()
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.done {
		return
	}
	if err != nil {
		outcome = c.unfollowed(err)
	}
	f.done, f.back, f.outcome, f.err = true, back, outcome, err
	now := c.Clock.Now()
	var pace *ramp
	switch {
	case f.failure.Class == v1alpha1.ErrorDependencyDown:
		if !outcome.Success || outcome.FixApplied == "" {
			w.hush(f.failure.Tool, now.Add(quietTime))
		}
	case outcome.Success || outcome.Unverified:
		w.well()
		pace = newRamp(c.Clock)
	case c.ctx.Err() == nil:
		w.learn(f.failure, outcome, err, now)
	}
	w.ended(f, pace)
}

// wake has all who follow look what there is.
func (f *flight) wake() {
	f.following.Lock()
	defer f.following.Unlock()
	for one := range f.following.all {
		one.signal()
	}
}

// follow tells every step once and in order, from the first, and returns when the heal is over. If ctx ends before, there is no
// outcome.
func (f *flight) follow(ctx context.Context, c *call) (outcome *healing.Outcome, back bool, err error) {
	one := &follower{call: c, wake: make(chan struct{}, 1)}
	f.following.Lock()
	f.following.all[one] = struct{}{}
	f.following.Unlock()
	defer f.leave(one)
	defer context.AfterFunc(ctx, one.signal)()
	for {
		f.mu.Lock()
		done := f.done
		f.mu.Unlock()
		one.tell(f)
		switch {
		case done:
			return &f.outcome, f.back, f.err
		case ctx.Err() != nil:
			return nil, false, nil
		}
		<-one.wake
	}
}

// leave returns when the listener is told nothing any more.
func (f *flight) leave(one *follower) {
	f.following.Lock()
	defer f.following.Unlock()
	delete(f.following.all, one)
}
