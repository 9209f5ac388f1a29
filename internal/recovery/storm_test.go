// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package recovery_test

import (
	"context"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/healing"
	"github.com/ry-ops/cortex/internal/mcp"
	"github.com/ry-ops/cortex/internal/mcp/mcptest"
	"github.com/ry-ops/cortex/internal/recovery"
)

// crowd notes how many tool calls are in a server at once, and how many were in it when it had answered none.
type crowd struct{ now, most, served, beforeFirst atomic.Int32 }

func (c *crowd) fault() mcptest.Fault {
	return func(w http.ResponseWriter, r *http.Request, body string, serve http.HandlerFunc) bool {
		if !strings.Contains(body, `"method":"tools/call"`) {
			return false
		}
		highest(&c.most, c.now.Add(1))
		if c.served.Load() == 0 {
			c.beforeFirst.Add(1)
		}
		// Before a byte of it is sent: whoever has the answer may have the next call made before the handler is over.
		served := sync.OnceFunc(func() {
			c.now.Add(-1)
			c.served.Add(1)
		})
		serve(mcptest.Answering(w, served), r)
		served()
		return true
	}
}

func highest(most *atomic.Int32, now int32) {
	for {
		seen := most.Load()
		if now <= seen || most.CompareAndSwap(seen, now) {
			return
		}
	}
}

// So many callers meet a server that is down: a real one, over real connections. One heal, one session, all answered, and the
// server that has just come up is not trampled.
func TestAStormOfCallersIsOneHeal(t *testing.T) {
	callers := 10_000
	if raceDetector || testing.Short() {
		callers = 1_000
	}
	var w *world
	over := make(chan struct{})
	h := &healer{heal: func(ctx context.Context, _ healing.Failure, progress func(v1alpha1.ProgressEntry)) (healing.Outcome, error) {
		progress(v1alpha1.ProgressEntry{Phase: v1alpha1.PhaseRemediating, Message: "Scaling to 1"})
		until(ctx, over)
		w.backend.Up()
		return fixed(), nil
	}}
	// The clock stands still, so that only answers let more calls through, on a slow machine as well.
	w = newWorld(t, h, false)
	var in crowd
	w.backend.Break(in.fault())
	idle := heap()

	var all sync.WaitGroup
	var told, failed atomic.Int32
	for range callers {
		all.Go(func() {
			err := w.Do(t.Context(), recovery.Call{Server: w.server, Tool: "list_hosts", Hints: mcp.Hints{ReadOnly: true}, Make: func(ctx context.Context) error {
				_, err := w.server.Call(ctx, mcp.Tool{Name: "list_hosts", Hints: mcp.Hints{ReadOnly: true}}, nil)
				return err
			}}, &counter{progress: &told})
			if err != nil {
				failed.Add(1)
				t.Log(err)
			}
		})
	}
	mcptest.Eventually(t, "all to be told of the heal", func() bool { return int(told.Load()) >= callers })
	held := heap()
	began := time.Now()
	close(over)
	all.Wait()
	took := time.Since(began)
	runs, opened := w.backend.Calls("list_hosts"), w.backend.Opened()
	t.Logf("%d callers: %d heal, %d session(s) opened, %d calls run, %d at once at most, %d before the first answer; held in %d bytes each; all answered %s after the server was up",
		callers, h.heals.Load(), opened, runs, in.most.Load(), in.beforeFirst.Load(), (held-idle)/int64(callers), took.Round(time.Millisecond))
	switch {
	case failed.Load() > 0 || h.heals.Load() != 1 || runs != callers:
		t.Errorf("%d failed", failed.Load())
	case opened != 1:
		t.Errorf("%d sessions were opened", opened)
	case in.beforeFirst.Load() != 1:
		t.Errorf("%d calls were there before it had answered one", in.beforeFirst.Load())
	case held-idle > int64(callers)*32<<10:
		t.Errorf("%d bytes are held", held-idle)
	}
}

// counter counts the callers who were told of the change, and forgets the rest.
type counter struct {
	told
	progress *atomic.Int32
}

func (c *counter) HealingProgress(_, message string) {
	if message == "Scaling to 1" {
		c.progress.Add(1)
	}
}

func heap() int64 {
	runtime.GC()
	var now runtime.MemStats
	runtime.ReadMemStats(&now)
	return int64(now.HeapInuse + now.StackInuse)
}
