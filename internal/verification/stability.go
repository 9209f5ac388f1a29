// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package verification

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/diagnosis/words"
)

// maxRestarts are the restarts of one container since the change that are put up with: a server that starts before what it
// needs may end once. Each begins the wait for stability anew; with one more they grow, and time does not help.
const maxRestarts = 1

// stability looks at the pods once more, after the server has answered: an answer may be its last. The pods that were made
// since the change must be ready and stay so; where the change made none, all of them.
func (l *look) stability(ctx context.Context) (v1alpha1.CheckResult, error) {
	if err := l.readPods(ctx); err != nil {
		return v1alpha1.CheckResult{}, err
	}
	pods := l.made()
	fresh := len(pods) > 0 && !l.target.Since.IsZero()
	if len(pods) == 0 {
		pods = l.pods
	}
	if why := stuck(pods); why != "" {
		return failed(CheckStability, why), nil
	}
	if why := l.growing(pods, fresh); why != "" {
		return failed(CheckStability, why), nil
	}
	if ready := l.readyPods(); ready < int(l.live.Replicas) {
		return pending(CheckStability, fmt.Sprintf("%d of %d pods are still ready%s", ready, l.live.Replicas, unready(l.pods))), nil
	}
	return l.steady(pods), nil
}

// growing tells of a container that restarted more than once since the change. Only a pod that was made since counts its
// restarts from there.
func (l *look) growing(pods []corev1.Pod, fresh bool) string {
	if l.target.Stability <= 0 || !fresh {
		return ""
	}
	for i := range pods {
		for _, container := range statuses(&pods[i]) {
			if container.RestartCount > maxRestarts {
				return fmt.Sprintf("pod %s, container %s restarted %d times since the change%s", pods[i].Name, container.Name, container.RestartCount, ended(container))
			}
		}
	}
	return ""
}

// steady judges how long the pods have been ready without a restart. Times of the kubelet and of the operator are compared:
// their clocks are held to agree, as leases do.
func (l *look) steady(pods []corev1.Pod) v1alpha1.CheckResult {
	told := words.IsAre(len(pods), "pod") + " ready"
	if l.target.Stability <= 0 {
		return passed(CheckStability, told)
	}
	last, restart := l.target.Since, ""
	for i := range pods {
		since, why := steadySince(&pods[i])
		if since.After(last) {
			last, restart = since, why
		}
	}
	left := min(l.target.Stability-l.target.Now.Sub(last), l.target.Stability)
	if left > 0 {
		l.recheck = left
		return pending(CheckStability, fmt.Sprintf("%s for %s of %s%s", told, (l.target.Stability-left).Round(time.Millisecond), l.target.Stability, restart))
	}
	return passed(CheckStability, fmt.Sprintf("%s for %s without a restart", told, l.target.Stability))
}

// steadySince is since when a pod has been ready without a restart, and the restart if that was the last thing to happen.
func steadySince(pod *corev1.Pod) (since time.Time, restart string) {
	for _, condition := range pod.Status.Conditions {
		if condition.Type == corev1.PodReady {
			since = condition.LastTransitionTime.Time
		}
	}
	// A container that ended and started at once may have left the pod ready. Init containers come before that.
	for _, container := range pod.Status.ContainerStatuses {
		if end := lastEnd(container); end != nil && !end.FinishedAt.Time.Before(since.Add(-settling)) {
			restart = fmt.Sprintf(": pod %s, container %s restarted%s", pod.Name, container.Name, ended(container))
			if end.FinishedAt.After(since) {
				since = end.FinishedAt.Time
			}
		}
	}
	return since, restart
}

// settling is within what a restart still explains why a pod has been ready no longer.
const settling = time.Minute

// unready names the pods that are not ready, and how their containers ended.
func unready(pods []corev1.Pod) string {
	for i := range pods {
		if snapshot.IsReady(&pods[i]) {
			continue
		}
		for _, container := range statuses(&pods[i]) {
			if !container.Ready && lastEnd(container) != nil {
				return fmt.Sprintf(": pod %s, container %s ended%s", pods[i].Name, container.Name, ended(container))
			}
		}
		return ": pod " + pods[i].Name + " is not"
	}
	return ""
}
