// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/ry-ops/cortex/internal/diagnosis"
	"github.com/ry-ops/cortex/internal/report"
)

func newExplain(io streams) *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:   "explain [CAUSE]",
		Short: "Tell what a cause means, what proves it, and what is done about it",
		Long: `Tells of a cause what proves it, what follows from it, and what the Cortex operator does about it by itself, or of all
of them in a table. It asks no cluster.`,
		Example: `  # All causes.
  kubectl cortex explain

  # One of them.
  kubectl cortex explain SelectorMismatch

  # As the page of the reference.
  kubectl cortex explain -o markdown`,
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			var causes []string
			for _, row := range diagnosis.Catalogue() {
				causes = append(causes, string(row.Cause))
			}
			return causes, cobra.ShellCompDirectiveNoFileComp
		},
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return fmt.Errorf("one CAUSE at most, not %d", len(args))
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			switch {
			case output == "markdown" && len(args) == 0:
				return report.CausesMarkdown(io.out)
			case output == "markdown":
				return errors.New("--output markdown is of all causes: leave CAUSE out")
			case output != "text":
				return fmt.Errorf("--output is text or markdown, not %q", output)
			case len(args) == 0:
				return report.Causes(io.out)
			}
			row, err := report.FindCause(args[0])
			if err != nil {
				return err
			}
			return report.Explain(io.out, row)
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "text", "text or markdown")
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions([]string{"text", "markdown"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}
