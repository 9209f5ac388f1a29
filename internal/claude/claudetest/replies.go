// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package claudetest

import "net/http"

// Say answers with text, in as many deltas as there are pieces.
func Say(pieces ...string) Reply {
	return func(s *Stream, _ Request) {
		s.Begin()
		s.Text(pieces...)
		s.End("end_turn")
	}
}

// Call is a call of a tool.
type Call struct{ ID, Name, Input string }

// Use calls tools, after a little text.
func Use(calls ...Call) Reply {
	return func(s *Stream, _ Request) {
		s.Begin()
		s.Text("Let me look.")
		for _, call := range calls {
			s.Use(call.ID, call.Name, call.Input)
		}
		s.End("tool_use")
	}
}

// Fail answers with an error of the API. Headers are pairs of name and value.
func Fail(status int, kind, message string, headers ...string) Reply {
	return func(s *Stream, _ Request) { s.Fail(status, kind, message, headers...) }
}

// FailLate begins well and ends with an event of type error.
func FailLate(kind, message string) Reply {
	return func(s *Stream, _ Request) {
		s.Begin()
		s.Start(map[string]any{"type": "text", "text": ""})
		s.Delta(map[string]any{"type": "text_delta", "text": "half an ans"})
		s.Event("error", string(errorBody(kind, message)))
	}
}

// Cut closes the connection in the middle of a text.
func Cut() Reply {
	return func(s *Stream, _ Request) {
		s.Begin()
		s.Start(map[string]any{"type": "text", "text": ""})
		s.Delta(map[string]any{"type": "text_delta", "text": "half an ans"})
		if connection, _, err := http.NewResponseController(s.w).Hijack(); err == nil {
			_ = connection.Close()
		}
	}
}

// EndEarly ends the stream in the middle of a text as if that were its end.
func EndEarly() Reply {
	return func(s *Stream, _ Request) {
		s.Begin()
		s.Start(map[string]any{"type": "text", "text": ""})
		s.Delta(map[string]any{"type": "text_delta", "text": "half an ans"})
	}
}

// Stall says something and then nothing more until the client leaves.
func Stall() Reply {
	return func(s *Stream, _ Request) {
		s.Begin()
		s.Start(map[string]any{"type": "text", "text": ""})
		s.Delta(map[string]any{"type": "text_delta", "text": "half an ans"})
		<-s.Gone()
	}
}

// Silent never answers.
func Silent() Reply { return func(s *Stream, _ Request) { <-s.Gone() } }

// Garbage sends an event whose data is no JSON.
func Garbage() Reply {
	return func(s *Stream, _ Request) {
		s.Begin()
		s.Event("content_block_start", `{"type":"content_block_start","index":0,"content_block":{"type":"te`)
	}
}

// Refuse says a little and stops with a refusal.
func Refuse(category, explanation string) Reply {
	return func(s *Stream, _ Request) {
		s.Begin()
		s.Text("Well, ")
		s.EndWith(map[string]any{"stop_reason": "refusal", "stop_sequence": nil,
			"stop_details": map[string]any{"type": "refusal", "category": category, "explanation": explanation}})
	}
}

// Stop says a text and stops for a reason.
func Stop(reason string, pieces ...string) Reply {
	return func(s *Stream, _ Request) {
		s.Begin()
		if len(pieces) > 0 {
			s.Text(pieces...)
		}
		s.End(reason)
	}
}
