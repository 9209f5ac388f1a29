// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package recovery_test

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/healing"
	"github.com/ry-ops/cortex/internal/mcp"
	"github.com/ry-ops/cortex/internal/mcp/mcptest"
	"github.com/ry-ops/cortex/internal/recovery"
)

// The clock stands still, so that only answers let more through: one call, then two, then four. If none comes, the clock does.
func TestTheRampAfterAHeal(t *testing.T) {
	const callers = 20
	over := make(chan struct{})
	h := &healer{heal: func(ctx context.Context, _ healing.Failure, progress func(v1alpha1.ProgressEntry)) (healing.Outcome, error) {
		progress(v1alpha1.ProgressEntry{Message: "Scaling to 1"})
		until(ctx, over)
		return fixed(), nil
	}}
	w := newWorld(t, h, false)
	answer := make(chan struct{})
	var inside atomic.Int32
	ended := make(chan error, callers)
	waiting := make([]*told, callers)
	for i := range callers {
		waiting[i] = &told{}
		go func() {
			// The failure is of a call that was sent: nobody looks whether the server is back, so that the ramp alone waits for the clock.
			ended <- w.Do(t.Context(), recovery.Call{Server: w.server, Tool: "list_hosts", Hints: mcp.Hints{ReadOnly: true}, Make: func(ctx context.Context) error {
				select {
				case <-over:
				default:
					return lost
				}
				inside.Add(1)
				defer inside.Add(-1)
				until(ctx, answer)
				return nil
			}}, waiting[i])
		}()
	}
	for _, one := range waiting { // or one that is late would come by no ramp
		mcptest.Eventually(t, "all to wait for the heal", func() bool { return slices.Contains(one.all(), "progress: Scaling to 1") })
	}
	close(over)
	exactly := func(n int32) {
		t.Helper()
		mcptest.Eventually(t, "calls to be let through", func() bool { return inside.Load() >= n })
		for range 100 { // whoever comes too early comes now
			if got := inside.Load(); got > n {
				t.Fatalf("%d are let through, want %d", got, n)
			}
			<-time.After(time.Millisecond / 2)
		}
	}
	exactly(1)
	answer <- struct{}{}
	exactly(2)
	answer <- struct{}{}
	answer <- struct{}{}
	exactly(4)
	mcptest.Eventually(t, "the ramp to wait for the clock", w.clock.HasWaiters)
	w.clock.Step(100 * time.Millisecond) // an answer came in this step
	exactly(4)
	mcptest.Eventually(t, "the ramp to wait for the clock", w.clock.HasWaiters)
	w.clock.Step(100 * time.Millisecond) // and none in this one
	exactly(8)
	close(answer)
	for range callers {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}
