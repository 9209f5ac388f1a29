// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

// Package layout says where in the state folder everything is. The host and the
// node see the state folder at the same path, so both use it.
package layout

import (
	"fmt"
	"os"
	"path/filepath"
)

// maxSocketPath is what fits into sockaddr_un beside its final zero: see unix(7).
const maxSocketPath = 107

// Layout is a state folder.
type Layout struct {
	State string
}

// FromEnvironment is the folder that LOCALKUBE_STATE names, or the default one.
func FromEnvironment() (Layout, error) {
	state := os.Getenv("LOCALKUBE_STATE")
	if state == "" {
		state = "/var/lib/cortex-localkube"
	}
	state, err := filepath.Abs(state)
	if err != nil {
		return Layout{}, fmt.Errorf("finding the state folder: %w", err)
	}
	l := Layout{State: state}
	// containerd adds .ttrpc to its socket's path for a second one.
	if longest := l.ContainerdSocket() + ".ttrpc"; len(longest) > maxSocketPath {
		return Layout{}, fmt.Errorf("using the state folder %s: its path is too long for sockets; set LOCALKUBE_STATE to a shorter one", state)
	}
	return l, nil
}

// Lock excludes a second up or down.
func (l Layout) Lock() string { return l.in("lock") }

// Record is what up knows of the node, for down and status.
func (l Layout) Record() string { return l.in("node.json") }

// Kubeconfig is the administrator's.
func (l Layout) Kubeconfig() string { return l.in("kubeconfig") }

// PKI holds certificates and keys.
func (l Layout) PKI(name string) string { return l.in("pki", name) }

// Config holds the configuration files of the components.
func (l Layout) Config(name string) string { return l.in("config", name) }

// Logs holds a log for each component and the audit log.
func (l Layout) Logs() string { return l.in("logs") }

// Log is the log of one component.
func (l Layout) Log(component string) string { return l.in("logs", component+".log") }

// AuditLog is what the API server writes down of the requests of the programs under test.
func (l Layout) AuditLog() string { return l.Log("audit") }

// Data holds what a component stores.
func (l Layout) Data(component string) string { return l.in("data", component) }

// Mountpoint is where the node's root is put together, in the node's mount
// namespace only; on the host it stays an empty folder.
func (l Layout) Mountpoint() string { return l.in("root") }

// ContainerdSocket is containerd's, for the kubelet and for loading images.
func (l Layout) ContainerdSocket() string { return l.in("run", "containerd.sock") }

// SupervisorSocket is where the supervisor tells how its components are.
func (l Layout) SupervisorSocket() string { return l.in("run", "supervisor.sock") }

func (l Layout) in(names ...string) string {
	return filepath.Join(append([]string{l.State}, names...)...)
}
