// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package healingrequest

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/foreign"
)

// remediate makes the change that the plan in the API server names: never one that is only in memory.
func (r *Reconciler) remediate(ctx context.Context, h *heal) error {
	if h.phase() != v1alpha1.PhaseRemediating {
		return nil
	}
	h.stepped = true
	if held, err := r.held(ctx, h); held || err != nil {
		return err
	}
	action := h.next()
	result, err := r.Applier.Apply(ctx, h.request.Namespace, h.stamp(), action)
	if refused(err) {
		result = v1alpha1.ActionResult{Type: action.Type, Object: action.Object, State: v1alpha1.ActionFailed, Detail: foreign.Line(err.Error(), 512)}
		err = nil
	}
	if err != nil {
		return err
	}
	h.recordAction(result)
	return nil
}

// refused reports whether the API server will not take a change, however often it is asked: no right, a webhook or a
// policy that denies it (400 or 403), a value that is not valid.
func refused(err error) bool {
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		return false
	}
	switch code := status.Status().Code; code {
	case http.StatusNotFound, http.StatusRequestTimeout, http.StatusConflict, http.StatusTooManyRequests:
		return false
	default:
		return code >= 400 && code < 500
	}
}

func (h *heal) recordAction(result v1alpha1.ActionResult) {
	status := h.status()
	result.Detail = foreign.Line(result.Detail, 512)
	status.Actions = append(status.Actions, result)
	if result.State != v1alpha1.ActionApplied {
		h.say(fmt.Sprintf("%s %s: %s. Looking again...", result.Type, result.State, result.Detail))
		h.lookAgain()
		return
	}
	status.Attempts++
	h.set(v1alpha1.ConditionRemediated, metav1.ConditionTrue, v1alpha1.ReasonApplied, result.Detail)
	if result.Type == v1alpha1.ActionWait {
		h.say(fmt.Sprintf("Waiting for %s to become ready...", result.Object.Name))
		return
	}
	if status.FixApplied != "" {
		status.FixApplied += "; "
	}
	status.FixApplied = foreign.Line(status.FixApplied+result.Detail, 1024)
	h.say(result.Detail)
	h.say("Waiting for rollout to complete...")
	h.tell(v1alpha1.ReasonApplied, result.Detail)
}

// expire ends a request whose time is up. What was applied is verified one last time first: an operator that was away
// for longer than the timeout must neither forget a fix nor call a healed target failed.
func (r *Reconciler) expire(ctx context.Context, h *heal) error {
	deadline := h.request.Deadline()
	if deadline.IsZero() || h.clock.Now().Before(deadline) || h.phase() == v1alpha1.PhaseVerifying {
		return nil
	}
	if h.phase() == v1alpha1.PhaseRemediating {
		applied, err := r.Applier.Applied(ctx, h.request.Namespace, h.stamp(), h.next())
		if err != nil {
			return err
		}
		if applied != nil {
			h.stepped = true
			h.recordAction(*applied)
			return nil
		}
	}
	h.stepped = true
	h.expired()
	return nil
}

func (h *heal) expired() {
	elapsed := h.request.Deadline().Sub(h.request.Status.StartedAt.Time)
	h.complete(v1alpha1.ReasonDeadlineExceeded, fmt.Sprintf("Not healed within %s. %s", elapsed, h.status().Diagnosis))
}
