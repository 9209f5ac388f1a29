// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

// Package cluster brings the node up and down, and tells how it is.
package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"

	"github.com/ry-ops/cortex/hack/localkube/internal/flock"
	"github.com/ry-ops/cortex/hack/localkube/internal/image"
	"github.com/ry-ops/cortex/hack/localkube/internal/layout"
	"github.com/ry-ops/cortex/hack/localkube/internal/progress"
)

// Cluster is a cluster of one node on this machine.
type Cluster struct {
	Layout   layout.Layout
	Progress *progress.Reporter
}

// ErrNotRunning means that there is no node.
var ErrNotRunning = errors.New("the cluster is not running (start it with: localkube up)")

// lock excludes every other up and down.
func (c Cluster) lock(ctx context.Context) (*flock.Lock, error) {
	return flock.Acquire(ctx, c.Layout.Lock(), func() {
		c.Progress.Say("waiting for another localkube that is starting or stopping the cluster")
	})
}

// requireMachine refuses where a node can not run.
func requireMachine() error {
	if runtime.GOOS != "linux" {
		return fmt.Errorf("a node needs Linux, and this is %s", runtime.GOOS)
	}
	if os.Geteuid() != 0 {
		return errors.New("a node needs root, for namespaces, mounts and cgroups")
	}
	return nil
}

// running is the record of the node, or ErrNotRunning.
func (c Cluster) running() (record, error) {
	found, ok, err := c.read()
	if err != nil {
		return record{}, err
	}
	if !ok || !found.alive() {
		return record{}, ErrNotRunning
	}
	return found, nil
}

// Kubeconfig is the path of the administrator's kubeconfig.
func (c Cluster) Kubeconfig() (string, error) {
	if _, err := c.running(); err != nil {
		return "", err
	}
	return c.Layout.Kubeconfig(), nil
}

// AuditLog is the path of the API server's audit log.
func (c Cluster) AuditLog() (string, error) {
	if _, err := c.running(); err != nil {
		return "", err
	}
	return c.Layout.AuditLog(), nil
}

// Runtime is the node's container runtime.
func (c Cluster) Runtime() (image.Runtime, error) {
	node, err := c.running()
	if err != nil {
		return image.Runtime{}, err
	}
	return image.Runtime{Bin: node.Containerd, Socket: c.Layout.ContainerdSocket()}, nil
}
