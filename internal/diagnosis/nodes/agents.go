// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package nodes

import (
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
)

// settled is how long an agent's pod may take to be ready before that counts: a rollout replaces it node by node.
const settled = time.Minute

// agent is a kind of pod of which every node has its own.
type agent struct {
	// names begin the names of its pods; labels are those of its pods, of which one is enough. A name alone is not enough
	// outside of the namespaces of the system.
	names  []string
	labels []string
	// but are parts of the same plugin whose names begin alike and that are not on every node.
	but []string
}

// is reports whether a pod is of the agent: "kube-proxy-x7k2p" by its DaemonSet, "kube-proxy-worker-1" as a static pod.
func (a agent) is(pod *corev1.Pod) bool {
	begins := func(name string) bool { return strings.HasPrefix(pod.Name, name+"-") }
	if !slices.ContainsFunc(a.names, begins) || slices.ContainsFunc(a.but, begins) {
		return false
	}
	if pod.Namespace == snapshot.SystemNamespace {
		return true
	}
	return slices.ContainsFunc([]string{"k8s-app", "app", "app.kubernetes.io/name", "component", "name"}, func(key string) bool {
		return slices.Contains(a.labels, pod.Labels[key])
	})
}

// podsOf are the agent's live pods, the newest of each node.
func (a agent) podsOf(s *snapshot.Snapshot) map[string]*corev1.Pod {
	found := map[string]*corev1.Pod{}
	for i := range s.All.Pods {
		pod := &s.All.Pods[i]
		if pod.Spec.NodeName == "" || !snapshot.IsLive(pod) || !a.is(pod) {
			continue
		}
		if other := found[pod.Spec.NodeName]; other == nil || snapshot.NewestFirst(pod, other) < 0 {
			found[pod.Spec.NodeName] = pod
		}
	}
	return found
}

// failing tells what is wrong with an agent's pod; "" if it works, or is just starting. Certain are states that the kubelet
// has given up on for now.
func failing(s *snapshot.Snapshot, pod *corev1.Pod) (says string, certain bool) {
	for _, c := range snapshot.ContainersOf(pod) {
		reason, message := c.Waits()
		if slices.Contains([]string{"CrashLoopBackOff", "ImagePullBackOff", "ErrImagePull", "CreateContainerConfigError", "CreateContainerError", "RunContainerError", "InvalidImageName", "ErrImageNeverPull"}, reason) {
			return fmt.Sprintf("%s waits (%s) after %d restarts: %s", c, reason, c.Status.RestartCount, plain(message)), true
		}
	}
	ready := snapshot.PodCondition(pod, corev1.PodReady)
	if ready == nil || ready.Status != corev1.ConditionFalse || s.Age(pod.CreationTimestamp.Time) < settled || s.Age(ready.LastTransitionTime.Time) < settled {
		return "", false
	}
	says = "it is not ready" + since(s, ready.LastTransitionTime.Time)
	if ready.Message != "" {
		says += ": " + plain(ready.Message)
	}
	return says, false
}

func tellAgent(pod *corev1.Pod, says string) string {
	return fmt.Sprintf("Pod %s of namespace %s: %s", pod.Name, pod.Namespace, says)
}
