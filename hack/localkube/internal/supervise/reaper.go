// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package supervise

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"sync"
	"syscall"
)

// Reaper is the part of the first process of a namespace that waits for processes: its
// own children, and those whose parent has ended, such as containerd's shims.
//
// The two can not be told apart before they are waited for, so nothing else in the
// process may wait for a child while a Reaper runs.
type Reaper struct {
	mu    sync.Mutex
	exits map[int]chan syscall.WaitStatus
}

// NewReaper starts to reap.
func NewReaper() *Reaper {
	r := &Reaper{exits: map[int]chan syscall.WaitStatus{}}
	children := make(chan os.Signal, 1)
	signal.Notify(children, syscall.SIGCHLD)
	go func() {
		for range children {
			r.reap()
		}
	}()
	return r
}

// Start starts a command, whose output must go to files, and yields how it ends.
func (r *Reaper) Start(cmd *exec.Cmd) (<-chan syscall.WaitStatus, error) {
	// The lock is held until the process is known, even if it ends at once.
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", cmd.Args[0], err)
	}
	exit := make(chan syscall.WaitStatus, 1)
	r.exits[cmd.Process.Pid] = exit
	return exit, nil
}

// reap waits for all children that have ended: one signal may stand for several.
func (r *Reaper) reap() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, syscall.WNOHANG, nil)
		if err == syscall.EINTR {
			continue
		}
		if err != nil || pid <= 0 {
			return
		}
		if exit, ok := r.exits[pid]; ok {
			exit <- status
			delete(r.exits, pid)
		}
	}
}

// describe says how a process ended.
func describe(status syscall.WaitStatus) string {
	if status.Signaled() {
		return fmt.Sprintf("was ended by signal %d (%s)", status.Signal(), status.Signal())
	}
	return fmt.Sprintf("exited with code %d", status.ExitStatus())
}
