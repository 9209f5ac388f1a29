// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/utils/clock"
)

// shown are the flags of kubectl that the help tells. The others work too; they are as well known as rarely needed.
var shown = map[string]bool{"kubeconfig": true, "context": true, "namespace": true, "request-timeout": true}

func newRoot(io streams, clock clock.Clock) *cobra.Command {
	config := genericclioptions.NewConfigFlags(true)
	root := &cobra.Command{
		Use:   "kubectl-cortex",
		Short: "Find out why a service on Kubernetes does not answer, and have it healed",
		Long: `Finds out why a service on Kubernetes does not answer: one root cause, the evidence, and what to do. Where the Cortex operator
runs, it has the service healed, answers plans that wait for a person, and tells what was healed before.

diagnose, dump, explain and history read with your own rights and change nothing. A diagnosis needs no operator, no agent and
no language model, and for a file no cluster either. heal, approve, deny and cancel write HealingRequests and nothing else:
what is changed the operator changes, with its rights.`,
		Example: `  # What is wrong in this namespace? The worst comes first.
  kubectl cortex diagnose -n cortex-system

  # Why does this service not answer?
  kubectl cortex diagnose sandfly-mcp-server -n cortex-system

  # Have it healed, and watch. What would be done is told by --dry-run.
  kubectl cortex heal sandfly-mcp-server -n cortex-system

  # A heal waits for your word: look at its plan, and answer.
  kubectl cortex approve sandfly-mcp-server -n cortex-system

  # What was done to it before, and by whom?
  kubectl cortex history sandfly-mcp-server -n cortex-system

  # Write down what a diagnosis needs, without secrets, and diagnose it elsewhere.
  kubectl cortex dump -n cortex-system -o cortex.json
  kubectl cortex diagnose --filename cortex.json

  # What does a cause mean, and what proves it?
  kubectl cortex explain SelectorMismatch`,
		Annotations:   map[string]string{cobra.CommandDisplayNameAnnotation: "kubectl cortex"},
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.SetIn(io.in)
	root.SetOut(io.out)
	root.SetErr(io.err)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return fmt.Errorf("%w\nSee '%s --help'", err, cmd.CommandPath())
	})
	config.AddFlags(root.PersistentFlags())
	root.PersistentFlags().VisitAll(func(flag *pflag.Flag) { flag.Hidden = !shown[flag.Name] })
	root.AddCommand(
		newDiagnose(io, clock, config), newDump(io, clock, config), newExplain(io), newVersion(io),
		newHeal(io, clock, config), newApprove(io, clock, config), newDeny(io, clock, config), newCancel(io, clock, config),
		newHistory(io, clock, config),
	)
	return root
}
