// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/ry-ops/cortex/hack/localkube/internal/config"
	"github.com/ry-ops/cortex/hack/localkube/internal/logtail"
	"github.com/ry-ops/cortex/hack/localkube/internal/network"
	"github.com/ry-ops/cortex/hack/localkube/internal/node"
	"github.com/ry-ops/cortex/hack/localkube/internal/process"
	"github.com/ry-ops/cortex/hack/localkube/internal/supervise"
)

const (
	// statusEvery is how often a node that starts is asked how it is.
	statusEvery = 100 * time.Millisecond
	// tailLines is how much of a log an error shows.
	tailLines = 12
)

// namespaces are the node's own. Its user namespace is the host's: the node needs to
// be root to mount and to run containers. So is its cgroup namespace: the kubelet is
// told its place in the hierarchy instead, which works on cgroup v1 as well.
const namespaces = syscall.CLONE_NEWNET | syscall.CLONE_NEWNS | syscall.CLONE_NEWPID |
	syscall.CLONE_NEWUTS | syscall.CLONE_NEWIPC

// launch starts the node's first process, joins its network to the host's, and waits
// until all of its programs are healthy. Meanwhile the images of the add-ons are
// loaded, for containerd is there seconds before the rest.
func (c Cluster) launch(ctx context.Context, cluster config.Cluster, programs programs) error {
	step := c.Progress.Start("starting Kubernetes %s", programs.versions["kubernetes"])
	exited, err := c.spawn(ctx, cluster, programs)
	if err == nil {
		group, ctx := errgroup.WithContext(ctx)
		group.Go(func() error { return c.watch(ctx, exited, supervise.Status.Healthy) })
		group.Go(func() error { return c.loadAddons(ctx, programs, exited) })
		err = group.Wait()
	}
	if err != nil {
		step.Failed()
		return err
	}
	step.Done()
	return nil
}

// spawn starts the node's first process. The channel is closed when that ends.
func (c Cluster) spawn(ctx context.Context, cluster config.Cluster, programs programs) (<-chan struct{}, error) {
	spec := node.Spec{
		Cluster: cluster,
		Bins:    []string{programs.folders["kubernetes"], programs.folders["containerd"]},
	}
	reader, writer, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("making a pipe to the node: %w", err)
	}
	defer writer.Close()
	cmd, err := c.command(reader)
	reader.Close()
	if err != nil {
		return nil, err
	}
	exited := make(chan struct{})
	go func() {
		defer close(exited)
		// How it ended is in its log.
		_ = cmd.Wait()
	}()
	if err := c.remember(cmd.Process.Pid, programs); err != nil {
		return nil, errors.Join(err, cmd.Process.Kill())
	}
	if err := network.Join(ctx, cluster.Plan, cmd.Process.Pid); err != nil {
		return nil, err
	}
	return exited, spec.Send(writer)
}

// command starts this very program as the node, detached from the terminal.
func (c Cluster) command(spec *os.File) (*exec.Cmd, error) {
	output, err := os.OpenFile(c.Layout.Log("supervisor"), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return nil, fmt.Errorf("opening the supervisor's log: %w", err)
	}
	defer output.Close()
	// Not bound to a context: the node outlives the command that starts it.
	cmd := exec.Command("/proc/self/exe", node.Command) //nolint:noctx // see above
	cmd.Args[0] = "localkube"
	cmd.Dir = "/"
	cmd.Stdout, cmd.Stderr = output, output
	cmd.ExtraFiles = []*os.File{spec}
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: namespaces, Setsid: true}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting the node in namespaces of its own: %w", err)
	}
	return cmd, nil
}

func (c Cluster) remember(pid int, programs programs) error {
	started, err := process.StartTime(pid)
	if err != nil {
		return err
	}
	namespace, err := process.Namespace(pid)
	if err != nil {
		return err
	}
	return c.write(record{
		PID: pid, StartTime: started, Namespace: namespace,
		Version:    programs.versions["kubernetes"],
		Started:    time.Now(),
		Bin:        programs.folders["kubernetes"],
		Containerd: programs.folders["containerd"],
	})
}

// watch asks the node how it is until enough says so, or the node or one of its
// programs has ended.
func (c Cluster) watch(ctx context.Context, exited <-chan struct{}, enough func(supervise.Status) bool) error {
	var last supervise.Status
	for {
		status, err := supervise.Ask(ctx, c.Layout.SupervisorSocket())
		if err == nil {
			last = status
			if ended, ok := status.Ended(); ok {
				return fmt.Errorf("starting the node: %s", ended.Ended)
			}
			if enough(status) {
				return nil
			}
		}
		select {
		case <-exited:
			return fmt.Errorf("starting the node: it ended; its last lines:\n%s", logtail.Of(c.Layout.Log("supervisor"), tailLines))
		case <-ctx.Done():
			return fmt.Errorf("starting the node: %w; %s", ctx.Err(), c.blame(last))
		case <-time.After(statusEvery):
		}
	}
}

// blame names the first program that is not healthy, with its last lines.
func (c Cluster) blame(status supervise.Status) string {
	for _, p := range status.Programs {
		if !p.Healthy {
			return fmt.Sprintf("%s is not healthy (%s); its last lines:\n%s", p.Name, p.Problem, logtail.Of(c.Layout.Log(p.Name), tailLines))
		}
	}
	return "its last lines:\n" + logtail.Of(c.Layout.Log("supervisor"), tailLines)
}
