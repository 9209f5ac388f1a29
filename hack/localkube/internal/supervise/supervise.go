// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

// Package supervise runs the programs of a node in their order, watches them, and
// tells how they are.
package supervise

import (
	"context"
	"fmt"
	"log"
	"os"
	"os/exec"
	"slices"
	"sync"
	"time"

	"github.com/ry-ops/cortex/hack/localkube/internal/config"
	"github.com/ry-ops/cortex/hack/localkube/internal/logtail"
)

const (
	// healthEvery is how often a program that starts is asked whether it is ready.
	healthEvery = 50 * time.Millisecond
	// tailLines is how much of a log is shown of a program that ended.
	tailLines = 12
)

// Supervisor runs programs. It does not start one again that ends: on a node that is
// there for tests, an ended component is something to be told about.
type Supervisor struct {
	programs []*program
	health   *checker
}

// program is a program and what became of it.
type program struct {
	config.Program
	log string

	ready chan struct{} // closed when it was healthy for the first time

	mu    sync.Mutex
	pid   int
	ended string
}

// New prepares programs; the logs are told by log.
func New(programs []config.Program, log func(name string) string) *Supervisor {
	s := &Supervisor{health: newChecker()}
	for _, p := range programs {
		s.programs = append(s.programs, &program{Program: p, log: log(p.Name), ready: make(chan struct{})})
	}
	return s
}

// Run starts every program as soon as those it comes after are healthy, and returns
// when ctx ends. A program that can not run is reported by Status.
func (s *Supervisor) Run(ctx context.Context, reaper *Reaper, command func(config.Program) *exec.Cmd) {
	var running sync.WaitGroup
	for _, p := range s.programs {
		running.Go(func() {
			if err := s.run(ctx, p, reaper, command(p.Program)); err != nil {
				log.Printf("%v", err)
				p.end(err.Error())
			}
		})
	}
	running.Wait()
	<-ctx.Done()
}

func (s *Supervisor) run(ctx context.Context, p *program, reaper *Reaper, cmd *exec.Cmd) error {
	for _, earlier := range s.programs {
		if !slices.Contains(p.After, earlier.Name) {
			continue
		}
		select {
		case <-earlier.ready:
		case <-ctx.Done():
			return nil
		}
	}
	output, err := os.OpenFile(p.log, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return fmt.Errorf("opening the log of %s: %w", p.Name, err)
	}
	defer output.Close()
	cmd.Stdout, cmd.Stderr = output, output
	exit, err := reaper.Start(cmd)
	if err != nil {
		return err
	}
	log.Printf("%s started", p.Name)
	p.started(cmd.Process.Pid)
	go s.awaitReady(ctx, p)
	select {
	case status := <-exit:
		return fmt.Errorf("%s %s; its last lines:\n%s", p.Name, describe(status), logtail.Of(p.log, tailLines))
	case <-ctx.Done():
		return nil
	}
}

// awaitReady closes the program's ready channel when it is healthy.
func (s *Supervisor) awaitReady(ctx context.Context, p *program) {
	for {
		if err := s.health.check(ctx, p.Health); err == nil {
			log.Printf("%s is healthy", p.Name)
			close(p.ready)
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(healthEvery):
		}
	}
}

func (p *program) started(pid int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pid = pid
}

func (p *program) end(how string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = how
}
