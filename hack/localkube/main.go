// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

// Command localkube runs a real Kubernetes on this machine, with no container engine
// and no registry: see README.md, or localkube --help.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/ry-ops/cortex/hack/localkube/internal/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := cli.Main(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}
