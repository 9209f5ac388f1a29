// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package chat

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/ry-ops/cortex/internal/foreign"
)

// maxBlock bounds one text block of an answer, in bytes. What a tool says beyond it is cut, and the cut is told.
const maxBlock = 256 << 10

// Message is an answer in the shape of a response of Claude's Messages API, whichever planner made it.
type Message struct {
	ID         string  `json:"id"`
	Type       string  `json:"type"`
	Role       string  `json:"role"`
	Model      string  `json:"model"`
	Content    []Block `json:"content"`
	StopReason string  `json:"stop_reason"`
	Usage      Usage   `json:"usage"`
}

// Block is a part of an answer.
type Block struct {
	Type string `json:"type"`
	Text string `json:"text"`
}

// Usage counts the tokens of a model; the rules use none.
type Usage struct {
	InputTokens  int `json:"input_tokens"`
	OutputTokens int `json:"output_tokens"`
}

func message(id, model string, answer *Answer) Message {
	m := Message{ID: "msg_" + id, Type: "message", Role: "assistant", Model: model, StopReason: cmp.Or(answer.StopReason, "end_turn"),
		Usage: answer.Usage, Content: []Block{}}
	for _, text := range answer.Texts {
		m.Content = append(m.Content, Block{Type: "text", Text: text})
	}
	return m
}

// textsOf reads a tool's result: its text, a line for what is no text, and its structured content as JSON unless the
// text already is that.
func textsOf(result *sdk.CallToolResult) []string {
	var texts []string
	for _, content := range result.Content {
		texts = append(texts, shown(textOf(content)))
	}
	if structured := structuredOf(result.StructuredContent); structured != "" && !contains(texts, structured) {
		texts = append(texts, shown(structured))
	}
	if len(texts) == 0 {
		texts = append(texts, "The tool answered without content.")
	}
	return texts
}

func textOf(content sdk.Content) string {
	switch c := content.(type) {
	case *sdk.TextContent:
		return c.Text
	case *sdk.EmbeddedResource:
		if c.Resource != nil && c.Resource.Text != "" {
			return c.Resource.Text
		}
	case *sdk.ResourceLink:
		return fmt.Sprintf("[link %s]", c.URI)
	case *sdk.ImageContent:
		return fmt.Sprintf("[image %s, %d bytes]", c.MIMEType, len(c.Data))
	case *sdk.AudioContent:
		return fmt.Sprintf("[audio %s, %d bytes]", c.MIMEType, len(c.Data))
	}
	return "[content that is no text]"
}

func structuredOf(content any) string {
	if content == nil {
		return ""
	}
	raw, err := json.Marshal(content)
	if err != nil || string(raw) == "null" {
		return ""
	}
	return string(raw)
}

// contains reports whether one of the texts is the same JSON, whatever its spacing and the order of its keys.
func contains(texts []string, structured string) bool {
	for _, text := range texts {
		var value any
		if json.Unmarshal([]byte(text), &value) != nil {
			continue
		}
		if same, err := json.Marshal(value); err == nil && bytes.Equal(same, normal(structured)) {
			return true
		}
	}
	return false
}

func normal(text string) []byte {
	var value any
	if json.Unmarshal([]byte(text), &value) != nil {
		return nil
	}
	raw, _ := json.Marshal(value)
	return raw
}

// shown makes foreign text fit to show: what is seen of it, lines and all, and no more than maxBlock. It is not redacted: a
// tool's answer is for the one who asked.
func shown(text string) string {
	text = foreign.Visible(text)
	if len(text) <= maxBlock {
		return text
	}
	kept := foreign.Head(text, maxBlock)
	return fmt.Sprintf("%s\n[cut here: %d of %d bytes shown]", kept, len(kept), len(text))
}
