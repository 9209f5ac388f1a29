// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

const (
	rounds = 9
	length = 400 * time.Millisecond
	// backend is the Service of the server that calls go to.
	backend        = "bench"
	backendAddress = "127.77.1.1:3000"
)

// way to the server.
type way struct {
	name                string
	process             *process
	path, prefix, token string
}

// reach makes the server and a gateway that knows it. Both must be killed.
func reach(ctx context.Context, w *world) (server, gateway *process, err error) {
	if server, err = start(ctx, "server", w.notes(), backendAddress); err != nil {
		return nil, nil, err
	}
	if err = w.addServer(ctx, backend, backendAddress); err == nil {
		gateway, _, err = w.gateway(ctx)
	}
	if err != nil {
		server.kill()
	}
	return server, gateway, err
}

func (w *world) notes() string { return filepath.Join(w.folder, "written") }

// calls measures what a healthy call costs on its way through the gateway, with authentication, policy, breaker and log on, beside
// the call without one and through the reverse proxy of Go's library, which has none of these.
func calls(ctx context.Context, w *world, t *table) error {
	server, ours, err := reach(ctx, w)
	if err != nil {
		return err
	}
	defer w.forget(ctx, backend)
	defer server.kill()
	defer ours.kill()
	plain, err := start(ctx, "reverse", server.address)
	if err != nil {
		return err
	}
	defer plain.kill()
	ways := []way{
		{"direct", server, "/mcp", "", ""},
		{"ReverseProxy", plain, "/mcp", "", ""},
		{"/mcp", ours, "/mcp", backend + "__", w.token},
		{"/mcp/SERVER", ours, "/mcp/" + backend, "", w.token},
	}
	for _, tool := range []string{"small", "large"} {
		for _, sessions := range []int{1, 16} {
			all, err := compare(ctx, ways, tool, sessions)
			if err != nil {
				return w.said(err)
			}
			tellCalls(t, ways, all, tool, sessions)
		}
	}
	return nil
}

func tellCalls(t *table, ways []way, all []figures, tool string, sessions int) {
	what := fmt.Sprintf("%s, %d session%s", map[string]string{"small": "64 B", "large": "64 KiB"}[tool], sessions, map[bool]string{true: "s"}[sessions > 1])
	for i, f := range all {
		text := fmt.Sprintf("p50 %s, %.0f calls/s", median(f.p50).Round(100*time.Nanosecond), f.rate())
		if i > 0 {
			text += fmt.Sprintf(", %.1f × direct, CPU %s a call, %.0f allocations", ratio(f.p50, all[0].p50), f.cpu().Round(100*time.Nanosecond), f.used.Mallocs/float64(f.calls))
		}
		t.tell(what+": "+ways[i].name, "%s", text)
	}
	bound := map[string]float64{"small": 1, "large": 1.1}[tool]
	for i := 2; i < len(ways); i++ {
		name := what + ": " + ways[i].name + " ÷ ReverseProxy, "
		t.most(name+"p50", ratio(all[i].p50, all[1].p50), bound, " ×")
		if tool == "large" {
			continue
		}
		t.most(name+"CPU a call", all[i].cpu().Seconds()/all[1].cpu().Seconds(), 1, " ×")
		if sessions > 1 {
			t.least(name+"throughput", all[i].rate()/all[1].rate(), 1, " ×")
		}
	}
	for i, f := range all {
		switch {
		case f.failed > 0 && i > 1:
			t.holds(what+": "+ways[i].name+", failed", false, fmt.Sprint(f.failed), "0")
		case f.failed > 0:
			t.tell(what+": "+ways[i].name+", failed", "%d", f.failed)
		}
	}
}

// figures of one way.
type figures struct {
	p50    []time.Duration
	calls  int
	failed int
	length time.Duration
	used   usage
}

func (f figures) cpu() time.Duration { return f.used.CPU / time.Duration(f.calls) }

func (f figures) rate() float64 { return float64(f.calls) / f.length.Seconds() }

func compare(ctx context.Context, ways []way, tool string, sessions int) ([]figures, error) {
	all := make([]figures, len(ways))
	for round := range rounds {
		for i := range ways {
			at := (i + round) % len(ways)
			if err := all[at].add(ctx, ways[at], tool, sessions); err != nil {
				return nil, fmt.Errorf("%s: %w", ways[at].name, err)
			}
		}
	}
	return all, nil
}

// ratio is the median of the ratios of each round.
func ratio(a, b []time.Duration) float64 {
	ratios := make([]float64, len(a))
	for i := range a {
		ratios[i] = float64(a[i]) / float64(b[i])
	}
	return median(ratios)
}

func median[T int | int64 | float64 | time.Duration](all []T) T {
	return slices.Sorted(slices.Values(all))[len(all)/2]
}

// add measures one round.
func (f *figures) add(ctx context.Context, w way, tool string, sessions int) error {
	clients := make([]*caller, sessions)
	for i := range clients {
		var err error
		if clients[i], err = dial(ctx, w); err != nil {
			return err
		}
		defer func() { _ = clients[i].conn.Close() }()
	}
	before, err := w.process.usage(ctx)
	if err != nil {
		return err
	}
	var mu sync.Mutex
	var measuring sync.WaitGroup
	var took []time.Duration
	var failed error
	for _, c := range clients {
		measuring.Go(func() {
			some, lost, err := c.measure(ctx, tool, length)
			mu.Lock()
			defer mu.Unlock()
			took, failed = append(took, some...), errors.Join(failed, err)
			f.failed += lost
		})
	}
	measuring.Wait()
	after, err := w.process.usage(ctx)
	if err := errors.Join(failed, err); err != nil {
		return err
	}
	f.p50 = append(f.p50, median(took))
	f.calls += len(took)
	f.length += length
	f.used.CPU += after.CPU - before.CPU
	f.used.Mallocs += after.Mallocs - before.Mallocs
	return nil
}
