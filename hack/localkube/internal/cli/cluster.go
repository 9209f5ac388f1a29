// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/ry-ops/cortex/hack/localkube/internal/cluster"
)

func up(ctx context.Context, a *app, args []string) error {
	if err := noArguments("up", args); err != nil {
		return err
	}
	c, err := a.cluster()
	if err != nil {
		return err
	}
	return c.Up(ctx, a.provider)
}

func down(ctx context.Context, a *app, args []string) error {
	if err := noArguments("down", args); err != nil {
		return err
	}
	c, err := a.cluster()
	if err != nil {
		return err
	}
	return c.Down(ctx)
}

func kubeconfig(_ context.Context, a *app, args []string) error {
	return a.printPath("kubeconfig", args, cluster.Cluster.Kubeconfig)
}

func auditLog(_ context.Context, a *app, args []string) error {
	return a.printPath("audit-log", args, cluster.Cluster.AuditLog)
}

// printPath prints where a file of the running cluster is.
func (a *app) printPath(command string, args []string, of func(cluster.Cluster) (string, error)) error {
	if err := noArguments(command, args); err != nil {
		return err
	}
	c, err := a.cluster()
	if err != nil {
		return err
	}
	path, err := of(c)
	if err != nil {
		return err
	}
	fmt.Fprintln(a.stdout, path)
	return nil
}

func status(ctx context.Context, a *app, args []string) error {
	if err := noArguments("status", args); err != nil {
		return err
	}
	c, err := a.cluster()
	if err != nil {
		return err
	}
	found, err := c.Status(ctx)
	if err != nil {
		return err
	}
	fmt.Fprint(a.stdout, describe(found))
	if !found.Healthy() {
		return errors.New("the cluster is not healthy")
	}
	return nil
}

// describe writes a status for people.
func describe(s cluster.Status) string {
	var out strings.Builder
	table := tabwriter.NewWriter(&out, 0, 0, 3, ' ', 0)
	fmt.Fprintln(table, "COMPONENT\tPID\tHEALTH")
	for _, p := range s.Programs {
		health, pid := "healthy", "-"
		if !p.Healthy {
			health = p.Problem
		}
		if number := s.PIDs[p.Name]; number > 0 {
			pid = fmt.Sprint(number)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\n", p.Name, pid, health)
	}
	table.Flush()
	fmt.Fprintf(&out, "\nKubernetes %s, up for %s\n", s.Version, time.Since(s.Since).Round(time.Second))
	fmt.Fprintf(&out, "memory      %d MiB in %d processes, pods included\n", s.Memory>>20, s.Processes)
	fmt.Fprintf(&out, "kubeconfig  %s\n", s.Kubeconfig)
	fmt.Fprintf(&out, "logs        %s\n", s.Logs)
	if ended, ok := s.Ended(); ok {
		fmt.Fprintf(&out, "\n%s\n", ended.Ended)
	}
	return out.String()
}
