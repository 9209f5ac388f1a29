// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

// Command rbac-reference writes docs/reference/rbac.md: every right that the +kubebuilder:rbac markers of a program ask for, and the
// reason for it, which is the comment above the marker. A marker without one is an error, so nobody is given a right for nothing.
//
//	rbac-reference PROGRAM FOLDER... [-- PROGRAM FOLDER...]
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

func main() {
	if err := write(os.Stdout, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "rbac-reference:", err)
		os.Exit(1)
	}
}

const head = `# Rights

<!-- Generated from the comments above the +kubebuilder:rbac markers by make generate. Do not edit. -->

What the programs may do in a cluster, and why. Each right is bound to the ServiceAccount of that program alone. No rule holds a star,
and none is about Secrets. The e2e tests hold these rights against the audit log of the API server: one that is not used fails them, and
so does one that is missing.
`

// write writes the page of the programs that the arguments name.
func write(out io.Writer, args []string) error {
	var page strings.Builder
	page.WriteString(head)
	for _, program := range split(args) {
		if len(program) < 2 {
			return errors.New("usage: rbac-reference PROGRAM FOLDER... [-- PROGRAM FOLDER...]")
		}
		var rights []right
		for _, folder := range program[1:] {
			found, err := rightsIn(folder)
			if err != nil {
				return err
			}
			rights = append(rights, found...)
		}
		section(&page, program[0], rights)
	}
	_, err := io.WriteString(out, page.String())
	return err
}

// split cuts the arguments at each "--".
func split(args []string) [][]string {
	parts := [][]string{nil}
	for _, arg := range args {
		if arg == "--" {
			parts = append(parts, nil)
			continue
		}
		last := len(parts) - 1
		parts[last] = append(parts[last], arg)
	}
	return parts
}

// section tells of one program. A resource has a row for each reason, in the order of the sources.
func section(page *strings.Builder, program string, rights []right) {
	fmt.Fprintf(page, "\n## %s\n\n[config/rbac/%s](../../config/rbac/%s)\n\n| On | May | Why | For |\n|---|---|---|---|\n",
		strings.ToUpper(program[:1])+program[1:], program, program)
	slices.SortStableFunc(rights, func(a, b right) int { return strings.Compare(strings.Trim(a.on, "`"), strings.Trim(b.on, "`")) })
	for _, r := range rights {
		page.WriteString(r.row())
	}
}

func (r right) row() string {
	return fmt.Sprintf("| %s | %s | %s | [%s](../../%s) |\n", r.on, strings.Join(r.verbs, ", "), r.why, r.folder, r.file)
}
