// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package healing

import (
	"fmt"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

const lookAtOperator = "Check that the operator runs: `kubectl get pods -n cortex-system`."

func lookAtRequests(namespace string) string {
	return fmt.Sprintf("See what happened: `kubectl get heal -n %s`.", namespace)
}

// Error is a heal that could not be recorded or followed to its end. Whether the target was healed is not known.
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
func (e *Error) Error() string { return e.Message + ". " + e.Recommendation }

// Unwrap gives what was behind it; nil if nothing was.
func (e *Error) Unwrap() error { return e.err }

func awaiting(request *v1alpha1.HealingRequest) *Error {
	return newError(fmt.Sprintf("the heal %s waits for a person's approval", request.Name),
		fmt.Sprintf("Approve or deny it, then ask again: `kubectl patch heal %s -n %s --type=merge -p '{\"spec\":{\"approval\":\"Approved\"}}'`.", request.Name, request.Namespace), nil)
}

func deleted(request *v1alpha1.HealingRequest) *Error {
	return newError(fmt.Sprintf("the request %s was deleted before the heal ended", request.Name), "Ask again to start another heal.", nil)
}
