// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package diagnosis

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/ry-ops/cortex/internal/foreign"
)

// steps tell what was looked at, in the words of the spec ("Healing Events", "Diagnostic Checks"). What was not read is
// not told.
func steps(s *Snapshot) []string {
	var told []string
	if s.Complete(kindPod) && (s.Service != nil || s.Workload != nil) {
		told = append(told, "Checking pod status... "+s.podStatus())
	}
	if s.Complete(kindService) && s.Complete(kindEndpointSlice) {
		told = append(told, "Checking service endpoints... "+s.endpointStatus())
	}
	if s.Workload != nil || s.workloadsComplete() {
		told = append(told, s.configuration())
	}
	if len(s.Logs) > 0 {
		told = append(told, "Analyzing recent logs... "+s.logStatus())
	}
	if s.Handshake != nil {
		told = append(told, "Testing connectivity... "+s.Handshake.Message)
	}
	return told
}

func (s *Snapshot) podStatus() string {
	pods := s.livePods()
	if len(pods) == 0 {
		return "0 pods"
	}
	told := fmt.Sprintf("%s, %d ready", count(len(pods), "pod"), s.readyPods())
	reasons := map[string]int{}
	var order []string
	for i := range pods {
		for _, c := range containersOf(&pods[i]) {
			if waiting := c.status.State.Waiting; waiting != nil && waiting.Reason != "" {
				if reasons[waiting.Reason]++; reasons[waiting.Reason] == 1 {
					order = append(order, waiting.Reason)
				}
			}
		}
	}
	for _, reason := range order {
		told += fmt.Sprintf(", %d %s", reasons[reason], reason)
	}
	return told
}

func (s *Snapshot) endpointStatus() string {
	if s.Service == nil {
		return "no Service"
	}
	ready, all := s.countEndpoints()
	switch {
	case ready == 0:
		return "none ready"
	case ready == all:
		return fmt.Sprintf("%d ready", ready)
	default:
		return fmt.Sprintf("%d of %d ready", ready, all)
	}
}

func (s *Snapshot) configuration() string {
	if s.Workload == nil {
		return "Checking deployment configuration... no workload for " + s.name()
	}
	told := fmt.Sprintf("Checking %s configuration... replicas %d", lower(s.Workload.Kind), s.Workload.Replicas)
	if s.atZero() {
		if before := s.lastReplicas(); before.known {
			told += fmt.Sprintf(", was %d", before.replicas)
		}
		return told
	}
	return fmt.Sprintf("%s, image %s, %s", told, strings.Join(names(s.Workload.Template.Spec.Containers, func(c *corev1.Container) string { return c.Image }), " and "), s.Workload.Rollout.Message)
}

func (s *Snapshot) logStatus() string {
	written := false
	for _, pod := range s.livePods() {
		for _, c := range containersOf(&pod) {
			log := s.logOf(&pod, c.status.Name)
			if line := errorLine(log); line != "" {
				return "last error: " + line
			}
			written = written || log != ""
		}
	}
	if !written {
		return "nothing was written"
	}
	return "nothing that looks like an error"
}

// logOf is the log to judge a container by: that of the run that ended, else that of the run that is on.
func (s *Snapshot) logOf(pod *corev1.Pod, container string) string {
	log := s.Logs[ContainerKey{Pod: pod.Name, Container: container}]
	if log.Previous != "" {
		return log.Previous
	}
	return log.Current
}

func cleanSteps(told []string) []string {
	for i, step := range told {
		told[i] = foreign.Line(step, maxStep)
	}
	return told
}
