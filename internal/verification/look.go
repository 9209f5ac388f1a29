// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package verification

import (
	"context"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/mcpserver"
	"github.com/ry-ops/cortex/internal/workload"
)

// look is one look at a target. Each check leaves here what the next ones stand on.
type look struct {
	*Verifier
	target Target

	live *workload.Workload
	// pods of the workload that are meant to run.
	pods    []corev1.Pod
	service *corev1.Service
	// own is a ready endpoint that is a pod of the workload; mixed says that others are ready beside the workload's.
	own   address
	mixed bool
	// seen is the handshake.
	seen mcpserver.Result

	recheck    time.Duration
	pathClosed bool
	gone       bool
}

// readPods reads the pods that belong to the workload and are meant to run. That its selector selects a pod is not enough:
// another workload's selector may do so as well.
func (l *look) readPods(ctx context.Context) error {
	selector, err := metav1.LabelSelectorAsSelector(l.live.Selector)
	if err != nil {
		return fmt.Errorf("reading the selector of %s: %w", l.live, err)
	}
	var pods corev1.PodList
	if err := l.Reader.List(ctx, &pods, client.InNamespace(l.target.Namespace), client.MatchingLabelsSelector{Selector: selector}); err != nil {
		return fmt.Errorf("listing the pods of %s: %w", l.live, err)
	}
	l.pods = slices.DeleteFunc(pods.Items, func(pod corev1.Pod) bool {
		kind, name, ok := workload.OwnerOf(&pod)
		return !ok || kind != string(l.live.Kind) || name != l.live.Object.GetName() || !snapshot.IsLive(&pod)
	})
	return nil
}

// made are the pods that were made since the change. Creation times have a resolution of one second.
func (l *look) made() []corev1.Pod {
	since := l.target.Since.Truncate(time.Second)
	return snapshot.Keep(l.pods, func(pod *corev1.Pod) bool { return !pod.CreationTimestamp.Time.Before(since) })
}

func (l *look) readyPods() int { return len(snapshot.Keep(l.pods, snapshot.IsReady)) }

// hopeless are the waiting reasons of a container that the kubelet keeps retrying and that time alone does not mend.
var hopeless = map[string]bool{
	"CrashLoopBackOff":           true,
	"ImagePullBackOff":           true,
	"ErrImagePull":               true,
	"ErrImageNeverPull":          true,
	"InvalidImageName":           true,
	"CreateContainerConfigError": true,
}

// stuck tells of the first of some pods that cannot become ready, so that nobody waits the whole timeout for it. It is
// empty while there is hope.
func stuck(pods []corev1.Pod) string {
	for i := range pods {
		for _, container := range statuses(&pods[i]) {
			if waiting := container.State.Waiting; waiting != nil && hopeless[waiting.Reason] {
				return fmt.Sprintf("new pod %s, container %s: %s", pods[i].Name, container.Name, waiting.Reason) + ended(container)
			}
		}
	}
	return ""
}

func statuses(pod *corev1.Pod) []corev1.ContainerStatus {
	return slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses)
}

// ended tells how a container ended the last time, if it did.
func ended(container corev1.ContainerStatus) string {
	last := lastEnd(container)
	if last == nil {
		return ""
	}
	if last.Reason == "" {
		return fmt.Sprintf(" (exit code %d)", last.ExitCode)
	}
	return fmt.Sprintf(" (exit code %d, %s)", last.ExitCode, last.Reason)
}

func lastEnd(container corev1.ContainerStatus) *corev1.ContainerStateTerminated {
	if container.State.Terminated != nil {
		return container.State.Terminated
	}
	return container.LastTerminationState.Terminated
}
