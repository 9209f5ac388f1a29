// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

// Command kubectl-cortex is a kubectl plugin that finds out why a service does not answer: on a live cluster with the
// rights of its user, or on a file, without any cluster. It also asks the Cortex operator for heals, answers the plans that wait
// for a person, and tells what was healed before.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/go-logr/logr"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
)

// version is set by the linker (Makefile, go-build); without it the module's own version is told.
var version = ""

// The exit codes, for scripts.
const (
	exitHealthy  = 0
	exitFindings = 1
	exitFailed   = 2
	exitHeld     = 3
)

// errFindings ends a command that worked and found something.
var errFindings = errors.New("findings")

// streams are what a command reads and writes.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

func main() {
	// What the libraries log is about themselves. What matters is an error or a gap of the report.
	ctrl.SetLogger(logr.Discard())
	klog.SetLogger(logr.Discard())
	rest.SetDefaultWarningHandler(rest.NoWarnings{})

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], streams{os.Stdin, os.Stdout, os.Stderr}, clock.RealClock{})
	stop()
	os.Exit(code)
}

// run executes a command line and returns the exit code.
func run(ctx context.Context, args []string, io streams, clock clock.Clock) int {
	root := newRoot(io, clock) //nolint:contextcheck // cobra hands the context to each command
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	switch {
	case err == nil:
		return exitHealthy
	case errors.Is(err, errFindings), errors.Is(err, errUnhealed):
		return exitFindings
	case errors.Is(err, errHeld):
		return exitHeld
	case ctx.Err() != nil:
		fmt.Fprintln(io.err, "error: interrupted")
		return exitFailed
	default:
		fmt.Fprintf(io.err, "error: %v\n", err)
		return exitFailed
	}
}
