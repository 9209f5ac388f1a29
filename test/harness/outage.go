// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"sync"
)

// apiPort is where the local cluster's API server listens.
const apiPort = "6443"

// Outage takes the local cluster's API server away as a kill does, as far as anybody else can tell: every connection to it is reset,
// new ones are refused, and it does nothing. The process itself is only stopped, since hack/localkube starts none again that has
// ended. All is undone when end is called; what is called once more does nothing, so that a test that fails can undo it as well.
func Outage(ctx context.Context) (end func(context.Context) error, err error) {
	const program = "kube-apiserver"
	pid, err := ofNode(program)
	if err != nil {
		return nil, err
	}
	resume, err := Pause(program)
	if err != nil {
		return nil, err
	}
	rule := func(ctx context.Context, what string) error {
		return onNode(ctx, pid, "iptables", "-w", what, "INPUT", "-p", "tcp", "--dport", apiPort, "-j", "REJECT", "--reject-with", "tcp-reset")
	}
	var once sync.Once
	end = func(ctx context.Context) (err error) {
		once.Do(func() { err = errors.Join(rule(ctx, "-D"), resume()) })
		return err
	}
	if err := rule(ctx, "-I"); err != nil {
		return nil, errors.Join(err, resume())
	}
	// Both ends: the node's own programs talk to it over the loopback.
	for _, of := range []string{"sport", "dport"} {
		if err := onNode(ctx, pid, "ss", "--kill", "--tcp", "state", "established", of+" = :"+apiPort); err != nil {
			return nil, errors.Join(err, end(ctx))
		}
	}
	return end, nil
}

// onNode runs a command in the network of the local cluster's node.
func onNode(ctx context.Context, pid int, command ...string) error {
	args := append([]string{"--target", strconv.Itoa(pid), "--net"}, command...)
	output, err := exec.CommandContext(ctx, "nsenter", args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s on the node: %w: %s", strings.Join(command, " "), err, output)
	}
	return nil
}
