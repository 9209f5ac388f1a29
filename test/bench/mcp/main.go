// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

// The benchmark of /mcp: what a healthy call costs on its way through the gateway, beside the call without one and through the
// reverse proxy of Go's library; and what becomes of calls while their server is killed for three seconds. Server, gateway and client
// are processes of their own and talk over loopback. The ways take turns, so that what else the machine does meets all alike.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"sync"
	"text/tabwriter"
	"time"
)

const (
	rounds = 7
	length = 400 * time.Millisecond
)

func main() {
	var err error
	switch arguments := os.Args[1:]; {
	case len(arguments) == 3 && arguments[0] == "server":
		err = serve(arguments[1], arguments[2])
	case len(arguments) == 3 && arguments[0] == "reverse":
		err = reverse(arguments[1], arguments[2])
	case len(arguments) == 3 && arguments[0] == "cortex":
		err = cortex(arguments[1], arguments[2])
	case len(arguments) == 0:
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
		err = run(ctx)
		stop()
	default:
		err = errors.New("this program takes no arguments: it starts its own parts")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// way to the server.
type way struct {
	name         string
	process      *process
	path, prefix string
}

func run(ctx context.Context) error {
	notes, err := os.MkdirTemp("", "bench")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(notes) }()
	written := filepath.Join(notes, "written")
	server, err := start(ctx, "server", "127.0.0.1:0", written)
	if err != nil {
		return err
	}
	defer server.kill()
	plain, err := start(ctx, "reverse", "127.0.0.1:0", server.address)
	if err != nil {
		return err
	}
	defer plain.kill()
	ours, err := start(ctx, "cortex", "127.0.0.1:0", server.address)
	if err != nil {
		return err
	}
	defer ours.kill()
	ways := []way{
		{"direct", server, "/mcp", ""},
		{"httputil.ReverseProxy", plain, "/mcp", ""},
		{"cortex /mcp", ours, "/mcp", "bench__"},
		{"cortex /mcp/SERVER", ours, "/mcp/bench", ""},
	}
	out := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(out, "result\tsessions\tway\tp50\tof direct\tof ReverseProxy\tcalls/s\tCPU/call\tallocs/call\tfailed")
	for _, tool := range []string{"small", "large"} {
		for _, sessions := range []int{1, 16} {
			if err := compare(ctx, out, ways, tool, sessions); err != nil {
				return err
			}
		}
	}
	if err := out.Flush(); err != nil {
		return err
	}
	return outage(ctx, server, ours, written)
}

// figures of one way.
type figures struct {
	p50    []time.Duration
	calls  int
	failed int
	length time.Duration
	used   usage
}

func compare(ctx context.Context, out *tabwriter.Writer, ways []way, tool string, sessions int) error {
	all := make([]figures, len(ways))
	for round := range rounds {
		for i := range ways {
			at := (i + round) % len(ways)
			if err := all[at].add(ctx, ways[at], tool, sessions); err != nil {
				return fmt.Errorf("%s: %w", ways[at].name, err)
			}
		}
	}
	direct, plain := median(all[0].p50), median(all[1].p50)
	for i, f := range all {
		p50 := median(f.p50)
		cpu, allocs := "", ""
		if i > 0 {
			cpu = (f.used.CPU / time.Duration(f.calls)).Round(100 * time.Nanosecond).String()
			allocs = fmt.Sprintf("%.0f", float64(f.used.Mallocs)/float64(f.calls))
		}
		fmt.Fprintf(out, "%s\t%d\t%s\t%s\t%.2f\t%.2f\t%.0f\t%s\t%s\t%d\n", map[string]string{"small": "64 B", "large": "64 KiB"}[tool], sessions, ways[i].name,
			p50.Round(100*time.Nanosecond), ratio(p50, direct), ratio(p50, plain), float64(f.calls)/f.length.Seconds(), cpu, allocs, f.failed)
	}
	return out.Flush()
}

func ratio(a, b time.Duration) float64 { return float64(a) / float64(b) }

func median(all []time.Duration) time.Duration {
	slices.Sort(all)
	return all[len(all)/2]
}

// add measures one round.
func (f *figures) add(ctx context.Context, w way, tool string, sessions int) error {
	clients := make([]*client, sessions)
	for i := range clients {
		var err error
		if clients[i], err = dial(ctx, w.process.address, w.path, w.prefix); err != nil {
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
