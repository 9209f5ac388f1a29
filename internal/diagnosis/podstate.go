// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package diagnosis

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/diagnosis/words"
)

// podState is what a pod does, in a user's words: of one pod, and of several.
type podState struct{ one, many string }

var (
	stateReady    = podState{"is ready", "are ready"}
	stateNoNode   = podState{"waits for a node", "wait for a node"}
	stateCrashing = podState{"is crash looping", "are crash looping"}
	stateEnded    = podState{"has crashed", "have crashed"}
	stateCreating = podState{"is being created", "are being created"}
	stateNotReady = podState{"runs and is not ready", "run and are not ready"}
)

// waitingStates are the kubelet's reasons why a container waits (pkg/kubelet/container and pkg/kubelet/images, and the
// errors of the CRI).
var waitingStates = map[string]podState{
	"CrashLoopBackOff":           stateCrashing,
	"ErrImagePull":               {"cannot pull its image", "cannot pull their image"},
	"ImagePullBackOff":           {"cannot pull its image", "cannot pull their image"},
	"ErrImageNeverPull":          {"lacks its image", "lack their image"},
	"InvalidImageName":           {"has an invalid image name", "have an invalid image name"},
	"CreateContainerConfigError": {"lacks a ConfigMap or a Secret", "lack a ConfigMap or a Secret"},
	"CreateContainerError":       {"cannot create its container", "cannot create their container"},
	"RunContainerError":          {"cannot run its command", "cannot run their command"},
	"ContainerCreating":          stateCreating,
	"PodInitializing":            {"waits for an init container", "wait for an init container"},
}

// podStatus tells what the pods do, those that are well first: "2 of 2 pods are crash looping: out of memory, limit 64Mi".
func podStatus(s *snapshot.Snapshot) string {
	pods := s.LivePods()
	switch {
	case len(pods) == 0:
		return "0 pods"
	case s.ReadyPods() == len(pods):
		return fmt.Sprintf("%s, %d ready", words.Count(len(pods), "pod"), len(pods))
	}
	type group struct {
		state  podState
		reason string
	}
	counts := map[group]int{}
	var order []group
	for i := range pods {
		state, reason := stateOf(&pods[i])
		g := group{state, reason}
		if counts[g]++; counts[g] == 1 {
			order = append(order, g)
		}
	}
	slices.SortStableFunc(order, func(a, b group) int { return readyFirst(a.state) - readyFirst(b.state) })
	var told []string
	for _, g := range order {
		what := g.state.many
		if counts[g] == 1 {
			what = g.state.one
		}
		if g.reason != "" {
			what += ": " + g.reason
		}
		told = append(told, fmt.Sprintf("%d of %s %s", counts[g], words.Count(len(pods), "pod"), what))
	}
	return strings.Join(told, "; ")
}

func readyFirst(state podState) int {
	if state == stateReady {
		return 0
	}
	return 1
}

// stateOf tells what keeps a pod from being ready, and why where a word is enough.
func stateOf(pod *corev1.Pod) (state podState, reason string) {
	if snapshot.IsReady(pod) {
		return stateReady, ""
	}
	if pod.Spec.NodeName == "" {
		return stateNoNode, ""
	}
	containers := snapshot.ContainersOf(pod)
	for _, c := range containers {
		waits, _ := c.Waits()
		if state, known := waitingStates[waits]; known && waits != "PodInitializing" && waits != "ContainerCreating" {
			return state, ended(c, c.Status.LastTerminationState.Terminated)
		}
		if last := c.Status.State.Terminated; last != nil && last.ExitCode != 0 {
			return stateEnded, ended(c, last)
		}
	}
	for _, c := range containers {
		if waits, _ := c.Waits(); waits != "" {
			return stateCreating, ""
		}
	}
	if len(containers) == 0 {
		return stateCreating, ""
	}
	return stateNotReady, ""
}

// ended tells how the run before ended.
func ended(c snapshot.Container, last *corev1.ContainerStateTerminated) string {
	switch {
	case last == nil:
		return ""
	case last.Reason == "OOMKilled" && c.Spec.Resources.Limits.Memory().IsZero():
		return "out of memory"
	case last.Reason == "OOMKilled":
		return "out of memory, limit " + c.Spec.Resources.Limits.Memory().String()
	default:
		return fmt.Sprintf("exit code %d", last.ExitCode)
	}
}
