// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/utils/clock"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/foreign"
	"github.com/ry-ops/cortex/internal/record"
)

// The bounds of spec.timeout, and how often a name may be taken by others before that is an error.
const (
	minTimeout = 10 * time.Second
	maxTimeout = 30 * time.Minute
	maxNames   = 20
)

// heal holds the flags of the command.
type heal struct {
	output
	clock  clock.Clock
	config *genericclioptions.ConfigFlags

	dryRun, approval, wait bool
	timeout                time.Duration
	reason                 string
}

func newHeal(io streams, clock clock.Clock, config *genericclioptions.ConfigFlags) *cobra.Command {
	h := &heal{output: output{io: io}, clock: clock, config: config}
	cmd := &cobra.Command{
		Use:   "heal TARGET",
		Short: "Have a service healed by the Cortex operator, and watch",
		Long: `Asks the Cortex operator to heal a service: creates a HealingRequest, tells each step as it happens, and how it ended: the
cause, what was changed, the proof, and what is left for you to do.

TARGET is the name of a Service, or kind/name of a Service, Deployment, StatefulSet or DaemonSet. A heal of it that is under
way already is followed, and none is added. The operator changes only what is behind a Service with the label
healing.cortex.dev/mcp-server=true, and only what its HealingPolicies allow.

Ctrl-C ends the watching and not the heal; 'kubectl cortex cancel' ends the heal.

Exit code: 0 healed (or the plan of a dry run is there), 1 not healed, 2 it could not be asked for or followed, 3 it waits
for a person's approval or is held back by a limit.`,
		Example: `  # Heal a service of the current namespace.
  kubectl cortex heal sandfly-mcp-server

  # What would be done? Nothing is changed.
  kubectl cortex heal sandfly-mcp-server -n cortex-system --dry-run

  # Show me the plan and wait for my word; then 'kubectl cortex approve sandfly-mcp-server'.
  kubectl cortex heal sandfly-mcp-server -n cortex-system --approval --reason "ticket 4711"

  # In a script: the result alone on standard output, the steps on standard error.
  kubectl cortex heal deploy/sandfly-mcp-server -n cortex-system -o json | jq -r .fix_applied`,
		ValidArgsFunction: complete(config, clock, offerTargets),
		RunE:              func(cmd *cobra.Command, args []string) error { return h.run(cmd.Context(), args) },
	}
	flags := cmd.Flags()
	flags.BoolVar(&h.dryRun, "dry-run", false, "find the cause and write the plan, and change nothing")
	flags.BoolVar(&h.approval, "approval", false, "change nothing before a person has approved the plan")
	flags.DurationVar(&h.timeout, "timeout", 0, "how long the heal may take, from 10s to what the policy allows, which is 2m where no policy says otherwise (default: that)")
	flags.StringVar(&h.reason, "reason", "", "why you ask, for the record")
	flags.BoolVar(&h.wait, "wait", true, "watch it to its end")
	outputFlag(cmd, &h.format)
	return cmd
}

func outputFlag(cmd *cobra.Command, format *string) {
	cmd.Flags().StringVarP(format, "output", "o", "text", "text, json or yaml")
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions([]string{"text", "json", "yaml"}, cobra.ShellCompDirectiveNoFileComp))
}

func (h *heal) run(ctx context.Context, args []string) error {
	named, err := targetArg(args)
	if err != nil {
		return err
	}
	if err := h.validate(); err != nil {
		return err
	}
	if h.dryRun && h.approval {
		return errors.New("a dry run changes nothing, so nobody has to approve it: give --dry-run to see the plan, or --approval to be asked before it is carried out")
	}
	if h.timeout != 0 && (h.timeout < minTimeout || h.timeout > maxTimeout) {
		return fmt.Errorf("--timeout is %s: it must be from %s to %s", h.timeout, minTimeout, maxTimeout)
	}
	q, err := connectRequests(h.config, h.clock)
	if err != nil {
		return err
	}
	target, warning, err := q.find(ctx, named)
	if err != nil {
		return err
	}
	if warning != "" {
		fmt.Fprintln(h.io.err, "Note: "+warning)
	}
	request, err := h.ask(ctx, q, target)
	if err != nil {
		return err
	}
	if !h.wait {
		return nil
	}
	return h.end(ctx, q, request)
}

// ask joins the heal that is under way, or creates one. The name is the lock, as for the gateway: of several that ask at once
// one creates, and the others join.
func (h *heal) ask(ctx context.Context, q *requests, target v1alpha1.TargetReference) (*v1alpha1.HealingRequest, error) {
	all, err := q.list(ctx, q.namespace)
	if err != nil {
		return nil, err
	}
	who := q.who(ctx)
	for range maxNames {
		if active := h.joins(all, target); active != nil {
			fmt.Fprintf(h.steps(), "%s is under way already, asked for%s: following it\n", active.Name, cmp.Or(by(active.Spec.RequestedBy), " by somebody"))
			return active, nil
		}
		request := h.request(q.namespace, record.NextName(all, target.Name), target, who)
		err := q.client.Create(ctx, request)
		if err == nil {
			fmt.Fprintf(h.steps(), "HealingRequest %s created in namespace %s\n", request.Name, request.Namespace)
			return request, nil
		}
		if !apierrors.IsAlreadyExists(err) {
			return nil, q.explain(ctx, "create", err)
		}
		if all, err = q.list(ctx, q.namespace); err != nil {
			return nil, err
		}
	}
	return nil, fmt.Errorf("no free name for a HealingRequest of %s after %d attempts", target.Name, maxNames)
}

// joins picks the heal under way that does what is asked for. Who asks for a way of their own gets a request of their own, which
// waits for its turn.
func (h *heal) joins(all []v1alpha1.HealingRequest, target v1alpha1.TargetReference) *v1alpha1.HealingRequest {
	if h.dryRun || h.approval || h.timeout != 0 {
		return nil
	}
	i := slices.IndexFunc(all, func(r v1alpha1.HealingRequest) bool {
		return !r.Done() && r.DeletionTimestamp == nil && r.Spec.TargetRef == target && r.Spec.Mode != v1alpha1.ModeDryRun
	})
	if i < 0 {
		return nil
	}
	return &all[i]
}

func (h *heal) request(namespace, name string, target v1alpha1.TargetReference, who string) *v1alpha1.HealingRequest {
	request := &v1alpha1.HealingRequest{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec:       v1alpha1.HealingRequestSpec{TargetRef: target, Trigger: v1alpha1.TriggerManual, RequestedBy: who},
	}
	if len(validation.IsValidLabelValue(target.Name)) == 0 {
		request.Labels = map[string]string{v1alpha1.LabelTarget: target.Name}
	}
	if h.reason != "" {
		request.Annotations = map[string]string{v1alpha1.AnnotationReason: foreign.Line(h.reason, maxReason)}
	}
	switch {
	case h.dryRun:
		request.Spec.Mode = v1alpha1.ModeDryRun
	case h.approval:
		request.Spec.Mode = v1alpha1.ModeApproval
	}
	if h.timeout != 0 {
		request.Spec.Timeout = &metav1.Duration{Duration: h.timeout}
	}
	return request
}

// by tells who did something, if that is known: " by jane".
func by(person string) string {
	if person == "" {
		return ""
	}
	return " by " + foreign.Line(person, maxPerson)
}
