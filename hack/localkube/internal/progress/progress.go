// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

// Package progress tells on a terminal or in a log what is going on and how long it
// took: nothing that takes longer than two seconds is silent.
package progress

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

const (
	quiet       = 2 * time.Second  // a step shorter than this shows only its end
	redrawEvery = time.Second      // on a terminal, where a line is drawn over
	repeatEvery = 10 * time.Second // elsewhere, where every line stays
)

// Reporter writes progress.
type Reporter struct {
	out      io.Writer
	terminal bool
	mu       sync.Mutex
}

// New reports to a file; it draws over its lines where that is a terminal.
func New(out *os.File) *Reporter {
	info, err := out.Stat()
	return &Reporter{out: out, terminal: err == nil && info.Mode()&os.ModeCharDevice != 0}
}

// Say writes one line.
func (r *Reporter) Say(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	fmt.Fprintf(r.out, format+"\n", args...)
}

// Step is something that takes time.
type Step struct {
	reporter *Reporter
	label    string
	started  time.Time
	stop     chan struct{}
	done     sync.WaitGroup

	mu   sync.Mutex
	note string
}

// Start begins a step; its Done or Failed must follow.
func (r *Reporter) Start(format string, args ...any) *Step {
	s := &Step{
		reporter: r,
		label:    fmt.Sprintf(format, args...),
		started:  time.Now(),
		stop:     make(chan struct{}),
	}
	s.done.Go(s.run)
	return s
}

// Note says how far the step is, beside the time.
func (s *Step) Note(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.note = fmt.Sprintf(format, args...)
}

// Done ends the step and says how long it took.
func (s *Step) Done() {
	s.end("%s (%s)", s.label, s.elapsed())
}

// Failed ends the step without success; the error is for the caller to show.
func (s *Step) Failed() {
	s.end("%s: failed after %s", s.label, s.elapsed())
}

func (s *Step) end(format string, args ...any) {
	close(s.stop)
	s.done.Wait()
	if s.reporter.terminal {
		format = "\r\x1b[K" + format
	}
	s.reporter.Say(format, args...)
}

func (s *Step) run() {
	every := repeatEvery
	if s.reporter.terminal {
		every = redrawEvery
	}
	next := time.NewTimer(quiet)
	defer next.Stop()
	for {
		select {
		case <-s.stop:
			return
		case <-next.C:
			s.show()
			next.Reset(every)
		}
	}
}

func (s *Step) show() {
	s.mu.Lock()
	line := fmt.Sprintf("%s… %s", s.label, s.elapsed())
	if s.note != "" {
		line += ", " + s.note
	}
	s.mu.Unlock()
	s.reporter.mu.Lock()
	defer s.reporter.mu.Unlock()
	if s.reporter.terminal {
		fmt.Fprintf(s.reporter.out, "\r\x1b[K%s", line)
		return
	}
	fmt.Fprintln(s.reporter.out, line)
}

func (s *Step) elapsed() time.Duration {
	elapsed := time.Since(s.started)
	if elapsed < 10*time.Second {
		return elapsed.Round(100 * time.Millisecond)
	}
	return elapsed.Round(time.Second)
}
