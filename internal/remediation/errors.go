// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package remediation

import (
	"errors"
	"fmt"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

// Two ways in which a change cannot be made, however often it is tried. Neither is an error to the caller: they are how an action
// ended.
type (
	// movedError: what the plan was made for is no longer there.
	movedError struct{ why string }
	// unfitError: the plan cannot be carried out on its object, whatever state that is in.
	unfitError struct{ why string }
)

func (e movedError) Error() string { return e.why }
func (e unfitError) Error() string { return e.why }

func moved(format string, args ...any) error { return movedError{fmt.Sprintf(format, args...)} }
func unfit(format string, args ...any) error { return unfitError{fmt.Sprintf(format, args...)} }

// ended is how an action ended that could not be carried out, or the error of a call that should be made again.
func ended(action v1alpha1.PlannedAction, err error) (v1alpha1.ActionResult, error) {
	var gone movedError
	var wrong unfitError
	switch {
	case errors.As(err, &gone):
		return skipped(action, gone.why), nil
	case errors.As(err, &wrong):
		return v1alpha1.ActionResult{Type: action.Type, Object: action.Object, State: v1alpha1.ActionFailed, Detail: wrong.why}, nil
	default:
		return v1alpha1.ActionResult{}, err
	}
}
