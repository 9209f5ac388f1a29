// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

// Command bench measures what docs/performance.md promises, and prints it as that table: the gateway as it is shipped, a process of
// its own, with a real kube-apiserver that knows its callers. All parts talk over loopback. What is compared takes turns, so that
// what else the machine does meets all alike.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"

	"github.com/go-logr/logr"
	ctrl "sigs.k8s.io/controller-runtime"
)

// parts of the benchmark, in their order.
var parts = []struct {
	name string
	run  func(context.Context, *world, *table) error
}{
	{"idle", idle}, {"calls", calls}, {"outage", outages}, {"record", record}, {"streams", streams}, {"many", manyStreams}, {"storm", storm},
}

func main() {
	ctrl.SetLogger(logr.Discard())
	var err error
	switch arguments := os.Args[1:]; {
	case len(arguments) > 2 && arguments[0] == "server":
		err = serve(arguments[1], arguments[2:]...)
	case len(arguments) == 2 && arguments[0] == "reverse":
		err = reverse(arguments[1])
	case len(arguments) == 5 && arguments[0] == "readers":
		err = readAll(arguments[1], arguments[2], arguments[3], arguments[4])
	default:
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
		err = run(ctx)
		stop()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	program := flag.String("gateway", "bin/gateway", "the gateway, built as it is shipped")
	only := flag.String("only", "", "the parts to run, with commas between: idle, calls, outage, record, streams, many, storm (default: all)")
	strict := flag.Bool("strict", false, "fail if a bound is missed; a busy machine misses some")
	flag.Parse()
	if _, err := os.Stat(*program); err != nil || flag.NArg() > 0 {
		return errors.Join(err, errors.New("run `make bench`, which builds the gateway"))
	}
	w, err := newWorld(ctx, *program)
	if err != nil {
		return err
	}
	defer w.end()
	t := &table{out: os.Stdout}
	t.begin()
	for _, part := range parts {
		if *only != "" && !slices.Contains(strings.Split(*only, ","), part.name) {
			continue
		}
		if err := part.run(ctx, w, t); err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
	}
	if *strict && t.missed > 0 {
		return fmt.Errorf("%d bounds are missed", t.missed)
	}
	return nil
}
