// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package verification

import (
	"context"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/workload"
)

// rollout looks whether the newest spec is rolled out, as far as its strategy goes, and whether the pods say so as well:
// for a moment after a pod was deleted, the workload's own counts still speak of it.
func (l *look) rollout(ctx context.Context) (v1alpha1.CheckResult, error) {
	reference := l.target.Workload
	live, err := workload.Get(ctx, l.Reader, reference.Kind, types.NamespacedName{Namespace: l.target.Namespace, Name: reference.Name})
	if apierrors.IsNotFound(err) {
		l.gone = true
		return failed(CheckRollout, fmt.Sprintf("%s %s is gone", reference.Kind, reference.Name)), nil
	}
	if err != nil {
		return v1alpha1.CheckResult{}, err
	}
	if live.Object.GetUID() != reference.UID {
		l.gone = true
		return failed(CheckRollout, fmt.Sprintf("%s was deleted and created anew", live)), nil
	}
	l.live = live
	if err := l.readPods(ctx); err != nil {
		return v1alpha1.CheckResult{}, err
	}
	return l.judgeRollout(), nil
}

func (l *look) judgeRollout() v1alpha1.CheckResult {
	live := l.live
	reach := reachOf(live)
	complete, message := live.Rollout.Complete, live.Rollout.Message
	if !complete && reach.complete {
		complete, message = true, reach.message
	}
	ready := l.readyPods()
	switch {
	case reach.ends && len(l.made()) == 0 && len(l.pods) >= int(live.Replicas):
		return failed(CheckRollout, fmt.Sprintf("no pod was made anew: %s", reach.message))
	case complete && live.Replicas == 0:
		return pending(CheckRollout, live.String()+" asks for no pods")
	case complete && ready < int(live.Replicas):
		return pending(CheckRollout, fmt.Sprintf("%d of %d pods are ready", ready, live.Replicas))
	case complete:
		return passed(CheckRollout, "rollout complete, "+message)
	}
	if why := l.never(); why != "" {
		return failed(CheckRollout, why)
	}
	if why := stuck(l.made()); why != "" {
		return failed(CheckRollout, why)
	}
	return pending(CheckRollout, message)
}

// never tells why a rollout of a Deployment that is not complete will not become so. It is empty while it may.
func (l *look) never() string {
	deployment, ok := l.live.Object.(*appsv1.Deployment)
	if !ok || deployment.Status.ObservedGeneration < deployment.Generation {
		return ""
	}
	status := deployment.Status
	if old := status.Replicas - status.UpdatedReplicas; deployment.Spec.Paused && old > 0 {
		return fmt.Sprintf("%s is paused: %d pods of an older template stay until the rollout is resumed", l.live, old)
	}
	for _, condition := range status.Conditions {
		// An excess of before the change says nothing about the change.
		if condition.Type == appsv1.DeploymentProgressing && condition.Status == corev1.ConditionFalse && condition.Reason == "ProgressDeadlineExceeded" &&
			!l.target.Since.IsZero() && condition.LastUpdateTime.After(l.target.Since) {
			return fmt.Sprintf("%s made no progress within its deadline: %s", l.live, l.live.Rollout.Message)
		}
	}
	return ""
}

// reach is how far the update strategy of a workload takes a newer template, where it stops short of some pods.
type reach struct {
	// complete: it has gone as far as it goes, and all pods are available.
	complete bool
	// ends: it replaces not one pod by itself.
	ends    bool
	message string
}

// reachOf is empty for a workload whose strategy takes the newest template to every pod, or that has no newer one.
func reachOf(w *workload.Workload) reach {
	switch o := w.Object.(type) {
	case *appsv1.StatefulSet:
		status := o.Status
		if status.ObservedGeneration < o.Generation || status.UpdateRevision == status.CurrentRevision {
			return reach{}
		}
		if o.Spec.UpdateStrategy.Type == appsv1.OnDeleteStatefulSetStrategyType {
			return onDelete(w, status.UpdatedReplicas, status.AvailableReplicas)
		}
		return partitioned(w, o)
	case *appsv1.DaemonSet:
		status := o.Status
		if status.ObservedGeneration < o.Generation || o.Spec.UpdateStrategy.Type != appsv1.OnDeleteDaemonSetStrategyType {
			return reach{}
		}
		return onDelete(w, status.UpdatedNumberScheduled, status.NumberAvailable)
	default:
		return reach{}
	}
}

func onDelete(w *workload.Workload, updated, available int32) reach {
	if updated >= w.Replicas {
		return reach{}
	}
	return reach{
		complete: available >= w.Replicas,
		ends:     true,
		message:  fmt.Sprintf("%d of %d pods are of the newest template, and the update strategy OnDelete replaces a pod only once it is deleted", updated, w.Replicas),
	}
}

// partitioned: pods below the partition keep the older template (StatefulSetSpec, RollingUpdateStatefulSetStrategy).
func partitioned(w *workload.Workload, set *appsv1.StatefulSet) reach {
	rolling := set.Spec.UpdateStrategy.RollingUpdate
	if rolling == nil || rolling.Partition == nil || *rolling.Partition == 0 {
		return reach{}
	}
	first := int32(0)
	if set.Spec.Ordinals != nil {
		first = set.Spec.Ordinals.Start
	}
	held := min(max(*rolling.Partition-first, 0), w.Replicas)
	return reach{
		complete: set.Status.UpdatedReplicas >= w.Replicas-held && set.Status.AvailableReplicas >= w.Replicas,
		ends:     held == w.Replicas && held > 0,
		message:  fmt.Sprintf("%d of %d pods are of the newest template, and partition %d of the update strategy leaves %d as they are", set.Status.UpdatedReplicas, w.Replicas, *rolling.Partition, held),
	}
}
