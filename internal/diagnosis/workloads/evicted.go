// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package workloads

import (
	"fmt"
	"regexp"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/finding"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/diagnosis/words"
)

const (
	// lately is how far back evictions count as ones that go on.
	lately = time.Hour
	// leftover is how old an ended pod is of which nothing follows, if its successors are well. Nobody removes such pods
	// before there are 12500 of them (kube-controller-manager --terminated-pod-gc-threshold).
	leftover = 24 * time.Hour
)

// evicted finds pods that a node ended or turned away, and what for. They are replaced, so they explain little alone; the
// catalogue tells them after everything else.
func evicted(s *snapshot.Snapshot) []finding.Finding {
	ended := map[string][]corev1.Pod{}
	var order []string
	for _, pod := range s.Pods { // newest first
		detail := evictedFor(&pod.Status)
		if pod.Status.Phase != corev1.PodFailed || detail == "" {
			continue
		}
		if len(ended[detail]) == 0 {
			order = append(order, detail)
		}
		ended[detail] = append(ended[detail], pod)
	}
	var found []finding.Finding
	for _, detail := range order {
		pods := ended[detail]
		if s.Age(lastEnd(pods)) < leftover || !allReady(s) {
			found = append(found, evictions(s, detail, pods))
		}
	}
	return found
}

func allReady(s *snapshot.Snapshot) bool {
	return s.Workload != nil && s.ReadyPods() >= int(s.Workload.Replicas)
}

func lastEnd(pods []corev1.Pod) time.Time {
	var last time.Time
	for i := range pods {
		if at := endOf(&pods[i]); at.After(last) {
			last = at
		}
	}
	return last
}

func evictions(s *snapshot.Snapshot, detail string, pods []corev1.Pod) finding.Finding {
	last := lastEnd(pods)
	have := "has"
	if len(pods) > 1 {
		have = "have"
	}
	f := finding.New(v1alpha1.CauseEvicted, s.Culprit(), v1alpha1.Possible,
		fmt.Sprintf("%s of %s %s been %s, the last %s", words.Count(len(pods), "pod"), culprit(s), have, evictionWords[detail], s.Ago(last)))
	if s.Age(last) < lately && !allReady(s) {
		f.Confidence = v1alpha1.Likely
	}
	f.Detail, f.Pods = detail, references(pods)
	for i := range pods[:min(len(pods), maxPodsTold)] {
		f.Evidence = append(f.Evidence, fmt.Sprintf("Pod %s on node %s: %s: %s", pods[i].Name, pods[i].Spec.NodeName, pods[i].Status.Reason, pods[i].Status.Message))
	}
	f.Recommendation = evictionAdvice[detail] + fmt.Sprintf(" The ended pods can be removed: kubectl delete pods -n %s --field-selector=status.phase=Failed", s.Namespace)
	if s.Workload != nil && s.Workload.Selector != nil && len(s.Workload.Selector.MatchLabels) > 0 { // Jobs keep theirs
		f.Recommendation += " -l " + words.ShowLabels(s.Workload.Selector.MatchLabels)
	}
	return f
}

// maxPodsNamed bounds the pods that a finding names (PlannedAction.pods, maxItems).
const maxPodsNamed = 32

func references(pods []corev1.Pod) []v1alpha1.ObjectReference {
	named := make([]v1alpha1.ObjectReference, 0, len(pods))
	for i := range pods[:min(len(pods), maxPodsNamed)] {
		named = append(named, snapshot.Reference(snapshot.KindPod, &pods[i]))
	}
	return named
}

func culprit(s *snapshot.Snapshot) string {
	if s.Workload != nil {
		return s.Workload.String()
	}
	return s.Title()
}

// endOf is when a pod failed: when its last container ended, else when its readiness last changed, else its start.
func endOf(pod *corev1.Pod) time.Time {
	at := pod.CreationTimestamp.Time
	for _, c := range pod.Status.ContainerStatuses {
		if t := c.State.Terminated; t != nil && t.FinishedAt.After(at) {
			at = t.FinishedAt.Time
		}
	}
	for _, c := range pod.Status.Conditions {
		if (c.Type == corev1.DisruptionTarget || c.Type == corev1.PodReady) && c.LastTransitionTime.After(at) {
			at = c.LastTransitionTime.Time
		}
	}
	return at
}

// lowOn is the kubelet's message of an eviction (pkg/kubelet/eviction/helpers.go).
var lowOn = regexp.MustCompile(`The node (?:was low on resource|had condition): \[?(memory|ephemeral-storage|inodes|nodefs|imagefs|pids|MemoryPressure|DiskPressure|PIDPressure)`)

// ownLimit is the message of a pod that used more ephemeral storage than it may.
var ownLimit = regexp.MustCompile(`exceeds the (?:total )?limit|exceeded its local ephemeral storage limit`)

// evictedFor is the detail: what for. It is empty for a pod that failed by itself.
func evictedFor(status *corev1.PodStatus) string {
	switch status.Reason {
	case "Evicted":
		return parseEviction(status.Message)
	case "Preempting": // by the kubelet, for a critical pod (pkg/kubelet/preemption)
		return "Preempted"
	case "NodeShutdown", "Shutdown", "Terminated": // pkg/kubelet/nodeshutdown, by version
		return "NodeShutdown"
	}
	if slices.ContainsFunc(status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.DisruptionTarget && c.Status == corev1.ConditionTrue && c.Reason == corev1.PodReasonPreemptionByScheduler
	}) {
		return "Preempted"
	}
	return ""
}

func parseEviction(message string) string {
	if ownLimit.MatchString(message) {
		return "StorageLimit"
	}
	match := lowOn.FindStringSubmatch(message)
	if match == nil {
		return "Other"
	}
	switch match[1] {
	case "memory", "MemoryPressure":
		return "Memory"
	case "pids", "PIDPressure":
		return "PIDs"
	default:
		return "Disk"
	}
}

var evictionWords = map[string]string{
	"Memory":       "evicted because the node was low on memory",
	"Disk":         "evicted because the node was low on disk",
	"PIDs":         "evicted because the node was low on process ids",
	"StorageLimit": "evicted because it wrote more to local storage than its limit",
	"Preempted":    "ended to make room for a pod of a higher priority",
	"NodeShutdown": "ended because the node was shut down",
	"Other":        "evicted",
}

var evictionAdvice = map[string]string{
	"Memory":       "Request the memory that the pods use (resources.requests.memory): those that use more than they request go first.",
	"Disk":         "Free disk space on the node (images, logs), and request ephemeral-storage for what the pods write.",
	"PIDs":         "Find what starts so many processes on the node.",
	"StorageLimit": "Raise limits.ephemeral-storage or the sizeLimit of the emptyDir, or make the program write less.",
	"Preempted":    "Give the workload a priorityClassName that fits its worth, or the cluster more room.",
	"NodeShutdown": "Nothing is to be done if the node was meant to go down.",
	"Other":        "See what the message of the pods says.",
}
