// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package recovery_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/healing"
	"github.com/ry-ops/cortex/internal/mcp"
	"github.com/ry-ops/cortex/internal/mcp/mcptest"
	"github.com/ry-ops/cortex/internal/panics"
	"github.com/ry-ops/cortex/internal/recovery"
)

// scripted is a listener that does something with a step.
type scripted struct {
	told
	does func(message string)
}

func (s *scripted) HealingProgress(service, message string) {
	s.told.HealingProgress(service, message)
	s.does(message)
}

// TestEveryStepOnceAndInOrder: whoever tells the steps, and whatever the other listeners do.
func TestEveryStepOnceAndInOrder(t *testing.T) {
	const callers, steps = 300, 20
	var w *world
	step := make(chan string)
	var well atomic.Bool
	h := &healer{heal: func(ctx context.Context, _ healing.Failure, progress func(v1alpha1.ProgressEntry)) (healing.Outcome, error) {
		for message := range step {
			progress(v1alpha1.ProgressEntry{Message: message})
		}
		well.Store(true)
		return fixed(), nil
	}}
	w = newWorld(t, h, false)
	var all sync.WaitGroup
	do := func(ctx context.Context, pushed bool, listener recovery.Listener) error {
		return w.Do(ctx, recovery.Call{Server: w.server, Tool: "list_hosts", Hints: mcp.Hints{ReadOnly: true}, Pushed: pushed, Make: func(context.Context) error {
			if well.Load() {
				return nil
			}
			return refused
		}}, listener)
	}
	listeners := make([]*told, callers)
	follow := func(i int, pushed bool) {
		listeners[i] = &told{}
		all.Go(func() {
			if err := do(t.Context(), pushed, listeners[i]); err != nil {
				t.Error(err)
			}
		})
	}
	for i := range callers - 2 {
		follow(i, i%3 > 0)
	}
	// One does not return from a step for as long as the heal takes; it is told on its own goroutine, and holds up nobody.
	over := make(chan struct{})
	slow := &scripted{does: func(message string) {
		if message == "step 0" {
			<-over
		}
	}}
	all.Go(func() {
		if err := do(t.Context(), false, slow); err != nil {
			t.Error(err)
		}
	})
	// One panics, on the goroutine of another.
	broken := make(chan error, 1)
	go func() {
		broken <- do(t.Context(), true, &scripted{does: func(message string) {
			if message == "step 1" {
				panic("boom")
			}
		}})
	}()
	// One leaves, and is told nothing after that.
	ctx, leave := context.WithCancelCause(t.Context())
	defer leave(nil)
	gone, left := errors.New("gone"), make(chan error, 1)
	leaver := &told{}
	go func() { left <- do(ctx, true, leaver) }()
	heard := func(listener *told, message string) {
		t.Helper()
		mcptest.Eventually(t, message, func() bool { return slices.Contains(listener.all(), "progress: "+message) })
	}
	investigating := "Investigating issue with sandfly-mcp-server..."
	heard(&slow.told, investigating)
	heard(leaver, investigating)
	for i := range steps {
		step <- fmt.Sprint("step ", i)
		switch i {
		case 2:
			heard(leaver, "step 2")
			leave(gone)
			if err := <-left; !errors.Is(err, gone) {
				t.Errorf("who left got %v", err)
			}
		case steps / 2:
			follow(callers-2, true) // who comes late hears all
			follow(callers-1, false)
		}
	}
	for _, listener := range listeners {
		heard(listener, fmt.Sprint("step ", steps-1))
	}
	close(over)
	close(step)
	all.Wait()
	if err := <-broken; !errors.Is(err, panics.Err) {
		t.Errorf("whose listener panicked got %v", err)
	}
	var want []string
	for i := range steps {
		want = append(want, fmt.Sprint("progress: step ", i))
	}
	stepsOf := func(lines []string) []string {
		return slices.DeleteFunc(lines, func(line string) bool { return !slices.Contains(want, line) })
	}
	for i, listener := range append(listeners, &slow.told) {
		if got := stepsOf(listener.all()); !slices.Equal(got, want) {
			t.Errorf("listener %d: %q", i, got)
		}
	}
	if got := stepsOf(leaver.all()); !slices.Equal(got, want[:3]) {
		t.Errorf("who left was told %q", got)
	}
}
