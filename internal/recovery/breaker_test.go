// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package recovery_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/healing"
	"github.com/ry-ops/cortex/internal/mcp/mcptest"
)

// After a heal that failed the next callers are told at once; one at a time is let through to see, and the next heal is due after a minute.
func TestWhatIsKnownIsToldAtOnce(t *testing.T) {
	h := ends(notFixed(), nil)
	w := newWorld(t, h, false)
	do, made := counting(refused)
	if _, err := w.call(t.Context(), do); atOnce(t, err).AtOnce {
		t.Error("the first is told of a heal that it waited for")
	}
	for range 5 {
		told, err := w.call(t.Context(), do)
		unhealed := atOnce(t, err)
		if !unhealed.AtOnce || unhealed.RetryAfter != time.Second || !strings.Contains(err.Error(), "Recommendation: Check the image.") {
			t.Errorf("%+v", unhealed)
		}
		if want := []string{"failed: Unable to fix automatically: ImagePullBackOff | Check the image."}; !slices.Equal(told.all(), want) {
			t.Errorf("told %q", told.all())
		}
	}
	if made.Load() != 1 || h.heals.Load() != 1 {
		t.Errorf("made %d times, %d heals", made.Load(), h.heals.Load())
	}

	// One looks, finds it down, and begins no heal; the others are told, for twice as long.
	w.clock.Step(time.Second)
	for range 5 {
		if _, err := w.call(t.Context(), do); !atOnce(t, err).AtOnce {
			t.Error(err)
		}
	}
	if made.Load() != 2 || h.heals.Load() != 1 {
		t.Errorf("made %d times, %d heals", made.Load(), h.heals.Load())
	}
	w.clock.Step(time.Minute)
	_, _ = w.call(t.Context(), do)
	if h.heals.Load() != 2 {
		t.Errorf("%d heals after a minute", h.heals.Load())
	}
}

// TestTheBreakerIsTold: calls are made, wait for the heal, are answered at once, and are made again after a probe.
func TestTheBreakerIsTold(t *testing.T) {
	over := make(chan struct{})
	h := &healer{heal: func(ctx context.Context, _ healing.Failure, _ func(v1alpha1.ProgressEntry)) (healing.Outcome, error) {
		until(ctx, over)
		return notFixed(), nil
	}}
	w := newWorld(t, h, false)
	state := func(want float64) {
		t.Helper()
		if got := w.metric(t, "cortex_gateway_breaker_state"); got != want {
			t.Errorf("the state is %v, want %v", got, want)
		}
	}
	do, _ := counting(nil, refused, nil)
	_, _ = w.call(t.Context(), do)
	state(0)
	ended := make(chan error, 1)
	go func() { _, err := w.call(t.Context(), do); ended <- err }()
	mcptest.Eventually(t, "the heal", func() bool { return h.heals.Load() == 1 })
	state(1)
	close(over)
	if err := <-ended; err == nil {
		t.Error("it was not healed, and there is no error")
	}
	state(2)
	_, err := w.call(t.Context(), do)
	if n := w.metric(t, "cortex_gateway_known_failures_total"); n != 1 || !atOnce(t, err).AtOnce {
		t.Errorf("%v calls were answered at once: %v", n, err)
	}
	w.clock.Step(time.Second)
	_, _ = w.call(t.Context(), do)
	state(0)
}

func TestAProbeThatSucceedsLetsAllThrough(t *testing.T) {
	w := newWorld(t, ends(notFixed(), nil), false)
	do, made := counting(refused, nil)
	_, _ = w.call(t.Context(), do)
	w.clock.Step(time.Second)
	for range 3 {
		if _, err := w.call(t.Context(), do); err != nil {
			t.Error(err)
		}
	}
	if made.Load() != 4 {
		t.Errorf("made %d times", made.Load())
	}
}

func TestWhatIsKnownEndsWhenTheServiceChanges(t *testing.T) {
	w := newWorld(t, ends(notFixed(), nil), false)
	do, _ := counting(refused, nil)
	_, _ = w.call(t.Context(), do)
	before, after := w.backend.Service(), w.backend.Service()
	after.ResourceVersion = "2"
	w.registry.OnUpdate(before, after)
	if _, err := w.call(t.Context(), do); err != nil {
		t.Error(err)
	}
}

// A heal that waits for a person may have been approved meanwhile: whoever is let through looks at it again.
func TestAHealThatWaitsForAPerson(t *testing.T) {
	h := ends(healing.Outcome{}, &healing.Error{Message: "The heal waits for a person's approval", Recommendation: "Approve it."})
	w := newWorld(t, h, false)
	do, made := counting(refused)
	for range 3 {
		if _, err := w.call(t.Context(), do); !strings.Contains(err.Error(), "waits for a person") {
			t.Error(err)
		}
	}
	if made.Load() != 1 || h.heals.Load() != 1 {
		t.Errorf("made %d times, %d heals", made.Load(), h.heals.Load())
	}
	w.clock.Step(time.Second)
	for range 3 {
		_, _ = w.call(t.Context(), do)
	}
	if made.Load() != 2 || h.heals.Load() != 2 {
		t.Errorf("made %d times, looked %d times", made.Load(), h.heals.Load())
	}
}

// The operator may take long to be sure. As soon as there are endpoints again, new calls find out by themselves.
func TestNobodyWaitsForAHealOnceTheServiceHasChanged(t *testing.T) {
	over := make(chan struct{})
	h := &healer{heal: func(ctx context.Context, _ healing.Failure, _ func(v1alpha1.ProgressEntry)) (healing.Outcome, error) {
		until(ctx, over)
		return fixed(), nil
	}}
	w := newWorld(t, h, false)
	ended := make(chan error, 1)
	down, _ := counting(refused, nil)
	go func() { _, err := w.call(t.Context(), down); ended <- err }()
	mcptest.Eventually(t, "the heal", func() bool { return h.heals.Load() == 1 })
	before, after := w.backend.Service(), w.backend.Service()
	after.ResourceVersion = "2"
	w.registry.OnUpdate(before, after)
	up, made := counting(nil)
	for range 3 {
		if _, err := w.call(t.Context(), up); err != nil {
			t.Error(err)
		}
	}
	if made.Load() != 3 {
		t.Errorf("made %d times", made.Load())
	}
	close(over)
	t.Log("ended:", <-ended)
}
