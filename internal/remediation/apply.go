// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package remediation

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/telemetry"
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
	// Tracer knows where in a trace a heal is. Nil leaves what it asks for where the heal itself was asked for.
	Tracer *telemetry.Tracer
	Clock  clock.PassiveClock
}

// Apply makes the change of one action, at most once for a stamp. The result's state is Applied if the cluster shows
// the change, Skipped if the object is no longer the one that the plan was made for, Failed if the plan does not fit it at all.
// An error means that the call should be made again, since it is not known whether all is done; a Conflict among them means
// that the object moved between reading and writing.
func (a *Applier) Apply(ctx context.Context, namespace string, stamp Stamp, action v1alpha1.PlannedAction) (v1alpha1.ActionResult, error) {
	if action.Type == v1alpha1.ActionWait {
		return applied(action, a.Clock.Now()), nil
	}
	seen, err := a.examine(ctx, namespace, stamp, action)
	if err != nil || seen.skipped != "" {
		return skipped(action, seen.skipped), err
	}
	if !seen.stamped {
		if err := a.change(ctx, seen.object, stamp, action); err != nil {
			return ended(action, err)
		}
	}
	away, err := a.deletePods(ctx, namespace, action, a.stampedAt(seen.object))
	if err != nil {
		return v1alpha1.ActionResult{}, err
	}
	if action.Type == v1alpha1.ActionDeletePods && away == 0 {
		return skipped(action, fmt.Sprintf("no pod of %s is as it was when the plan was made", lower(action.Object))), nil
	}
	action.Detail = howMany(action, away)
	if seen.stamped {
		return applied(action, a.stampedAt(seen.object)), nil
	}
	return applied(action, a.Clock.Now()), nil
}

// Applied tells whether the action of a stamp is already in the cluster. It begins nothing: of a change that is there it only ends what
// a crash has cut off, the deletion of the pods that the change's rollout waits for.
func (a *Applier) Applied(ctx context.Context, namespace string, stamp Stamp, action v1alpha1.PlannedAction) (*v1alpha1.ActionResult, error) {
	if action.Type == v1alpha1.ActionWait {
		return nil, nil
	}
	seen, err := a.examine(ctx, namespace, stamp, action)
	if err != nil || !seen.stamped {
		return nil, err
	}
	if action.Type == v1alpha1.ActionDeletePods {
		// The stamp comes before the deletions. While all pods are there, nothing was done yet.
		left, err := a.podsLeft(ctx, namespace, action, a.stampedAt(seen.object))
		if err != nil || left == len(action.Pods) {
			return nil, err
		}
	}
	// A crash may have come between the pods.
	away, err := a.deletePods(ctx, namespace, action, a.stampedAt(seen.object))
	if err != nil {
		return nil, err
	}
	action.Detail = howMany(action, away)
	result := applied(action, a.stampedAt(seen.object))
	return &result, nil
}

// seen is what an object says of a plan for it.
type seen struct {
	object client.Object
	// stamped: it bears the stamp of the attempt.
	stamped bool
	// skipped says why it is no longer the object that the plan was made for.
	skipped string
}

// examine validates the plan against the live object.
func (a *Applier) examine(ctx context.Context, namespace string, stamp Stamp, action v1alpha1.PlannedAction) (seen, error) {
	ref := action.Object
	object, err := a.get(ctx, ref.Kind, types.NamespacedName{Namespace: namespace, Name: ref.Name})
	switch {
	case apierrors.IsNotFound(err):
		return seen{skipped: fmt.Sprintf("%s %s is gone", ref.Kind, ref.Name)}, nil
	case err != nil:
		return seen{}, err
	case object.GetUID() != ref.UID:
		return seen{skipped: fmt.Sprintf("%s %s was deleted and created anew since the plan was made", ref.Kind, ref.Name)}, nil
	case object.GetAnnotations()[v1alpha1.AnnotationAppliedBy] == stamp.String():
		return seen{object: object, stamped: true}, nil
	case edited(object, ref):
		return seen{skipped: fmt.Sprintf("%s %s was changed by %s since the plan was made", ref.Kind, ref.Name, lastEditor(object))}, nil
	}
	return seen{object: object}, nil
}

