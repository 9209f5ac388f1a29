// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// mode is a way to be broken.
type mode string

const (
	// modeNone is well.
	modeNone mode = "none"
	// modeHang accepts every MCP request and answers none; health and readiness are well.
	modeHang mode = "hang"
	// modeCrash exits once, with code 1.
	modeCrash mode = "crash"
	// modeCrashUntilRestarted exits at every start in the same pod. A new pod has a new scratch folder and is well.
	modeCrashUntilRestarted mode = "crash-until-restarted"
	// modeSlowStart waits before it listens. Over HTTP it takes effect at the container's next start.
	modeSlowStart mode = "slow-start"
	// modeAllocate takes memory and keeps it.
	modeAllocate mode = "allocate"
	// modeSlowTool delays every tool call.
	modeSlowTool mode = "slow-tool"
)

var modes = []mode{
	modeNone, modeHang, modeCrash, modeCrashUntilRestarted, modeSlowStart, modeAllocate, modeSlowTool,
	modeStatus, modeReset, modeStallBody, modeCutStream, modeCutHead, modeEndStream, modeLoseSession, modeWebPage, modeTLS, modeRPCError, modeFlood, modeDependencyDown,
}

const (
	defaultDelay = 10 * time.Second
	maxDelay     = 10 * time.Minute
	defaultCode  = http.StatusServiceUnavailable
	chunk        = 8 << 20
)

// Files in the scratch folder. They live as long as the pod.
const (
	corruptMarker   = "state.db.corrupt"
	slowStartMarker = "slow-start"
)

// fault is a mode and its measure.
type fault struct {
	Mode  mode          `json:"mode"`
	Delay time.Duration `json:"delay,omitempty"`
	MiB   int           `json:"mib,omitempty"`
	Code  int           `json:"code,omitempty"`
	// Times is how many calls of tools an answer on the wire is for, and no other request; 0 means every request, for good.
	Times int `json:"times,omitempty"`
	// Runs: the tool of a call is run before the answer is lost.
	Runs bool `json:"runs,omitempty"`
}

func parseMode(name string) (mode, error) {
	if name == "" {
		return modeNone, nil
	}
	if !slices.Contains(modes, mode(name)) {
		return "", fmt.Errorf("fault is %q: write one of %s", name, modeNames())
	}
	return mode(name), nil
}

func modeNames() string {
	names := make([]string, len(modes))
	for i, m := range modes {
		names[i] = string(m)
	}
	return strings.Join(names, ", ")
}

// faults is how the server is broken now.
type faults struct {
	log     *slog.Logger
	scratch string
	crashed chan error

	mu  sync.Mutex
	now fault
	// held is the memory that allocate took.
	held [][]byte
}

func newFaults(log *slog.Logger, scratch string) *faults {
	return &faults{log: log, scratch: scratch, crashed: make(chan error, 1), now: fault{Mode: modeNone}}
}

// atStart applies what the scratch folder remembers, and then the fault that the process was started with.
func (f *faults) atStart(ctx context.Context, first fault) error {
	if _, err := os.Stat(f.path(corruptMarker)); err == nil {
		return f.corrupt()
	}
	switch first.Mode {
	case modeCrash:
		return f.corrupt()
	case modeCrashUntilRestarted:
		if err := f.remember(corruptMarker, ""); err != nil {
			return err
		}
		return f.corrupt()
	case modeSlowStart:
		f.wait(ctx, first.Delay)
	default:
		f.apply(first)
	}
	if text, err := os.ReadFile(f.path(slowStartMarker)); err == nil {
		delay, _ := time.ParseDuration(string(text))
		f.wait(ctx, min(delay, maxDelay))
	}
	return nil
}

func (f *faults) wait(ctx context.Context, delay time.Duration) {
	f.log.Info("starting slowly", "delay", delay.String())
	select {
	case <-ctx.Done():
	case <-time.After(delay):
	}
}

// corrupt is how a crash is told: as a server would that cannot read its own state.
func (f *faults) corrupt() error {
	return fmt.Errorf("state file %s is corrupt", f.path("state.db"))
}

func (f *faults) path(name string) string { return filepath.Join(f.scratch, name) }

func (f *faults) remember(name, text string) error {
	if err := os.WriteFile(f.path(name), []byte(text), 0o600); err != nil {
		return fmt.Errorf("remembering a fault: %w", err)
	}
	return nil
}

