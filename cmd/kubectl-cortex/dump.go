// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/utils/clock"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/diagnosis/words"
	"github.com/ry-ops/cortex/internal/dump"
	"github.com/ry-ops/cortex/internal/report"
)

func newDump(io streams, clock clock.PassiveClock, config *genericclioptions.ConfigFlags) *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:   "dump [TARGET...]",
		Short: "Write what a diagnosis needs into a file, without secrets",
		Long: `Writes the objects and logs that a diagnosis of a namespace needs into a file that 'kubectl cortex diagnose --filename'
reads, to look at it later, elsewhere, or together with others.

Values of Secrets are not written, only the names of their keys. Passwords, tokens and keys in the environment, in
arguments, annotations, ConfigMaps, events and logs are hidden as far as they can be told, and so are the addresses of
nodes. It is a net and not a proof: read the file before you give it away.

With TARGETs, the logs of these only are written.`,
		Example: `  # The current namespace, to standard output.
  kubectl cortex dump

  # A file for a bug report, and what Cortex says of it.
  kubectl cortex dump -n cortex-system -o cortex.json
  kubectl cortex diagnose --filename cortex.json

  # With the logs of one server only.
  kubectl cortex dump sandfly-mcp-server -n cortex-system -o cortex.json`,
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := connect(config, clock)
			if err != nil {
				return err
			}
			return c.dump(cmd.Context(), io, args, output)
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "-", "file to write; - is standard output")
	return cmd
}

// dump reads the namespace and writes it. The file is written only once all was read.
func (c *cluster) dump(ctx context.Context, io streams, args []string, output string) error {
	var wanted []report.Named
	for _, arg := range args {
		named, err := report.ParseTarget(arg)
		if err != nil {
			return err
		}
		wanted = append(wanted, named)
	}
	stop := progress(io.err, "reading namespace "+c.namespace)
	snapshots, err := c.gatherer.Namespace(ctx, c.namespace)
	stop()
	if err != nil {
		return c.failed(ctx, err)
	}
	if len(snapshots) == 0 {
		return fmt.Errorf("namespace %s has no Service and no workload to look at: is it the right one? (-n)", c.namespace)
	}
	d := dump.Dump{Namespace: c.namespace, Objects: snapshots[0].All, Time: snapshots[0].Now, Logs: map[snapshot.ContainerKey]snapshot.ContainerLog{}}
	if d.Gaps, err = collect(&d, snapshots, wanted); err != nil {
		return err
	}
	written, err := writeFile(output, io.out, d)
	if err != nil {
		return err
	}
	if output != "-" {
		fmt.Fprintf(io.err, "wrote %s and %s of namespace %s to %s; secrets are hidden as far as they can be told: read it before you give it away\n",
			words.Count(written, "object"), words.Count(len(d.Logs), "log"), c.namespace, output)
	}
	return nil
}

// collect takes the logs of the targets that are wanted, or of all, and returns the gaps.
func collect(d *dump.Dump, snapshots []*snapshot.Snapshot, wanted []report.Named) ([]string, error) {
	gaps := slices.Clone(d.Objects.Gaps)
	var targets []v1alpha1.TargetReference
	for _, named := range wanted {
		target, err := named.Find(d.Objects, d.Namespace)
		if err != nil {
			return nil, err
		}
		targets = append(targets, target)
	}
	for _, s := range snapshots {
		if len(targets) > 0 && !slices.ContainsFunc(targets, s.Is) {
			continue
		}
		maps.Copy(d.Logs, s.Logs)
		gaps = append(gaps, s.LogGaps...)
	}
	return gaps, nil
}

// writeFile writes to a file that only its owner may read, or to standard output.
func writeFile(path string, out io.Writer, d dump.Dump) (written int, err error) {
	if path != "-" {
		file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600) //nolint:gosec // the user names the file
		if err != nil {
			return 0, err
		}
		defer func() {
			if closed := file.Close(); err == nil {
				err = closed
			}
		}()
		out = file
	}
	return dump.Write(out, d)
}
