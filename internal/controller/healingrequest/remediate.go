// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package healingrequest

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/foreign"
	"github.com/ry-ops/cortex/internal/mcpserver"
	"github.com/ry-ops/cortex/internal/policy"
)

// remediate makes the change that the plan in the API server names: never one that is only in memory.
func (r *Reconciler) remediate(ctx context.Context, h *heal) error {
	if !h.planStored() {
		h.due = true
		return nil
	}
	if held, err := r.held(ctx, h, r.Live); held || err != nil {
		return err
	}
	action := h.next()
	if allowed, err := r.allowed(ctx, h, action); !allowed || err != nil {
		if err == nil {
			h.say("The plan is no longer allowed. Looking again...")
			h.lookAgain()
		}
		return err
	}
	if !h.fresh && policy.ChangesTarget(action.Type) {
		if works, err := r.worksAgain(ctx, h); works || err != nil {
			return err
		}
	}
	began := h.clock.Now()
	result, err := r.apply(ctx, h, action)
	if apierrors.IsForbidden(err) {
		// An API server that has just started refuses everything until it has read the roles. Its no holds once it lets the operator read.
		if _, err := r.applied(ctx, h); err != nil {
			return err
		}
		result, err = r.apply(ctx, h, action)
	}
	if refused(err) {
		result = v1alpha1.ActionResult{Type: action.Type, Object: action.Object, State: v1alpha1.ActionFailed, Detail: foreign.Line(err.Error(), 512)}
		err = nil
	}
	if err != nil {
		return err
	}
	h.recordAction(result)
	h.took(stepApply, began)
	return nil
}

// allowed reports whether an action that was planned in an earlier reconcile may still be taken. An operator that was away comes back
// to a plan of whatever age, and the label or a policy may have been changed since.
func (r *Reconciler) allowed(ctx context.Context, h *heal, action v1alpha1.PlannedAction) (bool, error) {
	ref := h.status().ServiceRef
	if h.fresh || ref == nil {
		return true, nil
	}
	var service corev1.Service
	if err := r.Live.Get(ctx, types.NamespacedName{Namespace: h.request.Namespace, Name: ref.Name}, &service); err != nil {
		return false, ignoreNotFound(err)
	}
	effective, err := r.effectiveOf(ctx, h, &service)
	if err != nil {
		return false, err
	}
	mode, permission := effective.ModeOf(h.request.Spec.Mode), effective.Permission(action.Type)
	if permission == v1alpha1.PermissionApproval {
		action.Permission = permission
	}
	answered := !needsApproval(mode, action) || h.request.Spec.Approval == v1alpha1.ApprovalApproved
	return mcpserver.OptedIn(&service) && mode != v1alpha1.ModeDryRun && permission != v1alpha1.PermissionNever && answered, nil
}

func (r *Reconciler) apply(ctx context.Context, h *heal, action v1alpha1.PlannedAction) (v1alpha1.ActionResult, error) {
	if action.Type == v1alpha1.ActionHealDependency {
		return r.Applier.HealDependency(ctx, h.request, len(h.status().Actions), action)
	}
	return r.Applier.Apply(ctx, h.request.Namespace, h.stamp(), action)
}

// recovered ends a request whose target works before anything (more) was changed.
func (h *heal) recovered(verified v1alpha1.Verification) {
	h.recordVerification(verified, verified.Checks[len(verified.Checks)-1])
	h.status().Recommendation, h.status().SuggestedPatch = "", ""
	if h.status().FixApplied != "" {
		h.lateEffect()
		h.complete(v1alpha1.ReasonHealed, h.status().FixApplied)
		return
	}
	why := h.request.Spec.TargetRef.Name + " works again by itself"
	if !h.begun() {
		why += ", so nothing was changed"
	}
	h.complete(v1alpha1.ReasonHealthy, why)
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
	if result.Type == v1alpha1.ActionHealDependency && result.State == v1alpha1.ActionFailed {
		h.dependencyRefused(result.Detail)
		return
	}
	if result.State != v1alpha1.ActionApplied {
		h.say(fmt.Sprintf("%s %s: %s. Looking again...", result.Type, result.State, result.Detail))
		h.lookAgain()
		return
	}
	h.due = true
	status.Attempts++
	h.set(v1alpha1.ConditionRemediated, metav1.ConditionTrue, v1alpha1.ReasonApplied, result.Detail)
	switch result.Type {
	case v1alpha1.ActionWait:
		h.say(fmt.Sprintf("Waiting for %s to become ready...", result.Object.Name))
		return
	case v1alpha1.ActionHealDependency: // what that changes is the other request's to tell
		h.say(result.Detail)
		return
	}
	h.addFix(result.Detail)
	h.say(result.Detail)
	h.say("Waiting for rollout to complete...")
}

// addFix adds to what was changed.
func (h *heal) addFix(fix string) {
	status := h.status()
	if status.FixApplied != "" {
		status.FixApplied += "; "
	}
	status.FixApplied = foreign.Line(status.FixApplied+fix, 1024)
}
