// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"time"

	"github.com/ry-ops/cortex/hack/localkube/internal/process"
	"github.com/ry-ops/cortex/hack/localkube/internal/supervise"
)

// Status is how the cluster is.
type Status struct {
	supervise.Status

	Version    string
	Since      time.Time
	Kubeconfig string
	Logs       string
	// Memory is what all processes of the node take, pods included, in bytes.
	Memory    uint64
	Processes int
	// PIDs are the programs' process numbers on the host.
	PIDs map[string]int
}

// Status asks the node how it is; without one the error is ErrNotRunning.
func (c Cluster) Status(ctx context.Context) (Status, error) {
	node, err := c.running()
	if err != nil {
		return Status{}, err
	}
	status := Status{
		Version: node.Version, Since: node.Started,
		Kubeconfig: c.Layout.Kubeconfig(), Logs: c.Layout.Logs(),
		PIDs: map[string]int{},
	}
	status.Status, err = supervise.Ask(ctx, c.Layout.SupervisorSocket())
	if err != nil {
		// A node that is too busy or too broken to answer is a fact to report.
		status.Programs = []supervise.ProgramStatus{{Name: "supervisor", Problem: err.Error()}}
	}
	processes, err := process.In(node.Namespace)
	if err != nil {
		return Status{}, err
	}
	outer := map[int]int{}
	for _, p := range processes {
		outer[p.Inner] = p.PID
		status.Memory += process.Memory(p.PID)
	}
	status.Processes = len(processes)
	for _, p := range status.Programs {
		if p.PID > 0 {
			status.PIDs[p.Name] = outer[p.PID]
		}
	}
	return status, nil
}
