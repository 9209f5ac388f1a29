// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/utils/clock"

	"github.com/ry-ops/cortex/internal/report"
)

// diagnose holds the flags of the command.
type diagnose struct {
	io     streams
	clock  clock.Clock
	config *genericclioptions.ConfigFlags

	files   []string
	logs    string
	now     string
	output  string
	verbose bool
}

func newDiagnose(io streams, clock clock.Clock, config *genericclioptions.ConfigFlags) *cobra.Command {
	d := &diagnose{io: io, clock: clock, config: config}
	cmd := &cobra.Command{
		Use:   "diagnose [TARGET]",
		Short: "Find out why a service does not answer, and tell what to do",
		Long: `Finds out why a service does not answer: the root cause first, why that is known, and what to do.

TARGET is the name of a Service, or kind/name of a Service, Deployment, StatefulSet or DaemonSet. Without one, every
Service of the namespace is examined and every workload behind none, and the worst is told first.

With --filename no cluster is asked. The file holds API objects, in JSON or YAML: what 'kubectl cortex dump' writes,
'kubectl get ... -o json' or 'kubectl cluster-info dump'. It may be partial and old: ages are measured against its newest
timestamp, and what is not in it is told as not looked at, and never as not there.

Exit code: 0 nothing wrong was found, 1 something was, 2 it could not be looked at.`,
		Example: `  # A service of the current namespace.
  kubectl cortex diagnose sandfly-mcp-server

  # A workload, for a script.
  kubectl cortex diagnose deploy/sandfly-mcp-server -n cortex-system -o json

  # A whole namespace.
  kubectl cortex diagnose -n cortex-system

  # A file of 'kubectl cortex dump', from anywhere.
  kubectl cortex diagnose --filename cortex.json

  # What kubectl itself gives, with logs beside it.
  kubectl get svc,endpointslices,deploy,sts,ds,rs,pods,events,cm,pvc -n cortex-system -o json |
    kubectl cortex diagnose --filename - --logs logs.json

  # A directory of 'kubectl cluster-info dump'.
  kubectl cluster-info dump --namespaces cortex-system --output-directory=state
  kubectl cortex diagnose --filename state -n cortex-system`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return fmt.Errorf("one TARGET at most, not %d: leave it out to examine the whole namespace", len(args))
			}
			return nil
		},
		ValidArgsFunction: complete(config, clock, offerServices),
		RunE:              func(cmd *cobra.Command, args []string) error { return d.run(cmd.Context(), args) },
	}
	flags := cmd.Flags()
	flags.StringArrayVarP(&d.files, "filename", "f", nil, "file or directory of API objects to look at instead of a cluster; - is standard input; may be repeated")
	flags.StringVar(&d.logs, "logs", "", `file of logs beside --filename: {"logs": {"pod/container": "text"}}`)
	flags.StringVar(&d.now, "now", "", "moment that ages are measured against (RFC 3339), instead of the newest in --filename")
	flags.StringVarP(&d.output, "output", "o", "text", "text, json or yaml")
	flags.BoolVarP(&d.verbose, "verbose", "v", false, "tell everything that was not looked at, and why what is well is taken to be so")
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions([]string{"text", "json", "yaml"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func (d *diagnose) run(ctx context.Context, args []string) error {
	write, err := d.writer()
	if err != nil {
		return err
	}
	var named *report.Named
	if len(args) == 1 {
		one, err := report.ParseTarget(args[0])
		if err != nil {
			return err
		}
		named = &one
	}
	r, err := d.look(ctx, named)
	if err != nil {
		return err
	}
	if len(r.Findings)+len(r.Healthy)+len(r.Unjudged) == 0 {
		return fmt.Errorf("namespace %s has no Service and no workload to look at: is it the right one? (-n)", r.Namespace)
	}
	if err := write(r); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	switch {
	case len(r.Findings) > 0:
		return errFindings
	case len(r.Healthy) == 0:
		return errors.New("too little is known to judge: see what was not looked at")
	default:
		return nil
	}
}

func (d *diagnose) writer() (func(*report.Report) error, error) {
	switch d.output {
	case "text":
		return func(r *report.Report) error {
			return r.Text(d.io.out, report.Style{Colour: colours(d.io.out), Verbose: d.verbose})
		}, nil
	case "json":
		return func(r *report.Report) error { return r.JSON(d.io.out) }, nil
	case "yaml":
		return func(r *report.Report) error { return r.YAML(d.io.out) }, nil
	default:
		return nil, fmt.Errorf("--output is text, json or yaml, not %q", d.output)
	}
}

// look gets the report of a file or of a cluster.
func (d *diagnose) look(ctx context.Context, named *report.Named) (*report.Report, error) {
	if len(d.files) > 0 {
		return d.offline(named)
	}
	switch {
	case d.logs != "":
		return nil, errors.New("--logs goes with --filename: from a cluster the logs are read themselves")
	case d.now != "":
		return nil, errors.New("--now goes with --filename: a cluster is looked at as it is now")
	}
	return d.live(ctx, named)
}

func (d *diagnose) moment() (time.Time, error) {
	if d.now == "" {
		return time.Time{}, nil
	}
	moment, err := time.Parse(time.RFC3339, d.now)
	if err != nil {
		return time.Time{}, fmt.Errorf("--now is a time as 2026-11-23T14:05:00Z, not %q", d.now)
	}
	return moment, nil
}
