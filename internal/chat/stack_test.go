// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build !race

package chat_test

import (
	"context"
	"runtime"
	"runtime/metrics"
	"sync"
	"testing"

	"github.com/ry-ops/cortex/internal/chat"
	"github.com/ry-ops/cortex/internal/healing"
	"github.com/ry-ops/cortex/internal/mcp"
	"github.com/ry-ops/cortex/internal/mcp/mcptest"
)

// The collector halves a stack of which less than a quarter is in use (runtime.shrinkstack), and all stacks are powers of two. A query
// that waits for a heal keeps 8 KiB if it has less than some 3.3 KiB of frames, else 16: with thousands of them, that is a third of what
// each takes. The race detector has other frames.
func TestAWaitingQueryNeedsLittleStack(t *testing.T) {
	const n, most = 500, 10 << 10
	for name, setup := range map[string]setup{
		"a call": {}, "a list": {unlisted: true},
	} {
		t.Run(name, func(t *testing.T) {
			backend := mcptest.Start(t, sandfly)
			release := make(chan struct{})
			setup.backends, setup.damage = []*mcptest.Backend{backend}, backend.Down
			setup.script = []step{func(context.Context, healing.Failure) (healing.Outcome, error) {
				<-release
				return healing.Outcome{}, nil
			}}
			setup.options = mcp.Options{}
			loop, _ := setup.loop(t)
			before := stacks()
			var asking, waiting sync.WaitGroup
			waiting.Add(n)
			for range n {
				asking.Go(func() {
					begun := sync.OnceFunc(waiting.Done)
					loop.Run(context.Background(), chat.Query{ID: "task", Text: "list sandfly hosts"}, func(event chat.Event) {
						if _, ok := event.(chat.HealingProgress); ok {
							begun()
						}
					})
				})
			}
			waiting.Wait()
			each := (stacks() - before) / n
			close(release)
			asking.Wait()
			if t.Logf("%d bytes", each); each > most {
				t.Errorf("a query that waits keeps %d bytes of stack, want at most %d: see the frames with go build -gcflags=-S", each, most)
			}
		})
	}
}

// stacks is what the stacks of all goroutines take, once the collector has had the time to halve each as often as it may.
func stacks() uint64 {
	for range 5 {
		runtime.GC()
	}
	sample := []metrics.Sample{{Name: "/memory/classes/heap/stacks:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
