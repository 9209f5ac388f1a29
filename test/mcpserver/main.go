// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

// Command mcpserver is a real MCP server with invented data, and with faults on demand. The sample deployments and the
// tests of Cortex run it: as sandfly-mcp-server, as proxmox-mcp-server, and as a small registry that refuses images.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"k8s.io/utils/clock"
)

const (
	// shutdownGrace is how long calls in flight may take to end after SIGTERM. A hung one never ends, and a rollout
	// should not wait for it.
	shutdownGrace = time.Second
	headerTimeout = 5 * time.Second
)

// options of one run.
type options struct {
	addr, profile, scratch, registry, deaf string
	stateless                              bool
	// lastWords are printed, and end the process with code 1: a log that tells a fault, of a real container.
	lastWords string
	fault     fault
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	log := slog.New(slog.NewJSONHandler(os.Stderr, nil))
	options, err := parse(os.Args[1:], os.Getenv, os.Stderr)
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err == nil {
		err = run(ctx, log, options)
	}
	if err != nil {
		log.Error("fatal: " + err.Error())
		os.Exit(1) //nolint:gocritic // stop has nothing left to do
	}
}

// parse reads the flags; the environment gives their defaults, so that `kubectl set env` puts a fault in.
func parse(args []string, env func(string) string, output io.Writer) (options, error) {
	var o options
	var mode string
	flags := flag.NewFlagSet("mcpserver", flag.ContinueOnError)
	flags.SetOutput(output)
	flags.StringVar(&o.addr, "addr", ":3000", "address to listen on")
	flags.StringVar(&o.profile, "profile", env("MCP_PROFILE"), "whose tools to serve: sandfly or proxmox (env MCP_PROFILE)")
	flags.StringVar(&o.scratch, "scratch", os.TempDir(), "folder for the state of faults")
	flags.StringVar(&o.registry, "registry", "", "serve a container registry on this address instead of MCP")
	flags.StringVar(&o.deaf, "deaf", "", "listen on this address as well, and take no connection there, as a server whose queue is full")
	flags.BoolVar(&o.stateless, "stateless", false, "keep no sessions")
	flags.StringVar(&mode, "fault", env("MCP_FAULT"), "fault to begin with (env MCP_FAULT): "+modeNames())
	flags.StringVar(&o.lastWords, "last-words", "", "print this text and exit with code 1")
	flags.DurationVar(&o.fault.Delay, "delay", defaultDelay, "delay of slow-start and slow-tool")
	flags.IntVar(&o.fault.Code, "code", defaultCode, "HTTP status that status answers with")
	flags.IntVar(&o.fault.MiB, "mib", 0, "memory that allocate takes; 0 for all there is")
	if err := flags.Parse(args); err != nil {
		return o, fmt.Errorf("parsing flags: %w", err)
	}
	var err error
	if o.fault.Mode, err = parseMode(mode); err != nil {
		return o, err
	}
	if o.registry == "" && profiles[o.profile] == nil {
		return o, fmt.Errorf("profile is %q: write --profile sandfly or --profile proxmox", o.profile)
	}
	return o, nil
}

// run serves until the context ends or a fault ends it.
func run(ctx context.Context, log *slog.Logger, o options) error {
	if o.registry != "" {
		return serve(ctx, log, o.registry, newRegistry(), nil)
	}
	if o.lastWords != "" {
		return errors.New(o.lastWords)
	}
	faults := newFaults(log, o.scratch)
	if err := faults.atStart(ctx, o.fault); err != nil {
		return err
	}
	if o.deaf != "" {
		listener, err := deaf(ctx, o.deaf)
		if err != nil {
			return err
		}
		defer listener.Close()
	}
	return serve(ctx, log, o.addr, newHandler(log, o, faults, clock.RealClock{}), faults.crashed)
}

// serve answers requests until the context ends, which is well, or something crashes, which is an error.
func serve(ctx context.Context, log *slog.Logger, addr string, handler http.Handler, crashed <-chan error) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return fmt.Errorf("listening: %w", err)
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: headerTimeout}
	defer server.Close()
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	log.Info("listening", "addr", listener.Addr().String())
	select {
	case err := <-failed:
		return fmt.Errorf("serving: %w", err)
	case err := <-crashed:
		return err
	case <-ctx.Done():
	}
	log.Info("shutting down")
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownGrace)
	defer cancel()
	if err := server.Shutdown(grace); err != nil {
		log.Info("calls were still in flight", "err", err.Error())
	}
	return nil
}
