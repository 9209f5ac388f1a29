// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package remediation

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/diagnosis/words"
	"github.com/ry-ops/cortex/internal/workload"
)

// fresh is how long a revision is suspected of a crash that the one before it did not have.
const fresh = time.Hour

// planRollback returns to the last revision that was healthy. Where nothing proves that it was, a person is asked.
func planRollback(in Input) (v1alpha1.PlannedAction, bool) {
	s := in.Snapshot
	if s.Workload == nil || in.Diagnosis.Cause == v1alpha1.CauseCrashLoop && !newRevision(s) {
		return v1alpha1.PlannedAction{}, false
	}
	// The template that the workload has now must be the one that fails: it has pods, and none of them is ready.
	now, seen := s.Current()
	if !seen || now.Pods == 0 || now.Ready > 0 {
		return v1alpha1.PlannedAction{}, false
	}
	to, proof, ok := healthy(s)
	if !ok {
		return v1alpha1.PlannedAction{}, false
	}
	object := s.Workload.Reference()
	action := v1alpha1.PlannedAction{
		Object: object, Revision: &to.Reference, RevisionNumber: to.Number, Risk: v1alpha1.RiskMedium, Reversible: true,
		Reason: fmt.Sprintf("revision %d of %s %s", to.Number, s.Workload, cmp.Or(proof, "ran before; whether it was healthy is not known")),
		Detail: fmt.Sprintf("Rolled %s back to revision %d%s", lower(object), to.Number, images(s.Workload.Template, to.Template)),
		Undo:   fmt.Sprintf("kubectl rollout undo %s -n %s", slashed(object), s.Namespace),
	}
	if now.Number > 0 { // without a number kubectl takes the one before, whatever that is by then
		action.Undo += fmt.Sprintf(" --to-revision=%d", now.Number)
	}
	if proof == "" {
		action.Permission, action.Risk = v1alpha1.PermissionApproval, v1alpha1.RiskHigh
	}
	return rollsOut(s, action), true
}

// healthy finds the revision to return to, and what proves that it was healthy: the newest with a proof, else the newest that is only
// known to have run. One with pods that are not ready now is none, whatever it once was.
func healthy(s *snapshot.Snapshot) (to snapshot.History, proof string, ok bool) {
	for _, revision := range s.Earlier() {
		if revision.Ready < revision.Pods {
			continue
		}
		if proof := proofOf(s, revision); proof != "" {
			return revision, proof, true
		}
		if !ok {
			to, ok = revision, true
		}
	}
	return to, "", ok
}

// proofOf is what proves that a revision was healthy; "" if nothing does. That a ReplicaSet has no pods proves nothing: it is scaled
// down where its pods fail as well as where they were replaced.
func proofOf(s *snapshot.Snapshot, revision snapshot.History) string {
	if revision.Ready > 0 {
		return "has " + words.Count(revision.Ready, "ready pod") + " now"
	}
	// It is set once every pod of an update is ready (completeRollingUpdate of pkg/controller/statefulset), but to the first revision
	// from the beginning.
	set, ok := s.Workload.Object.(*appsv1.StatefulSet)
	if ok && revision.Number > 1 && set.Status.CurrentRevision == revision.Reference.Name {
		return "is the last that was rolled out in full, with every pod ready (status.currentRevision)"
	}
	if until := availableUntil(s, revision); !until.IsZero() {
		return "had every pod available until it was replaced at " + until.UTC().Format(time.TimeOnly) + " (condition Available)"
	}
	return ""
}

// takesOver is how long after it has become unavailable a Deployment is replaced by its next revision, beside the grace that its pods
// have: what was broken for longer was broken before.
const takesOver = 30 * time.Second

