// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Leader is the identity that holds the operator's lease: "<host name>_<UUID>", and a pod's host name is its name. The
// same pod has another identity after its container was started anew. One that has not renewed the lease since a moment is an
// error: for some seconds the lease still names a leader that was killed.
func (c *Cluster) Leader(ctx context.Context, since time.Time) (identity, pod string, err error) {
	var lease coordinationv1.Lease
	if err := c.Get(ctx, client.ObjectKey{Namespace: Namespace, Name: "operator.healing.cortex.dev"}, &lease); err != nil {
		return "", "", fmt.Errorf("reading the operator's lease: %w", err)
	}
	if lease.Spec.HolderIdentity == nil || *lease.Spec.HolderIdentity == "" {
		return "", "", errors.New("the operator's lease has no holder")
	}
	if lease.Spec.RenewTime == nil || lease.Spec.RenewTime.Time.Before(since) {
		return "", "", fmt.Errorf("the operator's lease was not renewed since %s", since)
	}
	identity = *lease.Spec.HolderIdentity
	pod, _, _ = strings.Cut(identity, "_")
	return identity, pod, nil
}

// Kill sends SIGKILL to a program in a pod, from the node, which with hack/localkube is this machine: no grace, no
// shutdown hook, as when a node dies or the kernel runs out of memory.
func Kill(pod, program string) error {
	commands, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		return err
	}
	for _, path := range commands {
		command, err := os.ReadFile(path)
		if err != nil || !bytes.HasPrefix(command, []byte(program+"\x00")) {
			continue
		}
		folder := filepath.Dir(path)
		environment, err := os.ReadFile(filepath.Join(folder, "environ"))
		if err != nil || !bytes.Contains(environment, []byte("HOSTNAME="+pod+"\x00")) {
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(folder))
		if err != nil {
			return err
		}
		return syscall.Kill(pid, syscall.SIGKILL)
	}
	return fmt.Errorf("no process %s of pod %s on this machine", program, pod)
}

// Pause stops a program of the local cluster's node, such as "kubelet", as if it hung. It runs on when resume is called.
func Pause(program string) (resume func() error, err error) {
	pid, err := ofNode(program)
	if err != nil {
		return nil, err
	}
	return func() error { return syscall.Kill(pid, syscall.SIGCONT) }, syscall.Kill(pid, syscall.SIGSTOP)
}

// ofNode is the process of a program of the local cluster's node.
func ofNode(program string) (pid int, err error) {
	commands, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		return 0, err
	}
	for _, path := range commands {
		command, err := os.ReadFile(path)
		if err == nil && bytes.HasPrefix(command, []byte(program+"\x00")) && bytes.Contains(command, []byte("localkube")) {
			return strconv.Atoi(filepath.Base(filepath.Dir(path)))
		}
	}
	return 0, fmt.Errorf("no process %s of the local cluster on this machine", program)
}
