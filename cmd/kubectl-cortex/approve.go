// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/utils/clock"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/foreign"
)

func newApprove(io streams, clock clock.Clock, config *genericclioptions.ConfigFlags) *cobra.Command {
	var yes bool
	a := &answer{output: output{io: io}, clock: clock, config: config, says: v1alpha1.ApprovalApproved, fits: waits}
	a.prepare = func(ctx context.Context, r *v1alpha1.HealingRequest) error {
		if err := a.show(r); err != nil {
			return fmt.Errorf("writing the plan: %w", err)
		}
		fmt.Fprintln(a.steps())
		if yes {
			return nil
		}
		return confirm(ctx, io, fmt.Sprintf("Approve %s?", r.Name))
	}
	a.finish = func(ctx context.Context, q *requests, r *v1alpha1.HealingRequest) error { return a.end(ctx, q, r) }
	cmd := a.command("approve NAME", "Approve the plan of a heal that waits for it, and watch",
		`Shows all of the plan that a heal waits with, each object, risk and reason and every change in full, and approves it once you
say yes. What is approved is what was shown: if the plan has changed meanwhile, nothing is approved. The operator looks at the
service again before it acts, and acts only if the approved plan still fits.

A heal that is held back after a failure, by too many attempts or by the storm brake goes ahead with your approval as well.

NAME is the name of the HealingRequest, or of the service that one is under way for.

Exit code: 0 healed, 1 not healed, 2 it could not be approved or followed, or you said no.`,
		`  # What waits?
  kubectl get heal -n cortex-system

  # Look at the plan, and answer.
  kubectl cortex approve sandfly-mcp-server-003 -n cortex-system

  # By the name of the service, without a question, and without waiting for the end.
  kubectl cortex approve sandfly-mcp-server -n cortex-system --yes --wait=false`, offerWaiting)
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "approve what is shown without a question")
	outputFlag(cmd, &a.format)
	return cmd
}

func newDeny(io streams, clock clock.Clock, config *genericclioptions.ConfigFlags) *cobra.Command {
	a := &answer{output: output{io: io, format: "text"}, clock: clock, config: config, says: v1alpha1.ApprovalDenied, fits: waits}
	a.prepare = func(context.Context, *v1alpha1.HealingRequest) error { return nil }
	a.finish = a.ended
	return a.command("deny NAME", "Deny the plan of a heal that waits for approval",
		`Denies the plan that a heal waits with, and ends the heal. Nothing is changed.

NAME is the name of the HealingRequest, or of the service that one is under way for.

Exit code: 0 it is over, 2 it could not be denied, or the operator did not end it.`,
		`  # By the name of the request.
  kubectl cortex deny sandfly-mcp-server-003 -n cortex-system

  # By that of the service.
  kubectl cortex deny sandfly-mcp-server -n cortex-system`, offerWaiting)
}

func newCancel(io streams, clock clock.Clock, config *genericclioptions.ConfigFlags) *cobra.Command {
	a := &answer{output: output{io: io, format: "text"}, clock: clock, config: config, says: v1alpha1.ApprovalDenied, fits: answerable}
	a.prepare = func(_ context.Context, r *v1alpha1.HealingRequest) error {
		if r.Status.FixApplied != "" {
			fmt.Fprintf(io.out, "What %s has changed stays, and is not verified any more: %s\n", r.Name, foreign.Line(r.Status.FixApplied, maxReason))
		}
		return nil
	}
	a.finish = a.ended
	return a.command("cancel NAME", "Stop a heal that is under way",
		`Stops a heal at the next step, in whatever phase it is. What it has changed by then stays as it is: it is told, and nothing is
undone.

NAME is the name of the HealingRequest, or of the service that one is under way for.

Exit code: 0 it is over, 2 it could not be stopped, or the operator did not end it.`,
		`  # By the name of the service.
  kubectl cortex cancel sandfly-mcp-server -n cortex-system

  # By that of the request, without waiting for its end.
  kubectl cortex cancel sandfly-mcp-server-003 -n cortex-system --wait=false`, offerActive)
}

// ended waits for the operator to stop, and tells how it ended. That it did is what was wanted.
func (a *answer) ended(ctx context.Context, q *requests, r *v1alpha1.HealingRequest) error {
	err := a.end(ctx, q, r)
	if errors.Is(err, errUnhealed) {
		return nil
	}
	return err
}
