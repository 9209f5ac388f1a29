// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package recovery_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/healing"
	"github.com/ry-ops/cortex/internal/mcp"
	"github.com/ry-ops/cortex/internal/mcp/mcptest"
	"github.com/ry-ops/cortex/internal/mcpserver"
	"github.com/ry-ops/cortex/internal/panics"
	"github.com/ry-ops/cortex/internal/recovery"
)

func TestACallIsMadeAgainAfterTheHealAndSaysWhy(t *testing.T) {
	w := newWorld(t, ends(fixed(), nil), false)
	do, made := counting(refused, nil)
	told, err := w.call(t.Context(), do)
	if err != nil || made.Load() != 2 {
		t.Errorf("made %d times: %v", made.Load(), err)
	}
	want := []string{
		"start: connect ECONNREFUSED", "progress: Investigating issue with sandfly-mcp-server...",
		"progress: Calling list_hosts again: the call did not reach the server", "complete: Restarted it",
	}
	if got := told.all(); !slices.Equal(got, want) {
		t.Errorf("told %q", got)
	}
}

func TestACallThatMayHaveRunIsNotMadeAgainAndSaysWhy(t *testing.T) {
	for _, atOnce := range []bool{false, true} {
		w := newWorld(t, ends(fixed(), nil), false)
		do, made := counting(lost)
		told := &told{}
		err := w.Do(t.Context(), recovery.Call{Server: w.server, Tool: "start_scan", AtOnce: atOnce, Make: do}, told)
		if err == nil || !strings.Contains(err.Error(), "heck") || made.Load() != 1 {
			t.Errorf("at once %v: made %d times: %v", atOnce, made.Load(), err)
		}
		reason := "progress: Not calling start_scan again: the call may have run, and the tool is marked neither read-only nor idempotent"
		if got := told.all(); !slices.Contains(got, reason) || slices.Contains(got, "start: no answer in time") == atOnce {
			t.Errorf("at once %v: told %q", atOnce, got)
		}
	}
}

