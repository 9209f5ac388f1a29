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
func restored(outcome healing.Outcome) string {
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
func unfixed(outcome healing.Outcome, err error) string {
	if err != nil {
		return outcome.Diagnosis
	}
	return "Unable to fix automatically: " + outcome.Diagnosis
}

// manual tells a person what is wrong and what to do.
func manual(service, issue string, outcome healing.Outcome) string {
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

// issueOf names a failure the way the spec does ("connect ECONNREFUSED"), in few words and without addresses.
func issueOf(failure *mcp.CallError) string {
	var request *mcpserver.RequestError
	switch failure.Class {
	case v1alpha1.ErrorConnectionRefused:
		return "connect " + errno(failure)
	case v1alpha1.ErrorDNS:
		return "getaddrinfo ENOTFOUND"
	case v1alpha1.ErrorTimeout:
		return "no answer in time"
	case v1alpha1.ErrorUnavailable:
		if errors.As(failure, &request) && request.Status != 0 {
			return fmt.Sprintf("HTTP %d %s", request.Status, http.StatusText(request.Status))
		}
		return "connection closed without an answer"
	case v1alpha1.ErrorSessionLost:
		return "session lost"
	default:
		return "the answer is not MCP"
	}
}

func errno(err error) string {
	switch {
	case errors.Is(err, syscall.EHOSTUNREACH):
		return "EHOSTUNREACH"
	case errors.Is(err, syscall.ENETUNREACH):
		return "ENETUNREACH"
	default:
		return "ECONNREFUSED"
	}
}
