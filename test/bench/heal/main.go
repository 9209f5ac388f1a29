// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

// Command heal measures how long the main job takes, beside its floor: from the question to the answer when the server is
// scaled to zero, and the time that a plain `kubectl scale` and the first MCP handshake take, in turn, in one run.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/ry-ops/cortex/test/harness"
)

const server = "sandfly-mcp-server"

func main() {
	runs := flag.Int("runs", 5, "how often each is measured")
	floorOnly := flag.Bool("floor", false, "measure the floor once, print it and nothing else; the server must be at zero")
	flag.Parse()
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Minute)
	defer cancel()
	if err := run(ctx, *runs, *floorOnly); err != nil {
		fmt.Fprintln(os.Stderr, "heal:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, runs int, floorOnly bool) error {
	cluster, err := harness.Connect()
	if err != nil {
		return err
	}
	if floorOnly {
		floor, err := cluster.Floor(ctx, server)
		if err == nil {
			fmt.Printf("%.3f s\n", floor.Seconds())
		}
		return err
	}
	var floors, heals, ratios []float64
	fmt.Println("run   floor s   heal s   ratio")
	for i := range runs {
		floor, heal, err := pair(ctx, cluster)
		if err != nil {
			return err
		}
		floors, heals, ratios = append(floors, floor), append(heals, heal), append(ratios, heal/floor)
		fmt.Printf("%3d   %7.3f  %7.3f   %5.2f\n", i+1, floor, heal, heal/floor)
	}
	fmt.Printf("median  %5.3f  %7.3f   %5.2f (of the pairs), %.2f (of the medians)\n",
		median(floors), median(heals), median(ratios), median(heals)/median(floors))
	return nil
}

// pair measures both, one right after the other: the machine may be slower a minute later.
func pair(ctx context.Context, cluster *harness.Cluster) (floor, heal float64, err error) {
	if err := cluster.Scale(ctx, server, 0); err != nil {
		return 0, 0, err
	}
	took, err := cluster.Floor(ctx, server)
	if err != nil {
		return 0, 0, fmt.Errorf("measuring the floor: %w", err)
	}
	if err := cluster.Settled(ctx, server); err != nil {
		return 0, 0, err
	}
	if err := cluster.Scale(ctx, server, 0); err != nil {
		return 0, 0, err
	}
	gateway, err := cluster.Gateway(ctx)
	if err != nil {
		return 0, 0, err
	}
	events, err := cluster.Ask(ctx, gateway, "list sandfly hosts")
	if err != nil {
		return 0, 0, err
	}
	last := events[len(events)-1]
	if last.Type() != "processing_complete" || last.Text("status") != "completed" {
		return 0, 0, fmt.Errorf("the question was not answered: %v", last.Fields)
	}
	return took.Seconds(), last.At.Seconds(), cluster.Settled(ctx, server)
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}
