// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package running

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/finding"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/diagnosis/words"
)

// oomKilled finds containers that the kernel ended for want of memory.
func oomKilled(s *snapshot.Snapshot) []finding.Finding {
	var findings []finding.Finding
	for _, c := range crashes(s) {
		if !c.outOfMemory() {
			continue
		}
		limit := c.Spec.Resources.Limits.Memory()
		why := fmt.Sprintf("it ran out of memory (limit %s)", limit)
		if limit.IsZero() {
			why = "its node ran out of memory (it has no limit of its own)"
		}
		message := fmt.Sprintf("%s was killed because %s, %s", words.UpperFirst(s.In(c.Container)), why, words.Count(int(c.Status.RestartCount), "restart"))
		f := finding.New(v1alpha1.CauseOOMKilled, s.Owner(c.Container), v1alpha1.Certain, message, append(crashEvidence(s, c), memoryNow(s, c.Container)...)...)
		f.Detail = "Limit"
		if limit.IsZero() {
			f.Detail = "Node"
		}
		f.Recommendation, f.SuggestedPatch = memoryAdvice(s, c, limit)
		findings = append(findings, f)
	}
	if len(findings) == 0 {
		return killedAtStart(s)
	}
	return findings
}

// initOOM is what runc says of a container that the kernel killed before its program ran (libcontainer/process_linux.go):
// the limit is less than the runtime itself needs. The status never tells OOMKilled of it.
const initOOM = "OOM-killed (memory limit too low?)"

// killedAtStart finds pods whose memory limit does not even let a container begin.
func killedAtStart(s *snapshot.Snapshot) []finding.Finding {
	for _, pod := range s.LivePods() {
		said := saidAtStart(s, &pod)
		c, limit := smallestLimit(&pod)
		if said == "" || limit == nil {
			continue
		}
		message := fmt.Sprintf("%s cannot start: its memory limit (%s) is less than the container runtime needs to start it", words.UpperFirst(s.In(c)), limit)
		f := finding.New(v1alpha1.CauseOOMKilled, s.Owner(c), v1alpha1.Certain, message, said, s.TellRevision(c))
		f.Detail, f.Stuck = "LimitTooLow", true
		f.Recommendation = fmt.Sprintf("Raise resources.limits.memory of %s (now %s) to what the server needs; hardly any lives on less than 64Mi.", s.In(c), limit)
		if s.Workload != nil {
			f.SuggestedPatch = fmt.Sprintf("kubectl set resources %s/%s -n %s -c %s --limits=memory=128Mi", words.Lower(s.Workload.Kind), s.Workload.Object.GetName(), s.Namespace, c.Spec.Name)
		}
		return []finding.Finding{f}
	}
	return nil
}

// saidAtStart is what tells of it: the state of a container, or an event about the pod that no container contradicts.
func saidAtStart(s *snapshot.Snapshot, pod *corev1.Pod) string {
	running := false
	for _, c := range snapshot.ContainersOf(pod) {
		running = running || !c.Running().IsZero()
		if reason, message := c.Waits(); strings.Contains(message, initOOM) {
			return fmt.Sprintf("%s of Pod %s waits: %s: %s", c, pod.Name, reason, message)
		}
		if ended := c.Ended(); ended != nil && c.Running().IsZero() && strings.Contains(ended.Message, initOOM) {
			return fmt.Sprintf("%s of Pod %s ended: %s", c, pod.Name, ended.Message)
		}
	}
	for _, event := range s.EventsOf(pod) {
		if !running && strings.Contains(event.Message, initOOM) && s.Age(snapshot.EventTime(&event)) < snapshot.Recent {
			return fmt.Sprintf("event %s of Pod %s (%s): %s", event.Reason, pod.Name, times(snapshot.EventCount(&event)), event.Message)
		}
	}
	return ""
}

// smallestLimit is the container of a pod that has the least memory.
func smallestLimit(pod *corev1.Pod) (least snapshot.Container, limit *resource.Quantity) {
	for _, spec := range pod.Spec.Containers {
		own, limited := spec.Resources.Limits[corev1.ResourceMemory]
		if limited && (limit == nil || own.Cmp(*limit) < 0) {
			least, limit = snapshot.Container{Pod: pod, Spec: spec}, &own
		}
	}
	return least, limit
}

// memoryNow tells the measured use of the replicas, which is the nearest to a peak that is known.
func memoryNow(s *snapshot.Snapshot, c snapshot.Container) []string {
	var told []string
	for _, other := range s.Containers() {
		measured := metricsOf(s, other.Pod)
		if other.Spec.Name != c.Spec.Name || measured == nil {
			continue
		}
		for _, m := range measured.Containers {
			if usage, ok := m.Usage[corev1.ResourceMemory]; ok && m.Name == c.Spec.Name {
				told = append(told, fmt.Sprintf("Pod %s used %s of memory when it was last measured, %s", other.Pod.Name, &usage, s.Ago(measured.Timestamp.Time)))
			}
		}
	}
	return told[:min(len(told), 2)]
}

// memoryAdvice suggests twice the limit: enough to see whether the need is bounded.
func memoryAdvice(s *snapshot.Snapshot, c crash, limit *resource.Quantity) (advice, patch string) {
	if limit.IsZero() {
		return fmt.Sprintf("Set resources.requests.memory and resources.limits.memory of %s, and look for what fills node %s.", s.In(c.Container), c.Pod.Spec.NodeName), ""
	}
	twice := limit.DeepCopy()
	twice.Add(*limit)
	advice = fmt.Sprintf("Raise resources.limits.memory of %s (now %s), or find what it keeps in memory.", s.In(c.Container), limit)
	if s.Workload != nil {
		patch = fmt.Sprintf("kubectl set resources %s/%s -n %s -c %s --limits=memory=%s", words.Lower(s.Workload.Kind), s.Workload.Object.GetName(), s.Namespace, c.Spec.Name, &twice)
	}
	return advice, patch
}
