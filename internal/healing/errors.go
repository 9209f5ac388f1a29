// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package healing

import (
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/record"
)

const lookAtOperator = "Check that the operator runs: `kubectl get pods -n cortex-system`."

func lookAtRequests(namespace string) string {
	return fmt.Sprintf("See what happened: `kubectl get heal -n %s`.", namespace)
}

// Error is a heal that could not be recorded or was not followed to its end. Whether the target will be healed is not known.
type Error struct {
	// Message says what happened, for people.
	Message string
	// Recommendation says what a person should look at.
	Recommendation string
	err            error
}

func newError(message, recommendation string, err error) *Error {
	return &Error{Message: message, Recommendation: recommendation, err: err}
}

// Error joins the message and the recommendation.
func (e *Error) Error() string { return sentences(e.Message, e.Recommendation) }

// Unwrap gives what was behind it; nil if nothing was.
func (e *Error) Unwrap() error { return e.err }

// held tells of a heal that goes on only once a person says so or much time has passed: what is wrong, what it waits for, until
// when, and what to do meanwhile. All of it stands in the message and the recommendation, which is what an event shows.
func held(request *v1alpha1.HealingRequest, by *metav1.Condition) *Error {
	status := request.Status
	waits, until := "is held back", status.BlockedUntil
	answer := fmt.Sprintf("To let it go ahead nevertheless: `kubectl cortex approve %s -n %s`.", request.Name, request.Namespace)
	if by.Reason == v1alpha1.ReasonAwaitingApproval {
		waits = "waits for a person's approval"
		answer = fmt.Sprintf("Look at the plan and approve it, then ask again: `kubectl cortex approve %s -n %s` (or deny).", request.Name, request.Namespace)
		if status.Deadline != nil {
			until = &metav1.Time{Time: status.Deadline.Time}
		}
	}
	if until != nil {
		waits += " until " + record.Timestamp(until.Time)
	}
	// The first words are the spec's ("Workflow 2"); what is wrong comes before what is done about it.
	return newError(sentences("Unable to fix automatically: "+status.Diagnosis, fmt.Sprintf("The heal %s %s (%s): %s", request.Name, waits, by.Reason, by.Message)),
		sentences(answer, status.Recommendation, command(status.SuggestedPatch)), nil)
}

func command(suggested string) string {
	if suggested == "" {
		return ""
	}
	return "Suggested command: `" + suggested + "`."
}

// sentences puts one after the other, with a full stop between two.
func sentences(parts ...string) string {
	var text strings.Builder
	for _, part := range parts {
		switch {
		case part == "":
			continue
		case text.Len() == 0:
		case strings.HasSuffix(text.String(), "."):
			text.WriteString(" ")
		default:
			text.WriteString(". ")
		}
		text.WriteString(part)
	}
	return text.String()
}

func deleted(request *v1alpha1.HealingRequest) *Error {
	return newError(fmt.Sprintf("the request %s was deleted before the heal ended", request.Name), "Ask again to start another heal.", nil)
}
