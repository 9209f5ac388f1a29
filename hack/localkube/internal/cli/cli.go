// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

// Package cli is the command line of localkube.
package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"

	"github.com/ry-ops/cortex/hack/localkube/internal/cluster"
	"github.com/ry-ops/cortex/hack/localkube/internal/layout"
	"github.com/ry-ops/cortex/hack/localkube/internal/node"
	"github.com/ry-ops/cortex/hack/localkube/internal/progress"
)

// Exit codes: what ran and failed, and what could not be understood.
const (
	exitFailed = 1
	exitUsage  = 2
)

// errUsage is wrapped by errors that the help answers.
var errUsage = errors.New("see localkube --help")

// command is one thing localkube does.
type command struct {
	name    string
	summary string
	run     func(ctx context.Context, app *app, args []string) error
}

// commands are in the order of the help.
func commands() []command {
	return []command{
		{"up", "start the cluster; build or download what that needs", up},
		{"down", "stop it and remove all that it left", down},
		{"status", "show every component, and exit 1 unless all are healthy", status},
		{"load", "give an image to the cluster (see below)", load},
		{"kubeconfig", "print the path of the administrator's kubeconfig", kubeconfig},
		{"audit-log", "print the path of the API server's audit log", auditLog},
		{"assets", "print the folder to use as KUBEBUILDER_ASSETS, which also has kubectl", assets},
	}
}

// app is what the commands work with.
type app struct {
	stdout     io.Writer
	progress   *progress.Reporter
	fromSource bool
}

// Main runs the command line and returns the exit code.
func Main(ctx context.Context, arguments []string) int {
	if len(arguments) == 1 && arguments[0] == node.Command {
		return runNode(ctx)
	}
	a := &app{stdout: os.Stdout, progress: progress.New(os.Stderr)}
	err := a.main(ctx, arguments)
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errUsage):
		fmt.Fprintf(os.Stderr, "localkube: %v\n", err)
		return exitUsage
	default:
		fmt.Fprintf(os.Stderr, "localkube: %v\n", err)
		return exitFailed
	}
}

func (a *app) main(ctx context.Context, arguments []string) error {
	flags := newFlags("localkube")
	flags.BoolVar(&a.fromSource, "from-source", os.Getenv(fromSourceVariable) != "", "")
	err := flags.Parse(arguments)
	switch {
	case errors.Is(err, flag.ErrHelp) || err == nil && flags.Arg(0) == "help":
		fmt.Fprint(a.stdout, help())
		return nil
	case err != nil:
		return fmt.Errorf("%w; %w", err, errUsage)
	case flags.NArg() == 0:
		return fmt.Errorf("what shall it do? %w", errUsage)
	}
	name, rest := flags.Arg(0), flags.Args()[1:]
	for _, c := range commands() {
		if c.name != name {
			continue
		}
		err := c.run(ctx, a, rest)
		if errors.Is(err, flag.ErrHelp) {
			fmt.Fprint(a.stdout, help())
			return nil
		}
		return err
	}
	return fmt.Errorf("there is no command %q; %w", name, errUsage)
}

// newFlags is a set of flags that leaves all messages to its caller.
func newFlags(name string) *flag.FlagSet {
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	return flags
}

// noArguments refuses arguments for commands that take none.
func noArguments(name string, args []string) error {
	flags := newFlags(name)
	if err := flags.Parse(args); err != nil {
		return fmt.Errorf("%w; %w", err, errUsage)
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("%s takes no arguments, and got %q; %w", name, flags.Arg(0), errUsage)
	}
	return nil
}

func (a *app) cluster() (cluster.Cluster, error) {
	state, err := layout.FromEnvironment()
	return cluster.Cluster{Layout: state, Progress: a.progress}, err
}

// runNode is what localkube does when it is started as the node.
func runNode(ctx context.Context) int {
	log.SetFlags(log.LstdFlags | log.Lmicroseconds)
	if err := node.Run(ctx); err != nil {
		log.Print(err)
		return exitFailed
	}
	return 0
}
