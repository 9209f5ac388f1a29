// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package chat

import (
	"math"
	"regexp"
	"strconv"
	"strings"

	"github.com/ry-ops/cortex/internal/mcp"
)

// given are the arguments that a query spells out: name=value, name:value, and "quoted text".
type given struct {
	named  map[string]string
	quoted []string
}

// placeholder stands where an argument was taken out. It has no letters, so it is no word.
const placeholder = " = "

// argumentsIn takes the arguments out of a query, so that a value is never mistaken for a word of the question.
func argumentsIn(text string) (given, string) {
	named := regexp.MustCompile(`([A-Za-z_][A-Za-z0-9_-]*)(?:\s*=\s*|:)("[^"]*"|'[^']*'|[^\s"']+)`)
	// A single quote within a word is an apostrophe.
	quoted := regexp.MustCompile(`"[^"]*"|\B'[^']*'\B`)
	found := given{named: map[string]string{}}
	text = named.ReplaceAllStringFunc(text, func(match string) string {
		parts := named.FindStringSubmatch(match)
		found.named[key(parts[1])] = unquoted(parts[2])
		return placeholder
	})
	text = quoted.ReplaceAllStringFunc(text, func(match string) string {
		found.quoted = append(found.quoted, match[1:len(match)-1])
		return placeholder
	})
	return found, text
}

// unquoted takes the quotes off a value, or else the punctuation of the sentence that it ends.
func unquoted(value string) string {
	if strings.ContainsAny(value[:1], `"'`) {
		return value[1 : len(value)-1]
	}
	return strings.TrimRight(value, ".,;?!")
}

func key(name string) string { return strings.ReplaceAll(strings.ToLower(name), "-", "_") }

// fill gives a tool its arguments as far as the query spells them out, and names the required ones that are missing.
// It guesses two things only: that "id" means the one argument whose name ends in id, and that the one quoted text is
// the one required text that is missing.
func (g given) fill(tool mcp.Tool) (arguments map[string]any, missing []mcp.Argument) {
	arguments = map[string]any{}
	for _, argument := range tool.Arguments {
		text, ok := g.value(argument, tool.Arguments)
		if !ok {
			continue
		}
		if value, ok := typedValue(text, argument.Type); ok {
			arguments[argument.Name] = value
		}
	}
	for _, argument := range tool.Arguments {
		if _, ok := arguments[argument.Name]; argument.Required && !ok {
			missing = append(missing, argument)
		}
	}
	if len(missing) == 1 && len(g.quoted) == 1 && missing[0].Type == "string" {
		arguments[missing[0].Name] = g.quoted[0]
		missing = nil
	}
	return arguments, missing
}

// fits counts the arguments that the query names and the tool has.
func (g given) fits(tool mcp.Tool) int {
	count := 0
	for _, argument := range tool.Arguments {
		if _, ok := g.value(argument, tool.Arguments); ok {
			count++
		}
	}
	return count
}

func (g given) value(argument mcp.Argument, all []mcp.Argument) (string, bool) {
	if value, ok := g.named[key(argument.Name)]; ok {
		return value, true
	}
	ids := 0
	for _, other := range all {
		if strings.HasSuffix(key(other.Name), "id") {
			ids++
		}
	}
	value, ok := g.named["id"]
	return value, ok && ids == 1 && strings.HasSuffix(key(argument.Name), "id")
}

// typedValue reads text as a JSON Schema type. Lists and objects cannot be said in a query.
func typedValue(text, kind string) (any, bool) {
	switch kind {
	case "string", "":
		return text, true
	case "integer":
		value, err := strconv.ParseInt(text, 10, 64)
		return value, err == nil
	case "number":
		value, err := strconv.ParseFloat(text, 64)
		// JSON has neither NaN nor infinity.
		return value, err == nil && !math.IsNaN(value) && !math.IsInf(value, 0)
	case "boolean":
		value, err := strconv.ParseBool(text)
		return value, err == nil
	default:
		return nil, false
	}
}
