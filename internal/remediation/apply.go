// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package remediation

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/workload"
)

// Stamp names one attempt of one request. It is written in the same patch as the change, so that after a crash, or
// beside a second leader, the object itself tells whether the change was made.
type Stamp struct {
	Request types.UID
	// Attempt counts the actions that the request has begun, from 0.
	Attempt int
}

// String is the value of the annotation AnnotationAppliedBy.
func (s Stamp) String() string { return fmt.Sprintf("%s/%d", s.Request, s.Attempt) }

// Applier makes the changes of a plan.
type Applier struct {
	// Client writes.
	Client client.Client
	// Reader reads the live state, past any cache: a decision to write must not rest on a stale object.
	Reader client.Reader
	Clock  clock.PassiveClock
}

// Apply makes the change of one action, at most once for a stamp. The result's state is Applied if the cluster shows
// the change, Skipped if the object is no longer the one that the plan was made for. An error means that nothing is
// known to be changed and that the call should be made again; a Conflict among them means that the object moved
// between reading and writing.
func (a *Applier) Apply(ctx context.Context, namespace string, stamp Stamp, action v1alpha1.PlannedAction) (v1alpha1.ActionResult, error) {
	if action.Type == v1alpha1.ActionWait {
		return a.result(action, v1alpha1.ActionApplied, "Waited for the pods to become ready"), nil
	}
	live, result, err := a.examine(ctx, namespace, stamp, action)
	if err != nil || result != nil {
		return deref(result), err
	}
	detail := describe(action, live)
	patch, err := a.patch(live, stamp, action)
	if err != nil {
		return v1alpha1.ActionResult{}, err
	}
	if err := a.Client.Patch(ctx, live.Object, client.RawPatch(types.MergePatchType, patch), client.FieldOwner(v1alpha1.FieldManager)); err != nil {
		return v1alpha1.ActionResult{}, fmt.Errorf("patching %s: %w", live, err)
	}
	return a.result(action, v1alpha1.ActionApplied, detail), nil
}

// Applied tells whether the action of a stamp is already in the cluster, and changes nothing.
func (a *Applier) Applied(ctx context.Context, namespace string, stamp Stamp, action v1alpha1.PlannedAction) (*v1alpha1.ActionResult, error) {
	if action.Type == v1alpha1.ActionWait {
		return nil, nil
	}
	_, result, err := a.examine(ctx, namespace, stamp, action)
	if result != nil && result.State != v1alpha1.ActionApplied {
		result = nil
	}
	return result, err
}

// examine validates the plan against the live object. A result means that there is nothing left to do.
func (a *Applier) examine(ctx context.Context, namespace string, stamp Stamp, action v1alpha1.PlannedAction) (*workload.Workload, *v1alpha1.ActionResult, error) {
	skipped := func(detail string) *v1alpha1.ActionResult {
		result := a.result(action, v1alpha1.ActionSkipped, detail)
		return &result
	}
	live, err := workload.Get(ctx, a.Reader, action.Object.Kind, types.NamespacedName{Namespace: namespace, Name: action.Object.Name})
	switch {
	case apierrors.IsNotFound(err):
		return nil, skipped(fmt.Sprintf("%s %s is gone", action.Object.Kind, action.Object.Name)), nil
	case err != nil:
		return nil, nil, err
	case live.Object.GetUID() != action.Object.UID:
		return nil, skipped(fmt.Sprintf("%s was deleted and created anew since the plan was made", live)), nil
	case live.Object.GetAnnotations()[v1alpha1.AnnotationAppliedBy] == stamp.String():
		result := a.result(action, v1alpha1.ActionApplied, describe(action, nil))
		return nil, &result, nil
	case live.Object.GetGeneration() != action.Object.Generation:
		return nil, skipped(fmt.Sprintf("%s was changed by %s since the plan was made", live, lastEditor(live))), nil
	}
	return live, nil, nil
}

// patch is a merge patch that holds the change, the stamp and the resourceVersion that was examined: the API server
// refuses it with a conflict if the object has moved since.
func (a *Applier) patch(live *workload.Workload, stamp Stamp, action v1alpha1.PlannedAction) ([]byte, error) {
	spec := map[string]any{}
	switch action.Type {
	case v1alpha1.ActionScale:
		if !live.Scalable() || action.Replicas == nil {
			return nil, fmt.Errorf("planning error: %s cannot be scaled", live)
		}
		spec["replicas"] = *action.Replicas
	case v1alpha1.ActionRestart:
		restarted := map[string]string{v1alpha1.AnnotationRestartedAt: a.Clock.Now().UTC().Format(time.RFC3339Nano)}
		spec["template"] = map[string]any{"metadata": map[string]any{"annotations": restarted}}
	default:
		return nil, fmt.Errorf("planning error: no such action: %s", action.Type)
	}
	patch := map[string]any{
		"metadata": map[string]any{
			"uid":             live.Object.GetUID(),
			"resourceVersion": live.Object.GetResourceVersion(),
			"annotations":     map[string]string{v1alpha1.AnnotationAppliedBy: stamp.String()},
		},
		"spec": spec,
	}
	data, err := json.Marshal(patch)
	if err != nil {
		return nil, fmt.Errorf("encoding the patch of %s: %w", live, err)
	}
	return data, nil
}

func (a *Applier) result(action v1alpha1.PlannedAction, state v1alpha1.ActionState, detail string) v1alpha1.ActionResult {
	now := metav1.NewMicroTime(a.Clock.Now())
	result := v1alpha1.ActionResult{Type: action.Type, Object: action.Object, State: state, Detail: detail}
	if state == v1alpha1.ActionApplied {
		result.AppliedAt = &now
	}
	return result
}

// describe says what the action does, in the words of the spec's events ("Restarted deployment sandfly-mcp-server").
func describe(action v1alpha1.PlannedAction, before *workload.Workload) string {
	object := strings.ToLower(action.Object.Kind) + " " + action.Object.Name
	switch {
	case action.Type != v1alpha1.ActionScale:
		return "Restarted " + object
	case before == nil:
		return fmt.Sprintf("Scaled %s to %d", object, *action.Replicas)
	default:
		return fmt.Sprintf("Scaled %s from %d to %d", object, before.Replicas, *action.Replicas)
	}
}

// lastEditor names the field manager that wrote the object's spec last.
func lastEditor(live *workload.Workload) string {
	var last metav1.ManagedFieldsEntry
	for _, entry := range live.Object.GetManagedFields() {
		if entry.Subresource != "status" && (last.Time == nil || (entry.Time != nil && last.Time.Before(entry.Time))) {
			last = entry
		}
	}
	if last.Manager == "" {
		return "someone else"
	}
	return last.Manager
}

func deref(result *v1alpha1.ActionResult) v1alpha1.ActionResult {
	if result == nil {
		return v1alpha1.ActionResult{}
	}
	return *result
}
