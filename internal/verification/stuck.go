// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package verification

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ry-ops/cortex/internal/workload"
)

// hopeless are the waiting reasons of a container that the kubelet keeps retrying and that time alone does not mend.
var hopeless = map[string]bool{
	"CrashLoopBackOff":           true,
	"ImagePullBackOff":           true,
	"ErrImagePull":               true,
	"ErrImageNeverPull":          true,
	"InvalidImageName":           true,
	"CreateContainerConfigError": true,
}

// stuckPod tells of a pod made after the change that cannot become ready, so that nobody waits the rollout's whole
// timeout for it. It is empty while there is hope.
func (v *Verifier) stuckPod(ctx context.Context, live *workload.Workload, target Target) (string, error) {
	selector, err := metav1.LabelSelectorAsSelector(live.Selector)
	if err != nil {
		return "", fmt.Errorf("reading the selector of %s: %w", live, err)
	}
	var pods corev1.PodList
	if err := v.Reader.List(ctx, &pods, client.InNamespace(target.Namespace), client.MatchingLabelsSelector{Selector: selector}); err != nil {
		return "", fmt.Errorf("listing the pods of %s: %w", live, err)
	}
	// Creation times have a resolution of one second.
	since := metav1.NewTime(target.Since).Rfc3339Copy()
	for _, pod := range pods.Items {
		if pod.DeletionTimestamp != nil || pod.CreationTimestamp.Before(&since) {
			continue
		}
		for _, container := range append(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses...) {
			if waiting := container.State.Waiting; waiting != nil && hopeless[waiting.Reason] {
				return fmt.Sprintf("new pod %s, container %s: %s", pod.Name, container.Name, waiting.Reason), nil
			}
		}
	}
	return "", nil
}
