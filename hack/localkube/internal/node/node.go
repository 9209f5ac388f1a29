// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"os"
	"os/exec"
	"strings"
	"syscall"

	"github.com/ry-ops/cortex/hack/localkube/internal/cgroup"
	"github.com/ry-ops/cortex/hack/localkube/internal/config"
	"github.com/ry-ops/cortex/hack/localkube/internal/network"
	"github.com/ry-ops/cortex/hack/localkube/internal/supervise"
)

// Run is the node's life. It ends with the process, which is the first of its PID
// namespace: whatever ends it, the kernel ends everything else in the node.
func Run(ctx context.Context) error {
	spec, err := receive(os.NewFile(specFD, "spec"))
	if err != nil {
		return err
	}
	if err := prepare(ctx, spec); err != nil {
		return err
	}
	supervisor := supervise.New(spec.Cluster.Programs(), spec.Cluster.Layout.Log)
	reaper := supervise.NewReaper()
	if err := supervisor.Serve(ctx, spec.Cluster.Layout.SupervisorSocket()); err != nil {
		return err
	}
	log.Printf("the node is set up; starting its programs")
	supervisor.Run(ctx, reaper, command)
	return nil
}

func prepare(ctx context.Context, spec Spec) error {
	if err := syscall.Sethostname([]byte(config.NodeName)); err != nil {
		return fmt.Errorf("setting the host name: %w", err)
	}
	if err := raiseOpenFiles(); err != nil {
		return err
	}
	if err := cgroup.Create(config.CgroupRoot); err != nil {
		return err
	}
	if err := enterRoot(spec); err != nil {
		return err
	}
	if err := network.Configure(ctx, spec.Cluster.Plan); err != nil {
		return err
	}
	if err := forward(); err != nil {
		return err
	}
	path := append(spec.Bins, "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
	return os.Setenv("PATH", strings.Join(path, ":"))
}

// raiseOpenFiles lets pods open as many files as the node itself may. Setting the limit
// also keeps Go from giving its children the low one it was started with.
func raiseOpenFiles() error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("reading the limit of open files: %w", err)
	}
	limit.Cur = limit.Max
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("raising the limit of open files: %w", err)
	}
	return nil
}

// forward lets the node pass packets on between the host, its pods and its services.
// These settings belong to the node's network namespace.
func forward() error {
	for _, name := range []string{
		"ipv4/ip_forward",
		"bridge/bridge-nf-call-iptables",
		// Connections that a killed node leaves hold its namespace for a second
		// instead of minutes.
		"ipv4/tcp_orphan_retries",
	} {
		err := os.WriteFile("/proc/sys/net/"+name, []byte("1"), 0o644)
		if errors.Is(err, fs.ErrNotExist) && strings.HasPrefix(name, "bridge/") {
			continue // a kernel that does not filter on bridges
		}
		if err != nil {
			return fmt.Errorf("setting up forwarding: %w", err)
		}
	}
	return nil
}

// command is how a program of the node is called: in an environment of its own, from
// its own session.
func command(program config.Program) *exec.Cmd {
	cmd := exec.Command(program.Name, program.Args...) //nolint:noctx // it lives as long as the node, and its supervisor ends it
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=/root"}
	cmd.Dir = "/"
	return cmd
}
