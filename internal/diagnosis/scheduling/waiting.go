// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package scheduling

import (
	"fmt"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/finding"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/diagnosis/words"
)

const (
	// maxLooked bounds the pods that are looked at one by one. Replicas of one template wait for one reason.
	maxLooked = 20
	// maxNamed bounds the names that a sentence holds.
	maxNamed = 3
)

// waiting are the live pods that no node has taken, those of the newest revision first. A pod with scheduling gates is
// held back on purpose, by whoever set them (KEP-3521).
func waiting(s *snapshot.Snapshot) []corev1.Pod {
	return snapshot.Keep(s.LivePods(), func(pod *corev1.Pod) bool {
		condition := podScheduled(pod)
		placed := pod.Spec.NodeName != "" || pod.Status.HostIP != "" || condition != nil && condition.Status == corev1.ConditionTrue
		return !placed && len(pod.Spec.SchedulingGates) == 0 && pod.Status.Phase != corev1.PodRunning
	})
}

func podScheduled(pod *corev1.Pod) *corev1.PodCondition {
	i := slices.IndexFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool { return c.Type == corev1.PodScheduled })
	if i < 0 {
		return nil
	}
	return &pod.Status.Conditions[i]
}

// eachWaiting explains every waiting pod, and makes one finding of those that say the same of the same object.
func eachWaiting(s *snapshot.Snapshot, explain func(*corev1.Pod) []finding.Finding) []finding.Finding {
	type sameness struct {
		cause        v1alpha1.Cause
		detail       string
		kind, object string
	}
	pods := waiting(s)
	seen, explained := map[sameness]bool{}, map[string]bool{}
	var findings []finding.Finding
	for i := range pods[:min(len(pods), maxLooked)] {
		// The pods of one ReplicaSet differ in nothing.
		revision := pods[i].Labels[appsv1.DefaultDeploymentUniqueLabelKey]
		if revision != "" && explained[revision] {
			continue
		}
		for _, f := range explain(&pods[i]) {
			explained[revision] = true
			key := sameness{f.Cause, f.Detail, f.Object.Kind, f.Object.Name}
			if seen[key] {
				continue
			}
			seen[key] = true
			f.Evidence = append(f.Evidence, "without a node: "+outOf(s, len(pods)))
			findings = append(findings, f)
		}
	}
	return findings
}

// outOf tells a number of the live pods: "2 of 3 pods".
func outOf(s *snapshot.Snapshot, pods int) string {
	return fmt.Sprintf("%d of %s", pods, words.Count(len(s.LivePods()), "pod"))
}

// owner is the object to change for a fault of a pod's spec, and its name for people.
func owner(s *snapshot.Snapshot, pod *corev1.Pod) (v1alpha1.ObjectReference, string) {
	if s.Workload != nil {
		return s.Workload.Reference(), s.Workload.String()
	}
	return snapshot.Reference(snapshot.KindPod, pod), "Pod " + pod.Name
}

// list tells the first names of many: "a, b, c and 4 more".
func list(names []string) string {
	told, more := names, ""
	if len(names) > maxNamed {
		told, more = names[:maxNamed], fmt.Sprintf(" and %d more", len(names)-maxNamed)
	}
	text := ""
	for i, name := range told {
		switch {
		case i == 0:
			text = name
		case i == len(told)-1 && more == "":
			text += " and " + name
		default:
			text += ", " + name
		}
	}
	return text + more
}
