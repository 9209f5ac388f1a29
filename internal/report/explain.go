// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis"
	"github.com/ry-ops/cortex/internal/diagnosis/words"
	"github.com/ry-ops/cortex/internal/remediation"
)

// families in the order in which they are told: from the caller to the pods, and to what carries them.
var families = []diagnosis.Family{
	diagnosis.FamilyRouting, diagnosis.FamilyWorkloads, diagnosis.FamilyScheduling, diagnosis.FamilyStarting,
	diagnosis.FamilyRunning, diagnosis.FamilyNodes, "",
}

// Causes writes the catalogue as a table for a terminal, family by family.
func Causes(to io.Writer) error {
	table := tabwriter.NewWriter(to, 0, 4, 2, ' ', 0)
	fmt.Fprintln(table, "CAUSE\tFAMILY\tACTION\tEVIDENCE")
	for _, row := range byFamily() {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", row.Cause, cmp.Or(row.Family, "-"), action(row.Cause), row.Evidence)
	}
	return table.Flush()
}

// byFamily is the catalogue with the families together; within one it keeps its order, the deepest cause first.
func byFamily() []diagnosis.Entry {
	rows := diagnosis.Catalogue()
	slices.SortStableFunc(rows, func(a, b diagnosis.Entry) int {
		return cmp.Compare(slices.Index(families, a.Family), slices.Index(families, b.Family))
	})
	return rows
}

// FindCause finds a cause however its letters are written. Its error names the nearest.
func FindCause(name string) (diagnosis.Entry, error) {
	var all []string
	for _, row := range diagnosis.Catalogue() {
		if strings.EqualFold(string(row.Cause), name) {
			return row, nil
		}
		all = append(all, string(row.Cause))
	}
	if near := words.Nearest(name, all); near != "" {
		return diagnosis.Entry{}, fmt.Errorf("there is no cause %s; did you mean %s?", name, near)
	}
	return diagnosis.Entry{}, fmt.Errorf("there is no cause %s; 'kubectl cortex explain' lists them all", name)
}

// Explain writes what is known of one cause.
func Explain(to io.Writer, row diagnosis.Entry) error {
	var text strings.Builder
	fmt.Fprintf(&text, "%s\n\nFamily:    %s\n", row.Cause, cmp.Or(row.Family, "-"))
	fmt.Fprintf(&text, "Evidence:  %s\n", row.Evidence)
	if len(row.Explains) > 0 {
		fmt.Fprintf(&text, "Explains:  %s\n", joinCauses(row.Explains, "%s"))
	}
	if by := explainedBy(row.Cause); len(by) > 0 {
		fmt.Fprintf(&text, "Explained\nby:        %s\n", joinCauses(by, "%s"))
	}
	fmt.Fprintf(&text, "Action:    %s\n", action(row.Cause))
	if row.Bare {
		fmt.Fprintln(&text, "\nIt says no more than that something does not work, and is left out where another cause explains it.")
	}
	_, err := io.WriteString(to, text.String())
	return err
}

func explainedBy(cause v1alpha1.Cause) []v1alpha1.Cause {
	var by []v1alpha1.Cause
	for _, row := range diagnosis.Catalogue() {
		if slices.Contains(row.Explains, cause) {
			by = append(by, row.Cause)
		}
	}
	return by
}

// action is what Cortex does without a person, in order.
func action(cause v1alpha1.Cause) string {
	ladder := remediation.Ladder(cause)
	if len(ladder) == 0 {
		return "Report"
	}
	var names []string
	for _, step := range ladder {
		names = append(names, string(step))
	}
	return strings.Join(names, ", then ")
}

func joinCauses(causes []v1alpha1.Cause, format string) string {
	var names []string
	for _, cause := range causes {
		names = append(names, fmt.Sprintf(format, cause))
	}
	return strings.Join(names, ", ")
}

// CausesMarkdown writes the catalogue as a page of the reference.
func CausesMarkdown(to io.Writer) error {
	var page strings.Builder
	page.WriteString(`# Causes

<!-- Generated from internal/diagnosis/catalogue.go by make generate. Do not edit. -->

What a diagnosis can name, what proves it, and what the operator does about it by itself for a Service that is opted in.
*Report* changes nothing and says exactly what to do. *Explains* are the causes that follow from it and are told after it.
`)
	for _, family := range families {
		var rows []diagnosis.Entry
		for _, row := range byFamily() {
			if row.Family == family {
				rows = append(rows, row)
			}
		}
		if len(rows) == 0 {
			continue
		}
		fmt.Fprintf(&page, "\n## %s\n\n| Cause | Evidence | Explains | Action |\n|---|---|---|---|\n", words.UpperFirst(string(cmp.Or(family, "neither"))))
		for _, row := range rows {
			fmt.Fprintf(&page, "| `%s` | %s | %s | %s |\n", row.Cause, cell(row.Evidence), joinCauses(row.Explains, "`%s`"), action(row.Cause))
		}
	}
	_, err := io.WriteString(to, page.String())
	return err
}

// cell keeps a text within its cell.
func cell(text string) string { return strings.ReplaceAll(text, "|", "\\|") }
