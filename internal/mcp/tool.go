// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package mcp

import (
	"bytes"
	"encoding/json"
	"sort"
	"strings"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

const (
	// maxTools bounds the tools of one server.
	maxTools = 256
	// maxDescription bounds the text about a tool that is kept, in bytes.
	maxDescription = 4096
	// maxSchema bounds the input schema of one tool, in bytes. A tool with a larger one keeps its arguments.
	maxSchema = 16 << 10
)

// Tool is a tool of a server. All text in it is the server's, and only ever data.
type Tool struct {
	Name, Title, Description string
	Hints                    Hints
	// Arguments by name.
	Arguments []Argument
	// Schema of the input, a JSON object as the server gave it, or nil where it is none or is too large.
	Schema json.RawMessage
}

// Argument of a tool, at the top level of its input schema.
type Argument struct {
	Name string
	// Type of JSON Schema: string, integer, number, boolean, array, object; empty if the schema does not say one.
	Type     string
	Required bool
}

func toolOf(tool *sdk.Tool) Tool {
	raw, err := json.Marshal(tool.InputSchema)
	if err != nil {
		raw = nil
	}
	t := Tool{Name: tool.Name, Title: cut(tool.Title), Description: cut(tool.Description), Arguments: argumentsOf(raw)}
	if len(raw) <= maxSchema && bytes.HasPrefix(raw, []byte("{")) {
		t.Schema = raw
	}
	if notes := tool.Annotations; notes != nil {
		t.Hints = Hints{Given: true, ReadOnly: notes.ReadOnlyHint, Idempotent: notes.IdempotentHint}
		if t.Title == "" {
			t.Title = cut(notes.Title)
		}
	}
	return t
}

// argumentsOf reads an input schema as far as it is plain; what it does not understand it leaves out.
func argumentsOf(schema []byte) []Argument {
	var plain struct {
		Properties map[string]struct {
			Type any `json:"type"`
		} `json:"properties"`
		Required []string `json:"required"`
	}
	if json.Unmarshal(schema, &plain) != nil {
		return nil
	}
	byName := map[string]Argument{}
	for name, property := range plain.Properties {
		byName[name] = Argument{Name: name, Type: typeOf(property.Type)}
	}
	for _, name := range plain.Required {
		byName[name] = Argument{Name: name, Type: byName[name].Type, Required: true}
	}
	arguments := make([]Argument, 0, len(byName))
	for _, argument := range byName {
		arguments = append(arguments, argument)
	}
	sort.Slice(arguments, func(i, j int) bool { return arguments[i].Name < arguments[j].Name })
	return arguments
}

// typeOf takes the first type that is not null of a list such as ["null","string"].
func typeOf(value any) string {
	switch v := value.(type) {
	case string:
		return v
	case []any:
		for _, one := range v {
			if name, ok := one.(string); ok && name != "null" {
				return name
			}
		}
	}
	return ""
}

func cut(text string) string {
	if len(text) > maxDescription {
		text = text[:maxDescription]
	}
	return strings.ToValidUTF8(text, "")
}
