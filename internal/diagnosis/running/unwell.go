// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package running

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/ry-ops/cortex/internal/dependency"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/diagnosis/words"
)

// maxChain bounds how far the dependencies of dependencies are followed.
const maxChain = 3

// unwell reports whether a Service of the namespace is itself not well, and why: first what completes "which ...", then
// the evidence. A Service whose endpoints are somebody else's business is not judged.
func unwell(s *snapshot.Snapshot, service *corev1.Service) (why []string, down bool) {
	other := s.Sibling(service.Name)
	if other == nil || !hasNobody(other) {
		return nil, false
	}
	switch {
	case other.AtZero():
		why = append(why, "has no ready endpoints: "+other.Workload.String()+" is scaled to zero")
	case other.Complete(snapshot.KindPod) && len(other.LivePods()) == 0:
		why = append(why, "has no ready endpoints: there is no pod")
	default:
		why = append(why, fmt.Sprintf("has no ready endpoints: %d of %s ready", other.ReadyPods(), words.IsAre(len(other.LivePods()), "pod")))
	}
	for _, c := range other.Containers() {
		if state := stateOf(c); state != "" {
			why = append(why, state)
			break
		}
	}
	return append(why, chain(other, service.Name, maxChain)...), true
}

// hasNobody reports whether a Service is known to have nobody to answer.
func hasNobody(s *snapshot.Snapshot) bool {
	if !snapshot.HasSelector(s.Service) || s.Service.Spec.PublishNotReadyAddresses {
		return false
	}
	if s.Complete(snapshot.KindEndpointSlice) {
		return s.ReadyEndpoints() == 0
	}
	return s.AtZero() || s.Complete(snapshot.KindPod) && s.ReadyPods() == 0
}

// stateOf tells of a container of the dependency what is wrong with it, if anything is.
func stateOf(c snapshot.Container) string {
	reason, _ := c.Waits()
	ended := c.Ended()
	switch {
	case reason != "" && reason != "ContainerCreating" && reason != "PodInitializing" && ended != nil:
		return fmt.Sprintf("%s of Pod %s waits: %s, last exit code %d", c, c.Pod.Name, reason, ended.ExitCode)
	case reason != "" && reason != "PodInitializing":
		return fmt.Sprintf("%s of Pod %s waits: %s", c, c.Pod.Name, reason)
	case !c.Init && !c.Running().IsZero() && !c.Status.Ready:
		return fmt.Sprintf("%s of Pod %s runs and is not ready", c, c.Pod.Name)
	default:
		return ""
	}
}

// chain follows what the dependency needs in its turn and what is not well either: that is where to begin.
func chain(s *snapshot.Snapshot, from string, depth int) []string {
	if depth == 0 {
		return nil
	}
	for _, need := range dependency.Needs(s) {
		other := s.Sibling(need.Service)
		if other == nil || !hasNobody(other) || telemetry.MatchString(need.Service) {
			continue
		}
		told := fmt.Sprintf("Service %s in turn names Service %s (%s), which has no ready endpoints either", from, need.Service, need.Said)
		return append([]string{told}, chain(other, need.Service, depth-1)...)
	}
	return nil
}
