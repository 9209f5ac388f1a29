// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

// Package chat answers a query: it plans which tools to call, calls them, has what is broken healed and calls again
// where that is safe, and tells every step as an event.
package chat

import "encoding/json"

// Event is one step of a query, told to the one who asked. Those that the spec names ("Progress Streaming (SSE)") have exactly
// its fields. The others, ConversationKnown, ToolStart, ToolResult and TextDelta, a client may leave alone.
type Event interface{ event() }

// ProcessingStart is sent when the processing of a query begins.
type ProcessingStart struct {
	Query string `json:"query"`
}

// HealingStart is sent when a service was seen to fail and a heal begins.
type HealingStart struct {
	Service string `json:"service"`
	Issue   string `json:"issue"`
}

// HealingProgress is sent for every step of a heal.
type HealingProgress struct {
	Service string `json:"service"`
	Message string `json:"message"`
}

// HealingComplete is sent when a heal succeeded.
type HealingComplete struct {
	Service string `json:"service"`
	Success bool   `json:"success"`
	Message string `json:"message"`
}

// HealingFailed is sent when a heal failed.
type HealingFailed struct {
	Service        string `json:"service"`
	Message        string `json:"message"`
	Recommendation string `json:"recommendation"`
}

// ProcessingDelay is sent when the model has to be asked again.
type ProcessingDelay struct {
	Message string `json:"message"`
}

// ProcessingComplete is the last event of every query.
type ProcessingComplete struct {
	ID     string  `json:"id"`
	Status Status  `json:"status"`
	Result Message `json:"result"`
}

// ConversationKnown is sent once at the beginning: the next query may go on from this one by naming the id.
type ConversationKnown struct {
	ConversationID string `json:"conversation_id"`
}

// ToolStart is sent when a tool is called.
type ToolStart struct {
	// ID is that of the ToolResult which follows.
	ID      string `json:"id"`
	Service string `json:"service"`
	Tool    string `json:"tool"`
	// Arguments as JSON text, shortened and without secrets.
	Arguments string `json:"arguments"`
}

// ToolResult is sent when a call has ended, after the heal that it may have waited for.
type ToolResult struct {
	ID      string `json:"id"`
	Service string `json:"service"`
	Tool    string `json:"tool"`
	Success bool   `json:"success"`
	// Message is the beginning of what the tool answered, or why there is no answer: one line.
	Message string `json:"message"`
}

// TextDelta is a piece of the model's text as it comes. The whole text is in ProcessingComplete.
type TextDelta struct {
	Text string `json:"text"`
	// Reset: what was sent since the last tool call is void, since the model has to be asked again.
	Reset bool `json:"reset,omitempty"`
}

// Status is how a query ended.
type Status string

// The statuses. A query whose tool answered with an error of its own is completed: that is the answer.
const (
	StatusCompleted Status = "completed"
	StatusFailed    Status = "failed"
)

func (ProcessingStart) event()    {}
func (HealingStart) event()       {}
func (HealingProgress) event()    {}
func (HealingComplete) event()    {}
func (HealingFailed) event()      {}
func (ProcessingDelay) event()    {}
func (ProcessingComplete) event() {}
func (ConversationKnown) event()  {}
func (ToolStart) event()          {}
func (ToolResult) event()         {}
func (TextDelta) event()          {}

// MarshalJSON writes the event with its type first.
func (e ProcessingStart) MarshalJSON() ([]byte, error) {
	type fields ProcessingStart
	return typed("processing_start", fields(e))
}

// MarshalJSON writes the event with its type first.
func (e HealingStart) MarshalJSON() ([]byte, error) {
	type fields HealingStart
	return typed("healing_start", fields(e))
}

// MarshalJSON writes the event with its type first.
func (e HealingProgress) MarshalJSON() ([]byte, error) {
	type fields HealingProgress
	return typed("healing_progress", fields(e))
}

// MarshalJSON writes the event with its type first.
func (e HealingComplete) MarshalJSON() ([]byte, error) {
	type fields HealingComplete
	return typed("healing_complete", fields(e))
}

// MarshalJSON writes the event with its type first.
func (e HealingFailed) MarshalJSON() ([]byte, error) {
	type fields HealingFailed
	return typed("healing_failed", fields(e))
}

// MarshalJSON writes the event with its type first.
func (e ProcessingDelay) MarshalJSON() ([]byte, error) {
	type fields ProcessingDelay
	return typed("processing_delay", fields(e))
}

// MarshalJSON writes the event with its type first.
func (e ProcessingComplete) MarshalJSON() ([]byte, error) {
	type fields ProcessingComplete
	return typed("processing_complete", fields(e))
}

// MarshalJSON writes the event with its type first.
func (e ConversationKnown) MarshalJSON() ([]byte, error) {
	type fields ConversationKnown
	return typed("conversation", fields(e))
}

// MarshalJSON writes the event with its type first.
func (e ToolStart) MarshalJSON() ([]byte, error) {
	type fields ToolStart
	return typed("tool_start", fields(e))
}

// MarshalJSON writes the event with its type first.
func (e ToolResult) MarshalJSON() ([]byte, error) {
	type fields ToolResult
	return typed("tool_result", fields(e))
}

// MarshalJSON writes the event with its type first.
func (e TextDelta) MarshalJSON() ([]byte, error) {
	type fields TextDelta
	return typed("text_delta", fields(e))
}

// typed puts a type before the fields, so that a person who reads the stream sees it first.
func typed(name string, fields any) ([]byte, error) {
	body, err := json.Marshal(fields)
	if err != nil {
		return nil, err
	}
	return append([]byte(`{"type":"`+name+`",`), body[1:]...), nil
}
