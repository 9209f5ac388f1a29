// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

// The gateway takes questions over HTTP, answers them with the tools of the cluster's MCP servers, and has what fails
// healed by the Cortex operator while the asker watches.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"syscall"

	"github.com/go-logr/logr"
	"k8s.io/klog/v2"
	crlog "sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
)

// version is set by the linker (Makefile, go-build).
var version = "dev"

func main() {
	o, err := parse(os.Args[1:], os.Stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return
	case err != nil:
		fmt.Fprintf(os.Stderr, "gateway: %v\nSee 'gateway --help'.\n", err)
		os.Exit(2)
	case o.version:
		fmt.Fprintln(os.Stdout, "gateway", version, runtime.Version(), runtime.GOOS+"/"+runtime.GOARCH)
		return
	}
	log := zap.New(zap.UseFlagOptions(&o.log))
	setLoggers(log)
	ctx, stop := signal.NotifyContext(logr.NewContext(context.Background(), log), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o, log); err != nil {
		fmt.Fprintln(os.Stderr, "gateway:", err)
		os.Exit(1)
	}
}

func setLoggers(log logr.Logger) {
	crlog.SetLogger(log)
	klog.SetLogger(log.WithName("client-go"))
}
