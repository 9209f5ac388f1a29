// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/ry-ops/cortex/hack/localkube/internal/process"
)

// record is what up leaves for down and status.
type record struct {
	// PID and StartTime are the node's first process, as the host sees it.
	PID       int    `json:"pid"`
	StartTime uint64 `json:"startTime"`
	// Namespace is the node's PID namespace.
	Namespace string    `json:"namespace"`
	Version   string    `json:"version"`
	Started   time.Time `json:"started"`
	// Bin is the folder of the Kubernetes programs, Containerd that of containerd's.
	Bin        string `json:"bin"`
	Containerd string `json:"containerd"`
}

// alive tells whether the node's first process still runs: that very process, not
// another one that was given its number.
func (r record) alive() bool {
	started, err := process.StartTime(r.PID)
	if err != nil || started != r.StartTime {
		return false
	}
	// A process that has ended but was not waited for has left its namespaces.
	namespace, err := process.Namespace(r.PID)
	return err == nil && namespace == r.Namespace
}

// read reads the record; without one there is no node, and found is false.
func (c Cluster) read() (found record, ok bool, err error) {
	content, err := os.ReadFile(c.Layout.Record())
	if errors.Is(err, fs.ErrNotExist) {
		return record{}, false, nil
	}
	if err != nil {
		return record{}, false, fmt.Errorf("reading the node's record: %w", err)
	}
	if err := json.Unmarshal(content, &found); err != nil {
		return record{}, false, fmt.Errorf("reading the node's record %s: %w", c.Layout.Record(), err)
	}
	return found, true, nil
}

// write leaves the record; it is whole or absent, as a half-written one would hide a
// node that runs.
func (c Cluster) write(r record) error {
	content, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("encoding the node's record: %w", err)
	}
	partial := c.Layout.Record() + ".partial"
	if err := os.WriteFile(partial, content, 0o600); err != nil {
		return fmt.Errorf("writing the node's record: %w", err)
	}
	if err := os.Rename(partial, c.Layout.Record()); err != nil {
		return fmt.Errorf("writing the node's record: %w", err)
	}
	return nil
}
