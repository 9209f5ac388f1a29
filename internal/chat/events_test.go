// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package chat

import (
	"encoding/json"
	"testing"
)

// The fields are those of the spec ("Progress Streaming (SSE)"), and no others.
func TestEventsHaveExactlyTheFieldsOfTheSpec(t *testing.T) {
	result := message("task-1", "rules", &Answer{Texts: []string{"3 hosts"}})
	for name, tc := range map[string]struct {
		event Event
		want  string
	}{
		"processing_start":  {ProcessingStart{Query: "User query"}, `{"type":"processing_start","query":"User query"}`},
		"healing_start":     {HealingStart{"sandfly-mcp-server", "connect ECONNREFUSED"}, `{"type":"healing_start","service":"sandfly-mcp-server","issue":"connect ECONNREFUSED"}`},
		"healing_progress":  {HealingProgress{"sandfly-mcp-server", "Checking pod status..."}, `{"type":"healing_progress","service":"sandfly-mcp-server","message":"Checking pod status..."}`},
		"healing_complete":  {HealingComplete{"sandfly-mcp-server", true, "Restarted deployment sandfly-mcp-server"}, `{"type":"healing_complete","service":"sandfly-mcp-server","success":true,"message":"Restarted deployment sandfly-mcp-server"}`},
		"healing_failed":    {HealingFailed{"s", "Unable to fix automatically: ImagePullBackOff detected", "Check image name/tags and registry access"}, `{"type":"healing_failed","service":"s","message":"Unable to fix automatically: ImagePullBackOff detected","recommendation":"Check image name/tags and registry access"}`},
		"failed, no advice": {HealingFailed{Service: "s", Message: "m"}, `{"type":"healing_failed","service":"s","message":"m","recommendation":""}`},
		"processing_delay":  {ProcessingDelay{"Rate limited, retrying in 2 seconds..."}, `{"type":"processing_delay","message":"Rate limited, retrying in 2 seconds..."}`},
		"processing_complete": {ProcessingComplete{"task-1", StatusCompleted, result},
			`{"type":"processing_complete","id":"task-1","status":"completed","result":{"id":"msg_task-1","type":"message","role":"assistant","model":"rules","content":[{"type":"text","text":"3 hosts"}],"stop_reason":"end_turn","usage":{"input_tokens":0,"output_tokens":0}}}`},
		"conversation": {ConversationKnown{"conv-1"}, `{"type":"conversation","conversation_id":"conv-1"}`},
		"tool_start":   {ToolStart{"call-1", "s", "list_hosts", "{}"}, `{"type":"tool_start","id":"call-1","service":"s","tool":"list_hosts","arguments":"{}"}`},
		"tool_result":  {ToolResult{"call-1", "s", "list_hosts", true, "2 hosts"}, `{"type":"tool_result","id":"call-1","service":"s","tool":"list_hosts","success":true,"message":"2 hosts"}`},
		"text_delta":   {TextDelta{Text: "2 ho"}, `{"type":"text_delta","text":"2 ho"}`},
		"text again":   {TextDelta{Reset: true}, `{"type":"text_delta","text":"","reset":true}`},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := json.Marshal(tc.event)
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != tc.want {
				t.Errorf("got  %s\nwant %s", got, tc.want)
			}
		})
	}
}