// availableUntil is when a Deployment lost the pods of a revision to the next one; the zero time where that is not known. It is known
// where the strategy is Recreate: pods of two revisions are never there at once, "Available" asks for every pod, and its last
// transition is then that of the pods which were stopped, unless those of the next revision were available in between. The pods are
// stopped first and the ReplicaSet of the next revision is made when they are gone (rolloutRecreate of pkg/controller/deployment).
func availableUntil(s *snapshot.Snapshot, revision snapshot.History) time.Time {
	deployment, ok := s.Workload.Object.(*appsv1.Deployment)
	if !ok || deployment.Spec.Strategy.Type != appsv1.RecreateDeploymentStrategyType || s.Earlier()[0].Reference != revision.Reference {
		return time.Time{}
	}
	grace := time.Duration(ptr.Deref(revision.Template.Spec.TerminationGracePeriodSeconds, corev1.DefaultTerminationGracePeriodSeconds)) * time.Second
	replaced := s.CurrentSince()
	for _, condition := range deployment.Status.Conditions {
		until := condition.LastTransitionTime.Time
		if condition.Type == appsv1.DeploymentAvailable && condition.Status == corev1.ConditionFalse &&
			until.After(revision.Created) && !until.After(replaced) && replaced.Sub(until) <= grace+takesOver {
			return until
		}
	}
	return time.Time{}
}

// newRevision reports whether the template has come into use lately.
func newRevision(s *snapshot.Snapshot) bool {
	since := s.CurrentSince()
	return !since.IsZero() && s.Age(since) < fresh
}

// images tells which images differ: " (image a -> b)".
func images(from, to *corev1.PodTemplateSpec) string {
	var told []string
	for _, container := range to.Spec.Containers {
		if now := containerNamed(from, container.Name); now != nil && now.Image != container.Image {
			told = append(told, fmt.Sprintf("image %s -> %s", now.Image, container.Image))
		}
	}
	if len(told) == 0 {
		return ""
	}
	return " (" + strings.Join(told, ", ") + ")"
}

// rollback replaces the whole template, as `kubectl rollout undo` does. The revision is read anew, and must be the one that was
// planned for.
func (a *Applier) rollback(ctx context.Context, object client.Object, action v1alpha1.PlannedAction) error {
	template := templateOf(object)
	if action.Revision == nil || template == nil {
		return unfit("%s %s cannot be rolled back", action.Object.Kind, action.Object.Name)
	}
	key := types.NamespacedName{Namespace: object.GetNamespace(), Name: action.Revision.Name}
	to, uid, err := a.revision(ctx, action.Revision.Kind, key)
	switch {
	case apierrors.IsNotFound(err):
		return moved("%s %s, which kept revision %d, is gone", action.Revision.Kind, action.Revision.Name, action.RevisionNumber)
	case err != nil:
		return err
	case uid != action.Revision.UID:
		return moved("%s %s was deleted and created anew since the plan was made", action.Revision.Kind, action.Revision.Name)
	}
	*template = *to
	return nil
}

func (a *Applier) revision(ctx context.Context, kind string, key types.NamespacedName) (*corev1.PodTemplateSpec, types.UID, error) {
	if kind == snapshot.KindReplicaSet {
		var rs appsv1.ReplicaSet
		if err := a.Reader.Get(ctx, key, &rs); err != nil {
			return nil, "", fmt.Errorf("reading ReplicaSet %s: %w", key, err)
		}
		return workload.WithoutHash(&rs.Spec.Template), rs.UID, nil
	}
	var revision appsv1.ControllerRevision
	if err := a.Reader.Get(ctx, key, &revision); err != nil {
		return nil, "", fmt.Errorf("reading ControllerRevision %s: %w", key, err)
	}
	template, err := workload.RevisionTemplate(&revision)
	if err != nil {
		return nil, "", unfit("%v", err) // what a ControllerRevision holds never changes
	}
	return template, revision.UID, nil
}

// templateOf is the pod template of a workload, to be changed; nil for any other object.
func templateOf(object client.Object) *corev1.PodTemplateSpec {
	switch o := object.(type) {
	case *appsv1.Deployment:
		return &o.Spec.Template
	case *appsv1.StatefulSet:
		return &o.Spec.Template
	case *appsv1.DaemonSet:
		return &o.Spec.Template
	default:
		return nil
	}
}
