// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package chat

import (
	"fmt"
	"strings"
)

// maxShownTools bounds the list of tools in an answer that found none.
const maxShownTools = 40

func say(text string) Turn {
	return Turn{Answer: &Answer{Texts: []string{text}, Status: StatusCompleted}}
}

// answering passes the results on. One call that got no answer makes the query failed.
func answering(results []Result) Turn {
	answer := &Answer{Status: StatusCompleted}
	for _, result := range results {
		var texts []string
		if result.Err != nil {
			answer.Status = StatusFailed
			texts = []string{shown(result.Err.Error())}
		} else {
			texts = textsOf(result.Output)
		}
		if len(results) > 1 {
			texts = append([]string{fmt.Sprintf("%s on %s:", result.Call.Tool.Name, result.Call.Server.Name)}, texts...)
		}
		answer.Texts = append(answer.Texts, texts...)
	}
	return Turn{Answer: answer}
}

func ambiguous(fitting []candidate) Turn {
	var names []string
	for _, c := range fitting {
		names = append(names, fmt.Sprintf("%s on %s", c.tool.Name, c.server.Name))
	}
	return say("More than one tool fits, and they change things, so none was called: " + strings.Join(names, ", ") +
		". Ask again with the name of the one you mean.")
}

// noMatch says what there is. If servers could not be listed, that is why, and the query has failed.
func noMatch(asked, all []Server) Turn {
	var failures []string
	for _, server := range asked {
		if server.Failed != nil {
			failures = append(failures, shown(server.Failed.Error()))
		}
	}
	if len(failures) > 0 {
		return Turn{Answer: &Answer{Status: StatusFailed, Texts: failures}}
	}
	return say("No tool matches the question. " + available(all))
}

func available(servers []Server) string {
	var out strings.Builder
	count := 0
	for _, server := range servers {
		for _, tool := range server.Tools {
			if count++; count <= maxShownTools {
				fmt.Fprintf(&out, "\n- %s on %s: %s", tool.Name, server.Key.Name, firstLine(tool.Description))
			}
		}
	}
	switch {
	case len(servers) == 0:
		return "There are no MCP servers: label a Service with healing.cortex.dev/mcp-server=true to add one."
	case count == 0:
		return "The MCP servers have no tools."
	case count > maxShownTools:
		fmt.Fprintf(&out, "\n- and %d more", count-maxShownTools)
	}
	return "The tools are:" + shown(out.String())
}

// firstLine shortens a description to what fits a list.
func firstLine(text string) string {
	const limit = 120
	text, _, _ = strings.Cut(strings.TrimSpace(text), "\n")
	if runes := []rune(text); len(runes) > limit {
		return string(runes[:limit]) + "…"
	}
	return text
}
