// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

// Command failure-reference writes docs/reference/failures.md: every way in which a call of an MCP server fails, and what follows
// from it. It asks the same table, and the same rule, as the gateway does.
package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/ry-ops/cortex/internal/mcp"
)

func main() {
	if err := write(os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "failure-reference:", err)
		os.Exit(1)
	}
}

const head = `# Failures

<!-- Generated from internal/mcp by make generate. Do not edit. -->

What can go wrong with a call of an MCP server, and what the gateway does about it. The class is what a HealingRequest records in
` + "`spec.error.class`" + `; the reason is told in logs. What none of the others explains has a row of its own, so that it is seen.

"Calls again" is the replay rule: a call is made again only if it provably did not run, or if its tool says that running it twice does no
harm (` + "`readOnlyHint`, `idempotentHint`" + `). "Any tool" stands for the former. What fails while the session is being opened, in whatever way, is of that kind. Each decision is told
in the stream, with its reason.

A test of the sample server (` + "`test/mcpserver`" + `) produces each row, and fails for one that is missing. One on a real cluster
(` + "`test/e2e`" + `) has a task and an MCP client meet each that can be had there, and compares what they were told, what was healed and how often
the tool ran with this table.

| class | reason | what was seen | heals | calls again | what the user sees |
|---|---|---|---|---|---|
`

// write writes the page.
func write(out io.Writer) error {
	var page strings.Builder
	page.WriteString(head)
	for _, row := range mcp.Failures() {
		fmt.Fprintf(&page, "| %s | %s | %s | %s | %s | %s |\n", row.Class(), row.Reason, row.When, yes(row.Heals), again(row), seen(row))
	}
	_, err := io.WriteString(out, page.String())
	return err
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// again asks the replay rule.
func again(row mcp.Failure) string {
	unsent := mcp.Replay(row.Class(), false, mcp.Hints{}).Replay
	read := mcp.Replay(row.Class(), true, mcp.Hints{ReadOnly: true}).Replay
	const harmless = "tools that are read-only or idempotent"
	switch {
	case row.Reach == mcp.Never && unsent:
		return "any tool: it did not run"
	case row.Reach == mcp.Perhaps && unsent && read:
		return "any tool if it did not run, else " + harmless
	case row.Reach == mcp.Always && read:
		return harmless
	default:
		return "no"
	}
}

func seen(row mcp.Failure) string {
	if row.Heals {
		return fmt.Sprintf("the heal, as it happens (%q), then the answer or what to do", row.Issue)
	}
	return fmt.Sprintf("%q at once. %s", row.Issue, row.Advice)
}