// forget clears what the scratch folder remembers.
func (f *faults) forget() error {
	for _, name := range []string{corruptMarker, slowStartMarker} {
		if err := os.Remove(f.path(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("clearing faults: %w", err)
		}
	}
	return nil
}

func (f *faults) current() fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.now
}

// meet gives the fault that a request meets, and counts it.
func (f *faults) meet(call bool) fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.now
	if now.Times == 0 {
		return now
	}
	if !call {
		return fault{Mode: modeNone}
	}
	if f.now.Times--; f.now.Times == 0 {
		f.now = fault{Mode: modeNone}
	}
	return now
}

// apply makes a fault the current one.
func (f *faults) apply(next fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now, f.held = next, nil
	if next.Mode == modeAllocate {
		go f.allocate(next)
	}
}

// show answers GET /fault.
func (f *faults) show(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, f.current())
}

// set answers POST /fault?mode=…&delay=…&mib=…&code=…&times=…&runs=… .
func (f *faults) set(w http.ResponseWriter, r *http.Request) {
	next, err := readFault(r)
	if err != nil {
		writeJSON(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
		return
	}
	if err := f.begin(next); err != nil {
		writeJSON(w, http.StatusInternalServerError, map[string]string{"error": err.Error()})
		return
	}
	f.log.Warn("fault set", "mode", string(next.Mode))
	writeJSON(w, http.StatusOK, next)
	if next.Mode == modeCrash || next.Mode == modeCrashUntilRestarted {
		_ = http.NewResponseController(w).Flush()
		f.crashed <- f.corrupt()
	}
}

func (f *faults) begin(next fault) error {
	switch next.Mode {
	case modeNone:
		f.apply(next)
		return f.forget()
	case modeCrashUntilRestarted:
		return f.remember(corruptMarker, "")
	case modeSlowStart:
		return f.remember(slowStartMarker, next.Delay.String())
	default:
		f.apply(next)
		return nil
	}
}

func readFault(r *http.Request) (fault, error) {
	query := r.URL.Query()
	next := fault{Delay: defaultDelay, Code: defaultCode}
	var err error
	if next.Mode, err = parseMode(query.Get("mode")); err != nil {
		return next, err
	}
	if text := query.Get("delay"); text != "" {
		if next.Delay, err = time.ParseDuration(text); err != nil || next.Delay < 0 || next.Delay > maxDelay {
			return next, fmt.Errorf("delay is %q: write a duration up to %s, such as 5s", text, maxDelay)
		}
	}
	if text := query.Get("mib"); text != "" {
		if next.MiB, err = strconv.Atoi(text); err != nil || next.MiB < 0 {
			return next, fmt.Errorf("mib is %q: write a whole number", text)
		}
	}
	if text := query.Get("times"); text != "" {
		if next.Times, err = strconv.Atoi(text); err != nil || next.Times < 0 {
			return next, fmt.Errorf("times is %q: write a whole number", text)
		}
	}
	if text := query.Get("runs"); text != "" {
		if next.Runs, err = strconv.ParseBool(text); err != nil {
			return next, fmt.Errorf("runs is %q: write true or false", text)
		}
	}
	if text := query.Get("code"); text != "" {
		if next.Code, err = strconv.Atoi(text); err != nil || next.Code < 300 || next.Code > 599 {
			return next, fmt.Errorf("code is %q: write an HTTP status from 300 to 599", text)
		}
	}
	return next, nil
}

// slowTool is a middleware that delays tool calls. A delayed call runs on after its caller has given up, as one in a
// server that does not listen to its caller does.
func (f *faults) slowTool(next mcp.MethodHandler) mcp.MethodHandler {
	return func(ctx context.Context, method string, request mcp.Request) (mcp.Result, error) {
		now := f.current()
		if _, ok := request.(*mcp.CallToolRequest); ok && now.Mode == modeSlowTool {
			<-time.After(now.Delay)
		}
		return next(ctx, method, request)
	}
}

// allocate takes memory piece by piece and writes to it, so that it counts, until it has enough or is killed.
func (f *faults) allocate(wanted fault) {
	for taken := 0; wanted.MiB == 0 || taken < wanted.MiB<<20; taken += chunk {
		piece := make([]byte, chunk)
		for i := 0; i < len(piece); i += os.Getpagesize() {
			piece[i] = 1
		}
		if !f.hold(piece) {
			return
		}
		<-time.After(10 * time.Millisecond)
	}
}

// hold keeps a piece of memory; it reports false once another fault has taken over.
func (f *faults) hold(piece []byte) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.now.Mode != modeAllocate {
		return false
	}
	f.held = append(f.held, piece)
	return true
}
