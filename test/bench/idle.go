// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"time"
)

const (
	// servers that an idle gateway knows, and has listed the tools of.
	servers = 20
	starts  = 7
	// restTime is how long a gateway is idle before it is looked at.
	restTime = 20 * time.Second
)

// idle measures how soon a gateway is ready, and what it takes while nobody asks.
func idle(ctx context.Context, w *world, t *table) error {
	var all []string
	for i := range servers {
		all = append(all, fmt.Sprintf("127.77.2.%d:3000", i+1))
	}
	server, err := start(ctx, "server", append([]string{w.notes()}, all...)...)
	if err != nil {
		return err
	}
	defer server.kill()
	for i, address := range all {
		name := fmt.Sprintf("idle-%d", i)
		if err := w.addServer(ctx, name, address); err != nil {
			return err
		}
		defer w.forget(ctx, name)
	}
	var ready []time.Duration
	for i := range starts {
		gateway, took, err := w.gateway(ctx)
		if err != nil {
			return err
		}
		if ready = append(ready, took); i < starts-1 {
			gateway.kill()
			continue
		}
		defer gateway.kill()
		time.Sleep(restTime) //nolint:forbidigo // nothing is awaited: that is what idle means
		resident, anonymous, err := gateway.memory()
		if err != nil {
			return err
		}
		t.most(fmt.Sprintf("start of the process → ready, median of %d", starts), milliseconds(median(ready)), 300, " ms")
		t.most(fmt.Sprintf("idle with %d servers: resident", servers), mebibytes(resident), 30, " MiB")
		t.tell("of that, anonymous (the rest is the program's file)", "%.1f MiB", mebibytes(anonymous))
	}
	return nil
}
