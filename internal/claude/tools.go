// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package claude

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/anthropics/anthropic-sdk-go"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ry-ops/cortex/internal/chat"
	"github.com/ry-ops/cortex/internal/foreign"
	"github.com/ry-ops/cortex/internal/mcp"
)

const (
	// maxOffered and maxOfferedBytes bound the tools that one request offers: a model chooses badly among thousands.
	maxOffered      = 512
	maxOfferedBytes = 512 << 10
	// maxAbout bounds what a tool says of itself. It is less than what is kept of that, so that what was cut there, which may be
	// half a secret, does not show.
	maxAbout = 3 << 10
	// maxDepth bounds how deep a schema is read.
	maxDepth = 32
)

// argumentName is what the Messages API allows.
var argumentName = regexp.MustCompile(`^[a-zA-Z0-9_.-]{1,64}$`)

// offered is a tool that the model may call.
type offered struct {
	server types.NamespacedName
	tool   mcp.Tool
}

// toolbox is what one request offers.
type toolbox struct {
	params []anthropic.ToolUnionParam
	byName map[string]offered
	// unknown are the servers whose tools are not known, by name.
	unknown map[string]types.NamespacedName
	// left counts the tools that did not fit.
	left int
}

// toolboxOf offers the tools of all servers but those that the API has refused before, by name.
func toolboxOf(servers []chat.Server, refused map[string]bool) toolbox {
	box := toolbox{byName: map[string]offered{}, unknown: map[string]types.NamespacedName{}}
	named := map[string]int{}
	for _, server := range servers {
		named[server.Key.Name]++
	}
	size := 0
	for _, server := range servers {
		if !server.Listed {
			box.unknown[serverName(server.Key, named)] = server.Key
		}
		for _, tool := range server.Tools {
			name := offeredName(server.Key, tool.Name, named[server.Key.Name] > 1)
			param, ok := paramOf(name, server.Key, tool)
			_, taken := box.byName[name]
			size += len(name) + len(tool.Description) + len(tool.Schema)
			if !ok || taken || refused[name] || len(box.params) >= maxOffered || size > maxOfferedBytes {
				box.left++
				continue
			}
			box.byName[name] = offered{server.Key, tool}
			box.params = append(box.params, anthropic.ToolUnionParam{OfTool: &param})
		}
	}
	if len(box.unknown) > 0 {
		box.params = append(box.params, finder(slices.Sorted(maps.Keys(box.unknown))))
	}
	return box
}

func serverName(key types.NamespacedName, named map[string]int) string {
	if named[key.Name] > 1 {
		return key.String()
	}
	return key.Name
}

// finder offers to look for the tools of servers that have never answered.
func finder(servers []string) anthropic.ToolUnionParam {
	return anthropic.ToolUnionParam{OfTool: &anthropic.ToolParam{
		Name: findTools,
		Description: anthropic.String("Learn the tools of an MCP server that has not answered yet. If it is broken, Cortex tries to heal it first, which may take minutes. " +
			"Call this if the question is, or may be, about one of these servers. Afterwards its tools are offered to you."),
		InputSchema: anthropic.ToolInputSchemaParam{
			Properties: map[string]any{"server": map[string]any{"type": "string", "enum": servers}},
			Required:   []string{"server"},
		},
	}}
}

// paramOf offers one tool. What it says of itself is foreign text, so it is said whose it is. It returns false for a tool that the
// API would refuse, since that would be the end of every question.
func paramOf(name string, server types.NamespacedName, tool mcp.Tool) (anthropic.ToolParam, bool) {
	schema, ok := schemaOf(tool)
	about, _ := foreign.Block(strings.TrimSpace(cmp.Or(tool.Description, tool.Title)), maxAbout)
	about = fmt.Sprintf("Tool %q of the MCP server %s. It describes itself so: %s", foreign.Line(tool.Name, 128), server.Name, about)
	return anthropic.ToolParam{Name: name, Description: anthropic.String(about), InputSchema: schema}, ok
}

// schemaOf is the tool's own input schema, with what the API does not take left out: a choice at the top level (the server checks
// its arguments itself), and arguments with other names than it allows.
func schemaOf(tool mcp.Tool) (schema anthropic.ToolInputSchemaParam, ok bool) {
	var fields map[string]any
	if json.Unmarshal(tool.Schema, &fields) != nil {
		return plainSchema(tool)
	}
	clean, _ := cleaned(fields, 0).(map[string]any)
	if kind, given := clean["type"]; given && kind != "object" {
		return schema, false
	}
	properties, _ := clean["properties"].(map[string]any)
	for name := range properties {
		if !argumentName.MatchString(name) {
			delete(properties, name)
		}
	}
	required, _ := clean["required"].([]any)
	for _, name := range required {
		text, _ := name.(string)
		if !argumentName.MatchString(text) {
			return schema, false
		}
		schema.Required = append(schema.Required, text)
	}
	schema.Properties = properties
	for _, name := range []string{"type", "properties", "required", "oneOf", "anyOf", "allOf"} {
		delete(clean, name)
	}
	schema.ExtraFields = clean
	return schema, true
}

// plainSchema is made of what is known of a tool whose own schema is too large, or none.
func plainSchema(tool mcp.Tool) (schema anthropic.ToolInputSchemaParam, ok bool) {
	properties := map[string]any{}
	for _, argument := range tool.Arguments {
		if !argumentName.MatchString(argument.Name) {
			if argument.Required {
				return schema, false
			}
			continue
		}
		property := map[string]any{}
		if argument.Type != "" {
			property["type"] = argument.Type
		}
		properties[argument.Name] = property
		if argument.Required {
			schema.Required = append(schema.Required, argument.Name)
		}
	}
	schema.Properties = properties
	return schema, true
}

// cleaned makes all text in a schema fit to leave the cluster.
func cleaned(value any, depth int) any {
	if depth > maxDepth {
		return nil
	}
	switch v := value.(type) {
	case string:
		return foreign.Redact(v)
	case []any:
		out := make([]any, 0, len(v))
		for _, item := range v {
			out = append(out, cleaned(item, depth+1))
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, item := range v {
			out[foreign.Visible(name)] = cleaned(item, depth+1)
		}
		return out
	default:
		return v
	}
}
