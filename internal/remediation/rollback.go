// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package remediation

import (
	"context"
	"fmt"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
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
	to, proof, ok := healthy(s)
	if !ok {
		return v1alpha1.PlannedAction{}, false
	}
	object := s.Workload.Reference()
	action := v1alpha1.PlannedAction{
		Object: object, Revision: &to.Reference, Risk: v1alpha1.RiskMedium, Reversible: true,
		Reason: fmt.Sprintf("revision %d of %s %s", to.Number, s.Workload, proof),
		Detail: fmt.Sprintf("Rolled %s back to revision %d%s", lower(object), to.Number, images(s.Workload.Template, to.Template)),
		Undo:   fmt.Sprintf("kubectl rollout undo %s -n %s", slashed(object), s.Namespace),
	}
	if to.Ready == 0 {
		action.Permission = v1alpha1.PermissionApproval
	}
	if action.Pods = inTheWay(s); len(action.Pods) > 0 {
		action.Reason += "; a StatefulSet that starts its pods in order waits for the broken ones for ever, so these are deleted"
	}
	return action, true
}

// inTheWay are the pods of a StatefulSet that are not ready and that its controller would wait for even after the template is mended
// (Kubernetes documentation, StatefulSets, "Forced rollback"; kubernetes/kubernetes#67250).
func inTheWay(s *snapshot.Snapshot) []v1alpha1.ObjectReference {
	set, ok := s.Workload.Object.(*appsv1.StatefulSet)
	if !ok || set.Spec.PodManagementPolicy == appsv1.ParallelPodManagement {
		return nil
	}
	var pods []v1alpha1.ObjectReference
	for i := range s.Pods {
		if len(pods) < maxPods && s.Pods[i].DeletionTimestamp == nil && !snapshot.IsReady(&s.Pods[i]) {
			pods = append(pods, snapshot.Reference(snapshot.KindPod, &s.Pods[i]))
		}
	}
	return pods
}

// maxPods bounds the pods that an action names (PlannedAction.pods, maxItems).
const maxPods = 32

// healthy finds the revision to return to, and what speaks for it: one that has ready pods now, else the last one that ran. One
// whose pods fail as well is none.
func healthy(s *snapshot.Snapshot) (to snapshot.History, proof string, ok bool) {
	earlier := s.Earlier()
	for _, revision := range earlier {
		if revision.Ready > 0 {
			return revision, fmt.Sprintf("has %d ready pods now", revision.Ready), true
		}
	}
	for _, revision := range earlier {
		if revision.Pods == 0 {
			return revision, "ran before; whether it was healthy is not known", true
		}
	}
	return snapshot.History{}, "", false
}

// newRevision reports whether the template has come into use lately.
func newRevision(s *snapshot.Snapshot) bool {
	since := s.NewestSince()
	if s.Workload.Kind != v1alpha1.KindDeployment {
		for i := range s.All.ControllerRevisions {
			if at := s.All.ControllerRevisions[i].CreationTimestamp.Time; at.After(since) {
				since = at
			}
		}
	}
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
		return fmt.Errorf("planning error: %s %s cannot be rolled back", action.Object.Kind, action.Object.Name)
	}
	key := types.NamespacedName{Namespace: object.GetNamespace(), Name: action.Revision.Name}
	to, uid, err := a.revision(ctx, action.Revision.Kind, key)
	switch {
	case err != nil:
		return err
	case uid != action.Revision.UID:
		return fmt.Errorf("%s %s was created anew since the plan was made", action.Revision.Kind, action.Revision.Name)
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
	return template, revision.UID, err
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
