// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package gateway_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/ry-ops/cortex/internal/chat"
)

// remembering is a Loop that answers with the conversation that it was asked in.
type remembering struct{}

func (remembering) Run(_ context.Context, query chat.Query, _ func(chat.Event)) *chat.Outcome {
	return &chat.Outcome{Status: chat.StatusCompleted, Conversation: query.Conversation}
}

func TestAConversationIDGoesThrough(t *testing.T) {
	o := options(t, nil)
	o.Loop = remembering{}
	url, _ := serve(t, o)
	for body, want := range map[string]string{
		`{"query":"hello"}`:                            "",
		`{"query":"hello","conversation_id":"conv-1"}`: "conv-1",
	} {
		var answer map[string]any
		if err := json.NewDecoder(post(t, url, "application/json", body).body).Decode(&answer); err != nil {
			t.Fatal(err)
		}
		if got, given := answer["conversation_id"]; given != (want != "") || given && got != want {
			t.Errorf("%s: %v", body, answer)
		}
	}
	long := `{"query":"hello","conversation_id":"` + strings.Repeat("x", 65) + `"}`
	if got := post(t, url, "application/json", long); got.status != http.StatusBadRequest {
		t.Errorf("a long id: %d", got.status)
	}
}

// A conversation that cannot be gone on with is refused before the stream, and no task begins.
func TestAConversationThatIsNotKnownIsRefused(t *testing.T) {
	o := options(t, nil)
	o.Loop = remembering{}
	o.Caller = func(*http.Request) string { return "anna" }
	o.Known = func(conversation, caller string) error {
		if conversation == "conv-1" && caller == "anna" {
			return nil
		}
		return errors.New("this conversation is not known (any more)")
	}
	url, _ := serve(t, o)
	for body, want := range map[string]int{
		`{"query":"hello","streaming":true,"conversation_id":"conv-2"}`: http.StatusNotFound,
		`{"query":"hello","conversation_id":"conv-2"}`:                  http.StatusNotFound,
		`{"query":"hello","conversation_id":"conv-1"}`:                  http.StatusOK,
		`{"query":"hello"}`: http.StatusOK,
	} {
		got := post(t, url, "application/json", body)
		if got.status != want {
			t.Errorf("%s: %d", body, got.status)
		}
		var told map[string]any
		if err := json.NewDecoder(got.body).Decode(&told); err != nil {
			t.Fatal(err)
		}
		if refused := told["error"] == "this conversation is not known (any more)"; refused != (want == http.StatusNotFound) {
			t.Errorf("%s: %v", body, told)
		}
	}
}
