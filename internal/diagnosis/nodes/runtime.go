// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package nodes

import (
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/finding"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
)

// runtimeNoticed is by when a kubelet has noticed that its runtime is down and has said so of the node: it may be 30 s
// without an answer (kubelet, maxWaitForContainerRuntime), then comes the next status, every 10 s.
const runtimeNoticed = 2 * time.Minute

// containerRuntimeUnavailable finds nodes whose container runtime does not work: by what the kubelet says of the node, and
// before it has noticed, or where Nodes were not read, by its calls that fail.
func containerRuntimeUnavailable(s *snapshot.Snapshot) []finding.Finding {
	findings := inState(s, v1alpha1.CauseContainerRuntimeUnavailable, runtimeAdvice)
	for _, c := range carriers(s) {
		if c.node != nil && stateOf(s, c.node) != nil {
			continue
		}
		event := runtimeEvent(s, c)
		if event == nil {
			continue
		}
		f := c.found(s, v1alpha1.CauseContainerRuntimeUnavailable, "Socket", v1alpha1.Likely, "has a container runtime that takes no connection", tellEvent(s, event), tellOthers(s, c.name))
		f.Recommendation = runtimeAdvice(c, nil)
		findings = append(findings, f)
	}
	return findings
}

func runtimeAdvice(c *carrier, found *state) string {
	if found != nil && found.detail == "CNI" {
		return fmt.Sprintf("Look at the network plugin's pod on node %s (kubectl get pods -A -o wide --field-selector spec.nodeName=%s) and its log; on the node, at /etc/cni/net.d, which it fills.", c.name, c.name)
	}
	return fmt.Sprintf("On node %s: systemctl status containerd (or crio, docker); journalctl -u containerd -e; systemctl restart containerd. Its disk may be full: df -h. "+
		"Until then keep new pods away: kubectl cordon %s", c.name, c.name)
}

// runtimeEvent is the newest event of a call to the node's runtime that could not be made, if one of the target's pods on
// the node waits for its containers and nothing newer shows that the runtime works again.
func runtimeEvent(s *snapshot.Snapshot, c *carrier) *corev1.Event {
	waiting := withoutContainers(c.holds)
	if len(waiting) == 0 {
		return nil
	}
	within := snapshot.Recent
	if c.node != nil { // its Ready is True, and would not stay so
		within = runtimeNoticed
	}
	var newest *corev1.Event
	for i := range s.All.Events {
		event := &s.All.Events[i]
		at := snapshot.EventTime(event)
		if s.Age(at) < within && ofRuntime(s, event, c.name, waiting) && isSocketFault(event.Message) && (newest == nil || laterEvent(event, newest)) {
			newest = event
		}
	}
	if newest == nil || recovered(s, c.name, snapshot.EventTime(newest)) || startedSince(s, c.name, snapshot.EventTime(newest)) {
		return nil
	}
	return newest
}

func laterEvent(a, b *corev1.Event) bool {
	if difference := snapshot.EventTime(a).Compare(snapshot.EventTime(b)); difference != 0 {
		return difference > 0
	}
	return a.Name < b.Name
}

// ofRuntime reports whether an event is of a call that the kubelet of the node made to its runtime: for one of the pods,
// or to clean up.
func ofRuntime(s *snapshot.Snapshot, event *corev1.Event, node string, pods []*corev1.Pod) bool {
	of := event.InvolvedObject
	switch event.Reason {
	case "ContainerGCFailed", "ImageGCFailed":
		return of.Kind == snapshot.KindNode && of.Name == node
	case "FailedCreatePodSandBox", "FailedPodSandBoxStatus", "FailedSync":
		return of.Kind == snapshot.KindPod && event.Namespace == s.Namespace && slices.ContainsFunc(pods, func(pod *corev1.Pod) bool {
			return pod.Name == of.Name && (pod.UID == of.UID || pod.UID == "" || of.UID == "")
		})
	default:
		return false
	}
}

// withoutContainers are the pods that have no running container, so that the runtime may be what they wait for.
func withoutContainers(pods []*corev1.Pod) []*corev1.Pod {
	return slices.DeleteFunc(slices.Clone(pods), func(pod *corev1.Pod) bool {
		return slices.ContainsFunc(pod.Status.ContainerStatuses, func(c corev1.ContainerStatus) bool { return c.State.Running != nil })
	})
}

// startedSince reports whether any container of the node has been started since.
func startedSince(s *snapshot.Snapshot, node string, moment time.Time) bool {
	return slices.ContainsFunc(s.PodsOn(node), func(pod *corev1.Pod) bool {
		return slices.ContainsFunc(slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses), func(c corev1.ContainerStatus) bool {
			return c.State.Running != nil && c.State.Running.StartedAt.After(moment)
		})
	})
}