// While nobody can reach the server a call waits without being made, so that even one that must not run twice can be made after.
func TestACallThatComesDuringTheHealWaitsWithoutBeingMade(t *testing.T) {
	over := make(chan struct{})
	h := &healer{heal: func(ctx context.Context, _ healing.Failure, progress func(v1alpha1.ProgressEntry)) (healing.Outcome, error) {
		progress(v1alpha1.ProgressEntry{Message: "Scaling to 1"})
		until(ctx, over)
		return fixed(), nil
	}}
	w := newWorld(t, h, false)
	first := make(chan error, 1)
	do, _ := counting(refused, nil)
	go func() { _, err := w.call(t.Context(), do); first <- err }()
	mcptest.Eventually(t, "the heal", func() bool { return h.heals.Load() == 1 })

	scan, made := counting(nil)
	second, told := make(chan error, 1), &told{}
	go func() {
		second <- w.Do(t.Context(), recovery.Call{Server: w.server, Tool: "start_scan", Make: scan}, told)
	}()
	mcptest.Eventually(t, "the second to be told", func() bool { return slices.Contains(told.all(), "progress: Scaling to 1") })
	if made.Load() != 0 {
		t.Error("it was made while nobody was there")
	}
	close(over)
	for _, ended := range []chan error{first, second} {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	if made.Load() != 1 || h.heals.Load() != 1 {
		t.Errorf("made %d times, %d heals: %q", made.Load(), h.heals.Load(), told.all())
	}
}

// A call that was sent and not answered says nothing about others: one slow tool holds up no other.
func TestAFailureOfOneCallHoldsUpNoOther(t *testing.T) {
	over := make(chan struct{})
	h := &healer{heal: func(ctx context.Context, _ healing.Failure, _ func(v1alpha1.ProgressEntry)) (healing.Outcome, error) {
		until(ctx, over)
		return fixed(), nil
	}}
	w := newWorld(t, h, false)
	slow := make(chan error, 1)
	hangs, _ := counting(lost, nil)
	go func() { _, err := w.call(t.Context(), hangs); slow <- err }()
	mcptest.Eventually(t, "the heal", func() bool { return h.heals.Load() == 1 })
	quick, made := counting(nil)
	if told, err := w.call(t.Context(), quick); err != nil || made.Load() != 1 || len(told.all()) != 0 {
		t.Errorf("%v, told %q", err, told.all())
	}
	close(over)
	if err := <-slow; err != nil {
		t.Error(err)
	}
}

func TestAServerThatIsHealedHoldsUpNoOtherServer(t *testing.T) {
	over := make(chan struct{})
	h := &healer{heal: func(ctx context.Context, _ healing.Failure, _ func(v1alpha1.ProgressEntry)) (healing.Outcome, error) {
		until(ctx, over)
		return fixed(), nil
	}}
	w := newWorld(t, h, false)
	other := mcptest.Start(t, "proxmox-mcp-server")
	w.registry.OnAdd(other.Service(), true)
	down, up := w.registry.Servers()[1], w.registry.Servers()[0]
	ended := make(chan error, 1)
	do, _ := counting(refused, nil)
	go func() { ended <- w.Do(t.Context(), recovery.Call{Server: down, Make: do}, &told{}) }()
	mcptest.Eventually(t, "the heal", func() bool { return h.heals.Load() == 1 })
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	err := w.Do(ctx, recovery.Call{Server: up, Make: func(ctx context.Context) error {
		_, err := up.Call(ctx, mcp.Tool{Name: "list_hosts"}, nil)
		return err
	}}, &told{})
	if err != nil {
		t.Error(err)
	}
	close(over)
	t.Log("ended:", <-ended)
}

func TestWhoLeavesEarlyTakesNothingAlong(t *testing.T) {
	over := make(chan struct{})
	h := &healer{heal: func(ctx context.Context, _ healing.Failure, _ func(v1alpha1.ProgressEntry)) (healing.Outcome, error) {
		select {
		case <-over:
			return fixed(), nil
		case <-ctx.Done():
			return healing.Outcome{}, context.Cause(ctx)
		}
	}}
	w := newWorld(t, h, false)
	ctx, leave := context.WithCancelCause(t.Context())
	left, stays := make(chan error, 1), make(chan error, 1)
	do, _ := counting(refused)
	go func() { _, err := w.call(ctx, do); left <- err }()
	mcptest.Eventually(t, "the heal", func() bool { return h.heals.Load() == 1 })
	again, _ := counting(nil)
	go func() { _, err := w.call(t.Context(), again); stays <- err }()
	gone := errors.New("the browser was closed")
	leave(gone)
	if err := <-left; !errors.Is(err, gone) {
		t.Errorf("who left got %v", err)
	}
	close(over)
	if err := <-stays; err != nil || h.heals.Load() != 1 {
		t.Errorf("%d heals: %v", h.heals.Load(), err)
	}
}

// The operator is slow, or not there at all, and the server comes back by itself: that is noticed at once.
func TestAServerThatComesBackByItself(t *testing.T) {
	h := &healer{heal: func(ctx context.Context, _ healing.Failure, progress func(v1alpha1.ProgressEntry)) (healing.Outcome, error) {
		progress(v1alpha1.ProgressEntry{Phase: v1alpha1.PhaseDiagnosing, Message: "Looking"})
		<-ctx.Done()
		return healing.Outcome{}, context.Cause(ctx)
	}}
	w := newWorld(t, h, false)
	ended, told := make(chan error, 1), &told{}
	go func() {
		ended <- w.Do(t.Context(), recovery.Call{Server: w.server, Tool: "start_scan", Make: func(ctx context.Context) error {
			_, err := w.server.Call(ctx, mcp.Tool{Name: "start_scan"}, map[string]any{"host": "web-1"})
			return err
		}}, told)
	}()
	mcptest.Eventually(t, "the heal", func() bool { return slices.Contains(told.all(), "progress: Looking") })
	w.backend.Up()
	mcptest.Eventually(t, "somebody to look out for it", w.clock.HasWaiters)
	w.clock.Step(10 * time.Millisecond) // until the first look
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(time.Minute):
		t.Fatalf("not noticed: %q", told.all())
	}
	if w.backend.Calls("start_scan") != 1 {
		t.Errorf("ran %d times: %q", w.backend.Calls("start_scan"), told.all())
	}
}

