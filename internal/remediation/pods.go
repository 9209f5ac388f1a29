// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package remediation

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
)

// planDeletePods removes the pods that the finding names: ended ones, or those whose node is gone. None of them serves, so no
// PodDisruptionBudget speaks of them. By force, that is where no kubelet can say that a container has ended, a person is asked.
func planDeletePods(in Input) (v1alpha1.PlannedAction, bool) {
	workload, pods := in.Snapshot.Workload, in.root().Pods
	if workload == nil || len(pods) == 0 {
		return v1alpha1.PlannedAction{}, false
	}
	object := workload.Reference()
	action := v1alpha1.PlannedAction{
		Object: object, Pods: pods, Risk: v1alpha1.RiskLow,
		Reason: fmt.Sprintf("%d pods of %s have ended and are still there", len(pods), workload),
		Detail: fmt.Sprintf("Deleted %d ended pods of %s", len(pods), lower(object)),
	}
	if in.Diagnosis.Cause == v1alpha1.CauseStuckTerminating {
		action.Risk, action.Permission = v1alpha1.RiskHigh, v1alpha1.PermissionApproval
		action.Reason = fmt.Sprintf("the node of %d pods of %s is gone, so nobody can report that they have ended", len(pods), workload)
		action.Detail = fmt.Sprintf("Deleted %d pods of %s whose node is gone, by force", len(pods), lower(object))
	}
	return action, true
}

// deletePods deletes the pods that the plan names, each only as long as it is still that pod and still of no use. The workload has
// the stamp by then. A pod that is gone is what was wanted.
func (a *Applier) deletePods(ctx context.Context, namespace string, action v1alpha1.PlannedAction) error {
	for _, ref := range action.Pods {
		var pod corev1.Pod
		err := a.Reader.Get(ctx, types.NamespacedName{Namespace: namespace, Name: ref.Name}, &pod)
		if apierrors.IsNotFound(err) {
			continue
		}
		if err != nil {
			return fmt.Errorf("reading Pod %s: %w", ref.Name, err)
		}
		if pod.UID != ref.UID || !useless(&pod, action.Type) {
			continue
		}
		options := []client.DeleteOption{client.Preconditions{UID: &pod.UID, ResourceVersion: &pod.ResourceVersion}}
		if action.Type == v1alpha1.ActionDeletePods { // nothing runs in it, or nobody can tell: there is nothing to wait for
			options = append(options, client.GracePeriodSeconds(0))
		}
		err = a.Client.Delete(ctx, &pod, options...)
		if client.IgnoreNotFound(err) != nil {
			return fmt.Errorf("deleting Pod %s: %w", ref.Name, err)
		}
	}
	return nil
}

// useless reports whether a pod may be deleted: it has ended, or should have; or it is in the way of a rollback and not ready.
func useless(pod *corev1.Pod, action v1alpha1.ActionType) bool {
	if action == v1alpha1.ActionRollback {
		return !snapshot.IsReady(pod)
	}
	return pod.Status.Phase == corev1.PodFailed || pod.Status.Phase == corev1.PodSucceeded || pod.DeletionTimestamp != nil
}

// podsLeft counts those of the plan's pods that are still there.
func (a *Applier) podsLeft(ctx context.Context, namespace string, action v1alpha1.PlannedAction) (int, error) {
	left := 0
	for _, ref := range action.Pods {
		var pod corev1.Pod
		err := a.Reader.Get(ctx, types.NamespacedName{Namespace: namespace, Name: ref.Name}, &pod)
		if client.IgnoreNotFound(err) != nil {
			return 0, fmt.Errorf("reading Pod %s: %w", ref.Name, err)
		}
		if err == nil && pod.UID == ref.UID {
			left++
		}
	}
	return left, nil
}
