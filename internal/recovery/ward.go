// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package recovery

import (
	"sync"
	"time"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/healing"
	"github.com/ry-ops/cortex/internal/mcp"
)

const (
	// probeFirst and probeMost bound the pause between two calls that are let through to a server of which it is known that it
	// was not healed. It doubles.
	probeFirst = time.Second
	probeMost  = 30 * time.Second
	// healAgain is how long after a heal that failed the next one is begun at the earliest, unless the Service or its endpoints
	// change. The operator's own limits are tighter; this one spares it the requests.
	healAgain = time.Minute
	// quietTime is how long a tool whose server was looked at in vain is believed: a tool that fails for a reason of its own would
	// have its server looked at for every call.
	quietTime = 5 * time.Minute
	// maxQuiet bounds the tools that are remembered of one server. The gateway uses no more of them (internal/mcp, maxTools).
	maxQuiet = 256
)

// ward is what all callers of one server know of it together: the heal that is under way, why the last one was none, and how
// many calls the server is thought to bear. There is one for each server that has failed, whatever it is called with, so that a
// server which is slow or down holds up no call to another.
type ward struct {
	mu sync.Mutex
	// server and changes say what the rest was learned of: if either is another now, it is forgotten.
	server  *mcp.Server
	changes uint64

	flight *flight
	known  *known
	ramp   *ramp
	// quiet are the tools for which no heal is begun, and until when.
	quiet map[string]time.Time
}

// known is a heal that did not help, or waits: what the next callers are told at once.
type known struct {
	outcome healing.Outcome
	err     error
	failure *mcp.CallError
	// probeAt is when the next call is let through, and pause what is added to it then.
	probeAt time.Time
	pause   time.Duration
	// healAfter is when the next heal may be begun.
	healAfter time.Time
}

// gate says what may be done with a call that is about to be made.
type gate int

const (
	// through: make it.
	through gate = iota
	// wait for the heal that is under way: nobody is there to take the call.
	wait
	// tell at once what is known.
	tell
)

// enter decides about a call before it is made. One call of many is let through to see whether the server is back.
func (w *ward) enter(server *mcp.Server, now time.Time) (gate, *flight, *known) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.observe(server)
	switch {
	case w.flight != nil && w.flight.unreachable:
		return wait, w.flight, nil
	case w.known != nil && now.Before(w.known.probeAt):
		return tell, nil, w.known
	case w.known != nil:
		w.known.probeAt = now.Add(w.known.pause)
		w.known.pause = min(2*w.known.pause, probeMost)
	}
	return through, nil, nil
}

// observe must be called with the lock held. It forgets what was known of another state of the server: from now on whoever calls
// finds out anew.
func (w *ward) observe(server *mcp.Server) {
	changes := server.Changes()
	if w.server == server && w.changes == changes {
		return
	}
	w.server, w.changes, w.known, w.quiet = server, changes, nil, nil
	if w.flight != nil {
		w.flight.unreachable = false
	}
}

// well takes note that the server answers.
func (w *ward) well() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.known = nil
}

// spent reports whether a failure is not worth another heal now, and what is known instead.
func (w *ward) spent(server *mcp.Server, failure *mcp.CallError, now time.Time) (*known, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.observe(server)
	if w.flight != nil {
		return nil, false
	}
	if failure.Class != v1alpha1.ErrorDependencyDown && w.known != nil && now.Before(w.known.healAfter) {
		return w.known, true
	}
	return nil, now.Before(w.quiet[failure.Tool])
}

// hush remembers that heals do not help a tool.
func (w *ward) hush(tool string, until time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.quiet) >= maxQuiet {
		return
	}
	if w.quiet == nil {
		w.quiet = map[string]time.Time{}
	}
	w.quiet[tool] = until
}

// learn takes note of how a heal ended. The request of a heal that was not followed to its end may go on, so the next failure
// looks at it again.
func (w *ward) learn(failure *mcp.CallError, outcome healing.Outcome, err error, now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	k := &known{outcome: outcome, err: err, failure: failure, probeAt: now.Add(probeFirst), pause: 2 * probeFirst, healAfter: now}
	if err == nil {
		k.healAfter = now.Add(healAgain)
	}
	w.known = k
}

// ended takes a flight off, and begins to let those who waited for it through.
func (w *ward) ended(f *flight, ramp *ramp) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.flight == f {
		w.flight = nil
	}
	if ramp != nil {
		w.ramp = ramp
	}
}

// pace is the ramp that calls have to pass now; nil if there is none.
func (w *ward) pace() *ramp {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ramp != nil && w.ramp.over() {
		w.ramp = nil
	}
	return w.ramp
}

// state is the gate that the next call finds, if it comes at once. Nothing changes by asking.
func (w *ward) state() gate {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.flight != nil && w.flight.unreachable:
		return wait
	case w.known != nil:
		return tell
	}
	return through
}