// edited reports whether the spec has changed. A Service has no generation: any write of it counts.
func edited(object client.Object, ref v1alpha1.ObjectReference) bool {
	if _, ok := object.(*corev1.Service); ok {
		return object.GetResourceVersion() != ref.ResourceVersion
	}
	return object.GetGeneration() != ref.Generation
}

// get reads a workload or a Service: nothing else is ever changed.
func (a *Applier) get(ctx context.Context, kind string, key types.NamespacedName) (client.Object, error) {
	if v1alpha1.TargetKind(kind) == v1alpha1.KindService {
		var service corev1.Service
		if err := a.Reader.Get(ctx, key, &service); err != nil {
			return nil, fmt.Errorf("reading Service %s: %w", key, err)
		}
		return &service, nil
	}
	live, err := workload.Get(ctx, a.Reader, kind, key)
	if err != nil {
		return nil, err
	}
	return live.Object, nil
}

// change writes the change and the stamp at once, if the object is still as it was examined: the API server answers with a conflict
// otherwise.
func (a *Applier) change(ctx context.Context, object client.Object, stamp Stamp, action v1alpha1.PlannedAction) error {
	before, ok := object.DeepCopyObject().(client.Object)
	if !ok {
		return unfit("%T is no object", object)
	}
	after, err := a.changed(ctx, object, action)
	if err != nil {
		return err
	}
	annotations := after.GetAnnotations()
	if annotations == nil {
		annotations = map[string]string{}
	}
	annotations[v1alpha1.AnnotationAppliedBy] = stamp.String()
	after.SetAnnotations(annotations)
	patch := client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})
	if err := a.Client.Patch(ctx, after, patch, client.FieldOwner(v1alpha1.FieldManager)); err != nil {
		return fmt.Errorf("patching %s %s: %w", action.Object.Kind, action.Object.Name, err)
	}
	return nil
}

// changed is the object as the action leaves it.
func (a *Applier) changed(ctx context.Context, object client.Object, action v1alpha1.PlannedAction) (client.Object, error) {
	switch action.Type {
	case v1alpha1.ActionScale:
		return object, scale(object, action)
	case v1alpha1.ActionRestart:
		return object, a.restart(object, action)
	case v1alpha1.ActionRollback:
		return object, a.rollback(ctx, object, action)
	case v1alpha1.ActionResume:
		return object, resume(object, action)
	case v1alpha1.ActionRaiseMemoryLimit:
		return object, raiseMemoryLimit(object, action)
	case v1alpha1.ActionDeletePods:
		return object, nil // the stamp alone: it is not the workload that changes
	case v1alpha1.ActionPatch:
		return applyPatch(object, action)
	default:
		return nil, unfit("there is no such action: %s", action.Type)
	}
}

func applied(action v1alpha1.PlannedAction, at time.Time) v1alpha1.ActionResult {
	now := metav1.NewMicroTime(at)
	return v1alpha1.ActionResult{
		Type: action.Type, Object: action.Object, State: v1alpha1.ActionApplied, AppliedAt: &now, Detail: action.Detail, Undo: action.Undo,
	}
}

func skipped(action v1alpha1.PlannedAction, why string) v1alpha1.ActionResult {
	return v1alpha1.ActionResult{Type: action.Type, Object: action.Object, State: v1alpha1.ActionSkipped, Detail: why}
}

// stampedAt is when the stamp was written: pods that were made since are the change's own. The API server notes it, to the second,
// for each field manager.
func (a *Applier) stampedAt(object client.Object) time.Time {
	for _, entry := range object.GetManagedFields() {
		if entry.Manager == v1alpha1.FieldManager && entry.Subresource == "" && entry.Time != nil {
			return entry.Time.Time
		}
	}
	return a.Clock.Now()
}

// lastEditor names the field manager that wrote the object's spec last.
func lastEditor(object client.Object) string {
	var last metav1.ManagedFieldsEntry
	for _, entry := range object.GetManagedFields() {
		if entry.Subresource != "status" && (last.Time == nil || (entry.Time != nil && last.Time.Before(entry.Time))) {
			last = entry
		}
	}
	if last.Manager == "" {
		return "someone else"
	}
	return last.Manager
}