// A session with the server that is kept from before it died is no sign that it is back: calls of MCP clients have sessions of their own.
func TestAKeptSessionIsNoServerThatIsBack(t *testing.T) {
	h := &healer{heal: func(ctx context.Context, _ healing.Failure, _ func(v1alpha1.ProgressEntry)) (healing.Outcome, error) {
		select {
		case <-ctx.Done(): // the server is said to be back
			return healing.Outcome{}, context.Cause(ctx)
		case <-time.After(time.Second): // many looks
			return fixed(), nil
		}
	}}
	w := newWorld(t, h, true)
	w.backend.Up()
	// A list may join one that began before the server was up.
	mcptest.Eventually(t, "a session that is kept", func() bool { return w.server.List(t.Context()) == nil })
	w.backend.Down()
	do, made := counting(refused, nil)
	told, err := w.call(t.Context(), do)
	if err != nil || made.Load() != 2 || !slices.Contains(told.all(), "complete: Restarted it") {
		t.Errorf("%d calls, %v: %q", made.Load(), err, told.all())
	}
}

// The call that was under way when the server died was sent, and begins the heal; those that come later are refused. All of them are
// there again as soon as the server is.
func TestAServerThatDiedDuringACallAndComesBack(t *testing.T) {
	h := &healer{heal: func(ctx context.Context, _ healing.Failure, _ func(v1alpha1.ProgressEntry)) (healing.Outcome, error) {
		<-ctx.Done()
		return healing.Outcome{}, context.Cause(ctx)
	}}
	w := newWorld(t, h, true)
	ended := make(chan error, 2)
	call := func(do func(context.Context) error) {
		_, err := w.call(t.Context(), do)
		ended <- err
	}
	underWay, _ := counting(lost, nil)
	go call(underWay)
	mcptest.Eventually(t, "the heal", func() bool { return h.heals.Load() == 1 })
	later, made := counting(refused, nil)
	go call(later)
	mcptest.Eventually(t, "the call that is refused", func() bool { return made.Load() == 1 })
	w.backend.Up()
	for range 2 {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

// Once the operator changes something, it is the operator who says when the server works.
func TestTheOperatorsChangeIsWaitedFor(t *testing.T) {
	over := make(chan struct{})
	var w *world
	h := &healer{heal: func(ctx context.Context, _ healing.Failure, progress func(v1alpha1.ProgressEntry)) (healing.Outcome, error) {
		progress(v1alpha1.ProgressEntry{Phase: v1alpha1.PhaseRemediating, Message: "Scaling to 1"})
		w.backend.Up()
		until(ctx, over)
		return fixed(), nil
	}}
	w = newWorld(t, h, true)
	ended := make(chan error, 1)
	do, made := counting(refused, nil)
	told := &told{}
	go func() { ended <- w.Do(t.Context(), recovery.Call{Server: w.server, Make: do}, told) }()
	mcptest.Eventually(t, "the server to be up", func() bool { return w.server.Open(t.Context()) == nil })
	if made.Load() != 1 {
		t.Error("it was made again before the heal was over")
	}
	close(over)
	if err := <-ended; err != nil || !slices.Contains(told.all(), "complete: Restarted it") {
		t.Errorf("%v: %q", err, told.all())
	}
}

func TestAServerThatAsksForPatienceGetsIt(t *testing.T) {
	h := ends(fixed(), nil)
	w := newWorld(t, h, true)
	limited := &mcp.CallError{Class: v1alpha1.ErrorRateLimited, Reason: mcpserver.RateLimited, Sent: true, Tool: "list_hosts", RetryAfter: time.Millisecond}
	do, made := counting(limited, limited, nil)
	if told, err := w.call(t.Context(), do); err != nil || made.Load() != 3 || len(told.all()) != 2 {
		t.Errorf("made %d times, %v: %q", made.Load(), err, told.all())
	}
	do, made = counting(limited)
	err := w.Do(t.Context(), recovery.Call{Server: w.server, Make: do}, &told{})
	if err == nil || !strings.Contains(err.Error(), "Ask again later") || made.Load() != 1 || h.heals.Load() != 0 {
		t.Errorf("made %d times, %d heals: %v", made.Load(), h.heals.Load(), err)
	}
}

// Whoever is not asked has the name that Kubernetes gives them, whether a chat or an MCP client calls.
func TestSomebodyIsRecorded(t *testing.T) {
	for by, want := range map[string]string{"": "system:anonymous", "anna": "anna"} {
		h := &healer{heal: func(_ context.Context, failure healing.Failure, _ func(v1alpha1.ProgressEntry)) (healing.Outcome, error) {
			if failure.RequestedBy != want {
				t.Errorf("%q is recorded as %q", by, failure.RequestedBy)
			}
			return notFixed(), nil
		}}
		w := newWorld(t, h, false)
		do, _ := counting(refused)
		_ = w.Do(t.Context(), recovery.Call{Server: w.server, RequestedBy: by, Make: do}, &told{})
		if h.heals.Load() != 1 {
			t.Error("nothing was recorded")
		}
	}
}

// What a tool says of its dependency starts a look at the Service that was called, and nothing else.
func TestAToolWhoseDependencyIsDown(t *testing.T) {
	t.Run("healed: a read is made again", func(t *testing.T) {
		h := &healer{}
		h.heal = func(_ context.Context, failure healing.Failure, _ func(v1alpha1.ProgressEntry)) (healing.Outcome, error) {
			if failure.Service.Name != "sandfly-mcp-server" || failure.Error.Class != v1alpha1.ErrorDependencyDown {
				t.Errorf("recorded %+v", failure)
			}
			return fixed(), nil
		}
		w := newWorld(t, h, false)
		do, made := counting(complaint, nil)
		if _, err := w.call(t.Context(), do); err != nil || made.Load() != 2 {
			t.Errorf("made %d times: %v", made.Load(), err)
		}
	})
	t.Run("nothing was wrong: its own error is the answer, and it is not looked at for every call", func(t *testing.T) {
		healthy := healing.Outcome{Result: healing.Result{Success: true, Diagnosis: "it answers"}}
		h := ends(healthy, nil)
		w := newWorld(t, h, false)
		do, made := counting(complaint)
		for range 3 {
			if _, err := w.call(t.Context(), do); err != nil {
				t.Error(err)
			}
		}
		if h.heals.Load() != 1 || made.Load() != 3 {
			t.Errorf("%d heals, made %d times", h.heals.Load(), made.Load())
		}
		w.clock.Step(6 * time.Minute)
		_, _ = w.call(t.Context(), do)
		if h.heals.Load() != 2 {
			t.Error("it is never looked at again")
		}
	})
	t.Run("not healed: other tools are called all the same", func(t *testing.T) {
		w := newWorld(t, ends(notFixed(), nil), false)
		do, _ := counting(complaint)
		if _, err := w.call(t.Context(), do); err != nil {
			t.Error(err)
		}
		other, made := counting(nil)
		if _, err := w.call(t.Context(), other); err != nil || made.Load() != 1 {
			t.Error(err)
		}
	})
}

func TestAPanicEndsItsCallAndNothingElse(t *testing.T) {
	t.Run("in a call", func(t *testing.T) {
		w := newWorld(t, ends(fixed(), nil), false)
		if _, err := w.call(t.Context(), func(context.Context) error { panic("boom") }); !errors.Is(err, panics.Err) {
			t.Error(err)
		}
		if n := w.metric(t, "cortex_gateway_panics_total"); n != 1 {
			t.Errorf("counted %v", n)
		}
		do, _ := counting(nil)
		if _, err := w.call(t.Context(), do); err != nil {
			t.Error(err)
		}
	})
	t.Run("while it follows a heal", func(t *testing.T) {
		h := &healer{heal: func(context.Context, healing.Failure, func(v1alpha1.ProgressEntry)) (healing.Outcome, error) {
			panic("boom")
		}}
		w := newWorld(t, h, false)
		do, _ := counting(refused)
		told, err := w.call(t.Context(), do)
		if err == nil || !strings.Contains(err.Error(), panics.Err.Error()) || w.metric(t, "cortex_gateway_panics_total") != 1 {
			t.Errorf("%v: %q", err, told.all())
		}
	})
}
