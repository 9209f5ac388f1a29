// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package remediation

import (
	"context"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/diagnosis/words"
)

// planDeletePods removes the pods that the finding names: ended ones, one that a rollout waits for, or those whose node is gone. None
// of them serves, so no PodDisruptionBudget speaks of them. By force, that is where no kubelet can say that a container has
// ended, a person is asked.
func planDeletePods(in Input) (v1alpha1.PlannedAction, bool) {
	workload, named := in.Snapshot.Workload, in.root().Pods
	if workload == nil || len(named) == 0 {
		return v1alpha1.PlannedAction{}, false
	}
	object := workload.Reference()
	pods := make([]v1alpha1.ObjectReference, 0, len(named))
	for _, ref := range named[:min(len(named), maxPods)] {
		ref.ResourceVersion = "" // each is looked at again right before
		pods = append(pods, ref)
	}
	action := v1alpha1.PlannedAction{
		Object: object, Pods: pods, Risk: v1alpha1.RiskLow,
		Reason: fmt.Sprintf("%s of %s ended and did not go", words.Count(len(pods), "pod"), workload),
		Detail: fmt.Sprintf("Deleted %s of %s that had ended", words.Count(len(pods), "pod"), lower(object)),
	}
	switch in.Diagnosis.Cause {
	case v1alpha1.CauseRolloutStuck:
		action.Reason = fmt.Sprintf("the rollout of %s waits for %s of an earlier revision", workload, words.Count(len(pods), "pod"))
		action.Detail = fmt.Sprintf("Deleted %s of %s that its rollout waited for", words.Count(len(pods), "pod"), lower(object))
	case v1alpha1.CauseStuckTerminating:
		action.Risk, action.Permission = v1alpha1.RiskHigh, v1alpha1.PermissionApproval
		action.Reason = fmt.Sprintf("the node of %s of %s is gone, so nobody can report an end", words.Count(len(pods), "pod"), workload)
		action.Detail = fmt.Sprintf("Deleted %s of %s whose node is gone, by force", words.Count(len(pods), "pod"), lower(object))
	}
	return action, true
}

func podReference(pod *corev1.Pod) v1alpha1.ObjectReference {
	return v1alpha1.ObjectReference{Kind: snapshot.KindPod, Name: pod.Name, UID: pod.UID}
}

// deletePods deletes the pods that a plan names, each only as long as it is still that pod and still of no use. The workload has had
// the stamp since a time. It returns how many of them are out of the way: a pod that is gone, or on its way since then,
// is what was wanted.
func (a *Applier) deletePods(ctx context.Context, namespace string, action v1alpha1.PlannedAction, since time.Time) (int, error) {
	away := 0
	for _, ref := range action.Pods {
		var pod corev1.Pod
		err := a.Reader.Get(ctx, types.NamespacedName{Namespace: namespace, Name: ref.Name}, &pod)
		if apierrors.IsNotFound(err) || err == nil && pod.UID != ref.UID {
			away++
			continue
		}
		if err != nil {
			return away, fmt.Errorf("reading Pod %s: %w", ref.Name, err)
		}
		if leaving(&pod, since) {
			away++
			continue
		}
		useless, opts, err := a.useless(ctx, action.Type, &pod)
		if err != nil {
			return away, err
		}
		if !useless {
			continue
		}
		opts = append(opts, client.Preconditions{UID: &pod.UID, ResourceVersion: &pod.ResourceVersion})
		if err := a.Client.Delete(ctx, &pod, opts...); client.IgnoreNotFound(err) != nil {
			return away, fmt.Errorf("deleting Pod %s: %w", ref.Name, err)
		}
		away++
	}
	return away, nil
}

// howMany is the detail of an action whose plan says that it deleted all of its pods: those that were left alone, since they are of use
// by now, are no part of what was changed.
func howMany(action v1alpha1.PlannedAction, away int) string {
	if away == len(action.Pods) {
		return action.Detail
	}
	planned := words.Count(len(action.Pods), "pod")
	return strings.Replace(action.Detail, "eleted "+planned, fmt.Sprintf("eleted %d of %s", away, planned), 1)
}

// useless reports whether a pod may go, and how: one that has ended at once, one that a rollout waits for in its own time, and one
// that is stuck on its way out by force, if its node does not exist. A node that is back ends its pods itself.
func (a *Applier) useless(ctx context.Context, of v1alpha1.ActionType, pod *corev1.Pod) (bool, []client.DeleteOption, error) {
	atOnce := []client.DeleteOption{client.GracePeriodSeconds(0)}
	switch {
	case snapshot.IsLive(pod):
		return outOfService(pod), nil, nil
	case of != v1alpha1.ActionDeletePods: // it goes by itself
		return false, nil, nil
	case pod.Status.Phase == corev1.PodFailed || pod.Status.Phase == corev1.PodSucceeded:
		return true, atOnce, nil
	case pod.DeletionTimestamp == nil || pod.Spec.NodeName == "":
		return false, nil, nil
	}
	var node corev1.Node
	err := a.Reader.Get(ctx, types.NamespacedName{Name: pod.Spec.NodeName}, &node)
	if client.IgnoreNotFound(err) != nil {
		return false, nil, fmt.Errorf("reading Node %s: %w", pod.Spec.NodeName, err)
	}
	return apierrors.IsNotFound(err), atOnce, nil
}

// outOfService reports whether a pod takes no calls.
func outOfService(pod *corev1.Pod) bool { return !snapshot.IsReady(pod) }

// leaving reports whether a pod was told to go since a time, by whomever. One that was told before is stuck, or was not planned for.
func leaving(pod *corev1.Pod, since time.Time) bool {
	if pod.DeletionTimestamp == nil {
		return false
	}
	grace := time.Duration(ptr.Deref(pod.DeletionGracePeriodSeconds, 0)) * time.Second
	return !pod.DeletionTimestamp.Add(-grace).Before(since.Truncate(time.Second))
}

// podsLeft counts those of the plan's pods that are still there, and were not told to go since a time.
func (a *Applier) podsLeft(ctx context.Context, namespace string, action v1alpha1.PlannedAction, since time.Time) (int, error) {
	left := 0
	for _, ref := range action.Pods {
		var pod corev1.Pod
		err := a.Reader.Get(ctx, types.NamespacedName{Namespace: namespace, Name: ref.Name}, &pod)
		if client.IgnoreNotFound(err) != nil {
			return 0, fmt.Errorf("reading Pod %s: %w", ref.Name, err)
		}
		if err == nil && pod.UID == ref.UID && !leaving(&pod, since) {
			left++
		}
	}
	return left, nil
}
