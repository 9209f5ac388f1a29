// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package claudetest

import (
	"encoding/json"
	"fmt"
	"regexp"
)

// Request is what a client has sent.
type Request struct {
	// Raw is the body, Key the header x-api-key.
	Raw string `json:"-"`
	Key string `json:"-"`

	Model     string    `json:"model"`
	MaxTokens int       `json:"max_tokens"`
	Stream    bool      `json:"stream"`
	System    []Block   `json:"system"`
	Messages  []Message `json:"messages"`
	Tools     []Tool    `json:"tools"`
	Choice    *struct {
		Type string `json:"type"`
	} `json:"tool_choice"`
}

// Message is one message of a request.
type Message struct {
	Role    string  `json:"role"`
	Content []Block `json:"content"`
}

// Block is a part of a message: text, tool_use or tool_result.
type Block struct {
	Type      string          `json:"type"`
	Text      string          `json:"text"`
	ID        string          `json:"id"`
	Name      string          `json:"name"`
	Input     json.RawMessage `json:"input"`
	ToolUseID string          `json:"tool_use_id"`
	IsError   bool            `json:"is_error"`
	Content   []Block         `json:"content"`
}

// Tool is a tool that is offered.
type Tool struct {
	Name        string `json:"name"`
	Description string `json:"description"`
	InputSchema Schema `json:"input_schema"`
}

// Schema is the input of a tool.
type Schema struct {
	Type       string                     `json:"type"`
	Properties map[string]json.RawMessage `json:"properties"`
	Required   []string                   `json:"required"`
	OneOf      json.RawMessage            `json:"oneOf"`
	AnyOf      json.RawMessage            `json:"anyOf"`
	AllOf      json.RawMessage            `json:"allOf"`
}

// Results are the tool results of the last message, by the id of their call.
func (r Request) Results() map[string]Block {
	results := map[string]Block{}
	for _, block := range r.Messages[len(r.Messages)-1].Content {
		if block.Type == "tool_result" {
			results[block.ToolUseID] = block
		}
	}
	return results
}

var (
	toolName     = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,64}$`)
	propertyName = regexp.MustCompile(`^[a-zA-Z0-9_.-]{1,64}$`)
)

// problem is what the API would not take, in its words.
func (r Request) problem() string {
	switch {
	case r.Model == "":
		return "model: Field required"
	case r.MaxTokens < 1:
		return "max_tokens: must be greater than 0"
	case !r.Stream:
		return "this server only streams"
	case len(r.Messages) == 0:
		return "messages: at least one message is required"
	case r.Messages[0].Role != "user":
		return "messages: first message must use the \"user\" role"
	}
	if problem := toolsProblem(r.Tools); problem != "" {
		return problem
	}
	return messagesProblem(r.Messages)
}

func toolsProblem(tools []Tool) string {
	names := map[string]bool{}
	for i, tool := range tools {
		switch schema := tool.InputSchema; {
		case !toolName.MatchString(tool.Name):
			return fmt.Sprintf("tools.%d.custom.name: String should match pattern '^[a-zA-Z0-9_-]{1,64}$'", i)
		case names[tool.Name]:
			return "tools: Tool names must be unique."
		case schema.Type != "object":
			return fmt.Sprintf("tools.%d.custom.input_schema.type: Input should be 'object'", i)
		case schema.OneOf != nil || schema.AnyOf != nil || schema.AllOf != nil:
			return fmt.Sprintf("tools.%d.custom.input_schema: input_schema does not support oneOf, allOf, or anyOf at the top level", i)
		}
		for name := range tool.InputSchema.Properties {
			if !propertyName.MatchString(name) {
				return fmt.Sprintf("tools.%d.custom.input_schema.properties: Property keys should match pattern '^[a-zA-Z0-9_.-]{1,64}$'", i)
			}
		}
		names[tool.Name] = true
	}
	return ""
}

func messagesProblem(messages []Message) string {
	open := map[string]bool{}
	for i, message := range messages {
		if len(message.Content) == 0 {
			return fmt.Sprintf("messages.%d: all messages must have non-empty content", i)
		}
		uses := map[string]bool{}
		for j, block := range message.Content {
			switch block.Type {
			case "text":
				if block.Text == "" {
					return fmt.Sprintf("messages.%d.content.%d.text: text content blocks must be non-empty", i, j)
				}
			case "tool_use":
				if len(block.Input) == 0 || block.Input[0] != '{' {
					return fmt.Sprintf("messages.%d.content.%d.tool_use.input: Input should be a valid dictionary", i, j)
				}
				uses[block.ID] = true
			case "tool_result":
				if !open[block.ToolUseID] {
					return fmt.Sprintf("messages.%d.content.%d: unexpected `tool_use_id` found in `tool_result` blocks: %s", i, j, block.ToolUseID)
				}
				delete(open, block.ToolUseID)
			}
		}
		if len(open) > 0 {
			return fmt.Sprintf("messages.%d: `tool_use` ids were found without `tool_result` blocks immediately after", i)
		}
		open = uses
	}
	if len(open) > 0 {
		return "messages: `tool_use` ids were found without `tool_result` blocks immediately after"
	}
	return ""
}
