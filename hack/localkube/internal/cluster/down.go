// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/ry-ops/cortex/hack/localkube/internal/cgroup"
	"github.com/ry-ops/cortex/hack/localkube/internal/config"
	"github.com/ry-ops/cortex/hack/localkube/internal/network"
	"github.com/ry-ops/cortex/hack/localkube/internal/process"
)

const (
	// stopWithin bounds what the kernel takes to end a namespace's processes.
	stopWithin = 2 * time.Minute
	stopEvery  = 20 * time.Millisecond
)

// Down stops the cluster and removes all that it left.
func (c Cluster) Down(ctx context.Context) error {
	if err := requireMachine(); err != nil {
		return err
	}
	if _, err := os.Stat(c.Layout.State); errors.Is(err, fs.ErrNotExist) && !network.Joined() {
		c.Progress.Say("there is no cluster")
		return nil
	}
	lock, err := c.lock(ctx)
	if err != nil {
		return err
	}
	defer lock.Release()
	started := time.Now()
	node, _, err := c.read()
	if err != nil {
		return err
	}
	if err := c.stop(ctx); err != nil {
		return err
	}
	// The lock is in there and goes last of all: see package flock.
	if err := c.clear(); err != nil {
		return err
	}
	if err := os.RemoveAll(c.Layout.State); err != nil {
		return fmt.Errorf("removing the state folder: %w", err)
	}
	if left, err := c.remains(node); err != nil || len(left) > 0 {
		return errors.Join(err, fmt.Errorf("stopping the cluster: these remain:\n  %s", strings.Join(left, "\n  ")))
	}
	c.Progress.Say("the cluster is down after %s: no process, mount, interface, route, cgroup or file of it remains",
		time.Since(started).Round(100*time.Millisecond))
	return nil
}

// stop ends the node, if it runs, and removes what the kernel does not remove with it.
// The state folder stays.
func (c Cluster) stop(ctx context.Context) error {
	node, ok, err := c.read()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, stopWithin)
	defer cancel()
	if ok && node.alive() {
		// With a namespace's first process the kernel ends all the others; their
		// mounts, interfaces and packet filters go with the other namespaces.
		if err := syscall.Kill(node.PID, syscall.SIGKILL); err != nil {
			return fmt.Errorf("ending the node: %w", err)
		}
	}
	if err := await(ctx, "ending the node's processes", func() (bool, error) {
		left, err := process.In(node.Namespace)
		return len(left) == 0, err
	}); err != nil {
		return err
	}
	if err := cgroup.Remove(ctx, config.CgroupRoot); err != nil {
		return err
	}
	// The interface would go with the node's network namespace, but the kernel keeps
	// that for as long as connections in it are being closed.
	return network.Leave(ctx)
}

func await(ctx context.Context, what string, done func() (bool, error)) error {
	for {
		ok, err := done()
		if err != nil || ok {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s: %w", what, ctx.Err())
		case <-time.After(stopEvery):
		}
	}
}

// remains lists what is left of the cluster on the host.
func (c Cluster) remains(node record) ([]string, error) {
	var left []string
	processes, err := process.In(node.Namespace)
	if err != nil {
		return nil, err
	}
	for _, p := range processes {
		left = append(left, fmt.Sprintf("process %d (%s)", p.PID, p.Command))
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, fmt.Errorf("listing mounts: %w", err)
	}
	for line := range strings.Lines(string(mounts)) {
		if strings.Contains(line, " "+c.Layout.State+"/") {
			left = append(left, "mount "+strings.TrimSpace(line))
		}
	}
	if network.Joined() {
		left = append(left, "interface "+network.HostInterface)
	}
	cgroups, err := cgroup.Find(config.CgroupRoot)
	if err != nil {
		return nil, err
	}
	for _, dir := range cgroups {
		left = append(left, "cgroup "+dir)
	}
	if _, err := os.Stat(c.Layout.State); err == nil {
		left = append(left, "folder "+c.Layout.State)
	}
	return left, nil
}
