// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package diagnosis

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/ry-ops/cortex/internal/diagnosis/logs"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/diagnosis/words"
	"github.com/ry-ops/cortex/internal/diagnosis/workloads"
	"github.com/ry-ops/cortex/internal/foreign"
)

// steps tell what was looked at, in the words of the spec ("Healing Events", "Diagnostic Checks"). What was not read is
// not told.
func steps(s *snapshot.Snapshot) []string {
	var told []string
	if s.Complete(snapshot.KindPod) && (s.Service != nil || s.Workload != nil) {
		told = append(told, "Checking pod status... "+podStatus(s))
	}
	if s.Complete(snapshot.KindService) && s.Complete(snapshot.KindEndpointSlice) {
		told = append(told, "Checking service endpoints... "+endpointStatus(s))
	}
	if s.Workload != nil || s.WorkloadsComplete() {
		told = append(told, configuration(s))
	}
	if len(s.Logs) > 0 {
		told = append(told, "Analyzing recent logs... "+logStatus(s))
	}
	if s.Handshake != nil {
		told = append(told, "Testing connectivity... "+s.Handshake.Message)
	}
	return told
}

func endpointStatus(s *snapshot.Snapshot) string {
	if s.Service == nil {
		return "no Service"
	}
	ready, all := s.CountEndpoints()
	switch {
	case ready == 0:
		return "none ready"
	case ready == all:
		return fmt.Sprintf("%d ready", ready)
	default:
		return fmt.Sprintf("%d of %d ready", ready, all)
	}
}

func configuration(s *snapshot.Snapshot) string {
	if s.Workload == nil {
		return "Checking deployment configuration... no workload for " + s.Title()
	}
	told := fmt.Sprintf("Checking %s configuration... replicas %d", words.Lower(s.Workload.Kind), s.Workload.Replicas)
	if s.AtZero() {
		if before := workloads.LastReplicas(s); before.Known {
			told += fmt.Sprintf(", was %d", before.Replicas)
		}
		return told
	}
	return fmt.Sprintf("%s, image %s, %s", told, strings.Join(words.Names(s.Workload.Template.Spec.Containers, func(c *corev1.Container) string { return c.Image }), " and "), s.Workload.Rollout.Message)
}

func logStatus(s *snapshot.Snapshot) string {
	written := false
	for _, pod := range s.LivePods() {
		for _, c := range snapshot.ContainersOf(&pod) {
			log := s.LogOf(&pod, c.Status.Name)
			if line := logs.ErrorLine(log); line != "" {
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

func cleanSteps(told []string) []string {
	for i, step := range told {
		told[i] = foreign.Line(step, maxStep)
	}
	return told
}
