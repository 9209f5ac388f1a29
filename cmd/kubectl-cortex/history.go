// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/utils/clock"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/history"
	"github.com/ry-ops/cortex/internal/report"
)

// defaultLimit is how many heals a story tells of.
const defaultLimit = 10

// past holds the flags of the command.
type past struct {
	output
	clock  clock.Clock
	config *genericclioptions.ConfigFlags

	limit int
	all   bool
}

func newHistory(io streams, clock clock.Clock, config *genericclioptions.ConfigFlags) *cobra.Command {
	p := &past{output: output{io: io}, clock: clock, config: config}
	cmd := &cobra.Command{
		Use:   "history [TARGET]",
		Short: "Tell what was healed, when, why, and by whom it was asked for",
		Long: `Tells the story of a service from its HealingRequests, the newest first: who asked and why, who approved, the cause, what was
changed from what to what, how it was proven, how it ended, and what is left to do. What a heal has asked of a service that
it depends on stands under it. The first line sums up the last 7 days.

Without TARGET, a line for each service of the namespace. Requests are kept for as long as the HealingPolicies say (7 days by
default, and the newest of a service for good).

Exit code: 0 it was told, 2 it could not be.`,
		Example: `  # The story of a service.
  kubectl cortex history sandfly-mcp-server -n cortex-system

  # All of it, for a script.
  kubectl cortex history sandfly-mcp-server -n cortex-system --limit 0 -o json | jq -r '.heals[].cause'

  # Which service of the cluster needs it most?
  kubectl cortex history -A`,
		ValidArgsFunction: complete(config, clock, offerTold),
		RunE:              func(cmd *cobra.Command, args []string) error { return p.run(cmd.Context(), args) },
	}
	flags := cmd.Flags()
	flags.IntVar(&p.limit, "limit", defaultLimit, "how many heals to tell of; 0 is all")
	flags.BoolVarP(&p.all, "all-namespaces", "A", false, "a line for each service of all namespaces")
	outputFlag(cmd, &p.format)
	return cmd
}

func (p *past) run(ctx context.Context, args []string) error {
	switch {
	case len(args) > 1:
		return fmt.Errorf("one TARGET at most, not %d: leave it out for all of the namespace", len(args))
	case len(args) == 1 && p.all:
		return errors.New("--all-namespaces tells of all services: leave TARGET out, or name its namespace with -n")
	case p.limit < 0:
		return fmt.Errorf("--limit is %d: it must be 0 (all) or more", p.limit)
	}
	if err := p.validate(); err != nil {
		return err
	}
	q, err := connectRequests(p.config, p.clock)
	if err != nil {
		return err
	}
	if p.all {
		q.namespace = ""
	}
	requests, err := q.list(ctx, q.namespace)
	if err != nil {
		return err
	}
	now := p.clock.Now()
	if len(args) == 0 {
		overview := history.Over(requests, now)
		return p.tell(overview, overview.Text)
	}
	named, err := report.ParseTarget(args[0])
	if err != nil {
		return err
	}
	target := meant(named.Guess(), requests)
	story := history.Of(target, q.namespace, requests, p.limit, now)
	if len(story.Heals) == 0 {
		if near := didYouMean(target.Name, known(requests)); near != "" {
			fmt.Fprintf(p.io.err, "Nothing is known of %s%s\n", target.Name, near)
		}
	}
	return p.tell(story, story.Text)
}

// meant takes a Service that no request is about for a workload of the same name that one is about.
func meant(target v1alpha1.TargetReference, requests []v1alpha1.HealingRequest) v1alpha1.TargetReference {
	kinds := []v1alpha1.TargetKind{target.Kind}
	if target.Kind == v1alpha1.KindService {
		kinds = append(kinds, v1alpha1.KindDeployment, v1alpha1.KindStatefulSet, v1alpha1.KindDaemonSet)
	}
	for _, kind := range kinds {
		one := v1alpha1.TargetReference{Kind: kind, Name: target.Name}
		if slices.ContainsFunc(requests, func(r v1alpha1.HealingRequest) bool { return history.About(&r, one) }) {
			return one
		}
	}
	return target
}

func (p *past) tell(what any, text func(io.Writer, history.Style) error) error {
	var err error
	switch p.format {
	case "json":
		err = history.JSON(p.io.out, what)
	case "yaml":
		err = history.YAML(p.io.out, what)
	default:
		err = text(p.io.out, history.Style{Colour: colours(p.io.out), Now: p.clock.Now()})
	}
	if err != nil {
		return fmt.Errorf("writing the history: %w", err)
	}
	return nil
}
