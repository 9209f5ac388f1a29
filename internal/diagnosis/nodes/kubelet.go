// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package nodes

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/finding"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/diagnosis/words"
)

// attended is by when a kubelet that runs has written a status for a pod that it was given.
const attended = time.Minute

// kubeletUnavailable finds nodes whose kubelet no longer reports: by the node's own condition and lease, and where Nodes
// were not read by what that does to its pods.
func kubeletUnavailable(s *snapshot.Snapshot) []finding.Finding {
	findings := inState(s, v1alpha1.CauseKubeletUnavailable, kubeletAdvice)
	for _, c := range carriers(s) {
		if c.node != nil || runtimeEvent(s, c) != nil {
			continue
		}
		if proof := forsaken(s, c); proof != nil {
			f := c.found(s, v1alpha1.CauseKubeletUnavailable, "Pods", v1alpha1.Likely, "does not answer for its pods: they are marked as not ready from outside, or were never taken up", proof...)
			f.Recommendation = kubeletAdvice(c, nil)
			findings = append(findings, f)
		}
	}
	return findings
}

func kubeletAdvice(c *carrier, _ *state) string {
	return fmt.Sprintf("See whether the machine of node %s is up and reaches the API server, then, on it: systemctl status kubelet; journalctl -u kubelet -e; systemctl restart kubelet. "+
		"If it is gone for good, delete the Node, so that its pods are made elsewhere: kubectl delete node %s", c.name, c.name)
}

// forsaken tells by the pods of a node that its kubelet is away; nil if nothing tells. It takes that no pod of the node is
// ready: the node controller marks all of them.
func forsaken(s *snapshot.Snapshot, c *carrier) []string {
	var marked, untouched []*corev1.Pod
	for _, pod := range s.PodsOn(c.name) {
		switch {
		case snapshot.IsReady(pod):
			return nil
		case markedNotReady(pod):
			marked = append(marked, pod)
		case neverTakenUp(s, pod):
			untouched = append(untouched, pod)
		}
	}
	var proof []string
	for _, pods := range []struct {
		of   []*corev1.Pod
		says string
	}{{marked, "Ready=False while ContainersReady=True, which only the node controller writes"}, {untouched, "no status at all a minute after the node was chosen"}} {
		if anyOf(pods.of, c.holds) {
			proof = append(proof, fmt.Sprintf("%s of the node: %s (%s)", words.Count(len(pods.of), "pod"), pods.says, names(pods.of)))
		}
	}
	return proof
}

func anyOf(pods, wanted []*corev1.Pod) bool {
	for _, pod := range pods {
		for _, other := range wanted {
			if pod.Namespace == other.Namespace && pod.Name == other.Name {
				return true
			}
		}
	}
	return false
}

// markedNotReady reports whether the node controller has set the pod's Ready condition to False (MarkPodsNotReady in
// kubernetes pkg/controller/util/node). The kubelet makes both conditions of the same containers, and they differ only
// for readiness gates.
func markedNotReady(pod *corev1.Pod) bool {
	ready, containers := snapshot.PodCondition(pod, corev1.PodReady), snapshot.PodCondition(pod, corev1.ContainersReady)
	if ready == nil || containers == nil || len(pod.Spec.ReadinessGates) > 0 || len(pod.Status.ContainerStatuses) == 0 {
		return false
	}
	for _, c := range pod.Status.ContainerStatuses {
		if !c.Ready {
			return false
		}
	}
	return ready.Status == corev1.ConditionFalse && containers.Status == corev1.ConditionTrue
}

// neverTakenUp reports whether a node was chosen for the pod and its kubelet has not said a word since.
func neverTakenUp(s *snapshot.Snapshot, pod *corev1.Pod) bool {
	if pod.Status.Phase != corev1.PodPending || pod.Status.StartTime != nil || len(pod.Status.ContainerStatuses)+len(pod.Status.InitContainerStatuses) > 0 || len(pod.Status.Conditions) != 1 {
		return false
	}
	chosen := snapshot.PodCondition(pod, corev1.PodScheduled)
	return chosen != nil && chosen.Status == corev1.ConditionTrue && !chosen.LastTransitionTime.IsZero() && s.Age(chosen.LastTransitionTime.Time) > attended
}
