// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package recovery

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"syscall"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/healing"
	"github.com/ry-ops/cortex/internal/mcp"
	"github.com/ry-ops/cortex/internal/mcpserver"
)

// restored is the message of healing_complete.
func restored(outcome *healing.Outcome) string {
	switch {
	case outcome.AlreadyHealed:
		return fmt.Sprintf("Healed at %s, while the call was under way (%s)", outcome.Timestamp, outcome.Request)
	case outcome.FixApplied != "":
		return outcome.FixApplied
	case outcome.Diagnosis != "":
		return outcome.Diagnosis
	default:
		return "The service answers again"
	}
}

// unfixed is the message of healing_failed.
func unfixed(outcome *healing.Outcome, err error) string {
	if err != nil {
		return outcome.Diagnosis
	}
	return "Unable to fix automatically: " + outcome.Diagnosis
}

// manual tells a person what is wrong and what to do.
func manual(service, issue string, outcome *healing.Outcome) string {
	var text strings.Builder
	fmt.Fprintf(&text, "%s does not answer (%s) and was not healed.", service, issue)
	for _, part := range []struct{ title, body string }{
		{"Diagnosis", outcome.Diagnosis},
		{"Recommendation", outcome.Recommendation},
		{"Suggested command", outcome.SuggestedCommand},
	} {
		if part.body != "" {
			fmt.Fprintf(&text, "\n\n%s: %s", part.title, part.body)
		}
	}
	return text.String()
}

// cameBack is what is told of a server that came back by itself.
const cameBack = "The service answers again by itself; the operator goes on looking at it"

// decision tells what the replay rule says of a call, and why.
func decision(failure *mcp.CallError, verdict mcp.Verdict) string {
	again := "alling again: "
	if failure.Tool != "" {
		again = "alling " + failure.Tool + " again: "
	}
	if verdict.Replay {
		return "C" + again + verdict.Reason
	}
	return "Not c" + again + verdict.Reason
}

// issueOf names a failure the way the spec does ("connect ECONNREFUSED"), in few words and without addresses.
func issueOf(failure *mcp.CallError) string {
	var request *mcpserver.RequestError
	switch failure.Reason {
	case mcpserver.ServerError, mcpserver.BadStatus:
		if errors.As(failure, &request) && request.Status != 0 {
			return fmt.Sprintf("HTTP %d %s", request.Status, http.StatusText(request.Status))
		}
	case mcpserver.NoRoute:
		if errors.Is(failure, syscall.ENETUNREACH) {
			return "connect ENETUNREACH"
		}
	}
	return mcp.FailureOf(failure.Reason).Issue
}

// advised adds to the error of a call that no heal cures what a person does about it. A tool's own error stays as it is.
func (c *call) advised(err error) error {
	var failure *mcp.CallError
	if !errors.As(err, &failure) || failure.Class == v1alpha1.ErrorToolError || failure.Class == v1alpha1.ErrorCanceled {
		return err
	}
	row := mcp.FailureOf(failure.Reason)
	return &advice{CallError: failure, text: fmt.Sprintf("%s: %s. %s (%s)", c.service(), row.Issue, row.Advice, failure.Observed().Message)}
}

// advice is the error of a call with words for people.
type advice struct {
	*mcp.CallError
	text string
}

// Error implements error.
func (a *advice) Error() string { return a.text }

// Unwrap gives the failure itself.
func (a *advice) Unwrap() error { return a.CallError }
