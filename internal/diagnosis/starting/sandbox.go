// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package starting

import (
	"fmt"
	"regexp"

	corev1 "k8s.io/api/core/v1"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/finding"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/diagnosis/words"
)

// sandboxed are the reasons of events that come only after a pod has its sandbox.
var sandboxed = []string{"Pulling", "Pulled", "Created", "Started", "Failed", "BackOff"}

// cniPlugin is the plugin that the text of a failure names.
var cniPlugin = regexp.MustCompile(`plugin type="([^"]+)"`)

// sandbox finds pods whose sandbox cannot be made. The reason of the event is that of three different faults; its text
// decides. One of the pod's own memory limit is no fault of the node's, and is told by the check of the memory.
func sandbox(s *snapshot.Snapshot) []finding.Finding {
	var seen sightings[sandboxFault]
	pods := s.LivePods()
	for i := range pods {
		pod := &pods[i]
		fault, ok := sandboxFaultOf(s, pod)
		if !ok || fault.limit && len(limited(pod)) > 0 || fault.runtimeGone && nodeShows(s, pod.Spec.NodeName) {
			continue
		}
		where := pod.Spec.NodeName
		if fault.class {
			where = ""
		}
		seen.add(fault.detail+" "+where, pod, fault)
	}
	var findings []finding.Finding
	for _, one := range seen.all {
		findings = append(findings, sandboxFinding(s, one))
	}
	return findings
}

// sandboxFaultOf is the newest failure to make a pod's sandbox, if the pod still waits for it.
func sandboxFaultOf(s *snapshot.Snapshot, pod *corev1.Pod) (sandboxFault, bool) {
	if !snapshot.IsHeld(pod) {
		return sandboxFault{}, false
	}
	events := s.StandingEvents(pod, []string{"FailedCreatePodSandBox"}, sandboxed)
	if len(events) == 0 {
		return sandboxFault{}, false
	}
	return classifySandbox(snapshot.Said(&events[0])), true
}

// nodeShows reports whether a node itself tells that something is wrong with it: then it is the node's fault, which the
// checks of the nodes tell.
func nodeShows(s *snapshot.Snapshot, name string) bool {
	node := s.Node(name)
	if node == nil {
		return false
	}
	for _, condition := range node.Status.Conditions {
		if condition.Type == corev1.NodeReady && condition.Status != corev1.ConditionTrue {
			return true
		}
	}
	for _, event := range s.EventsAbout(snapshot.KindNode, "", name) {
		if event.Type == corev1.EventTypeWarning && s.Age(snapshot.EventTime(&event)) < snapshot.Recent && classifySandbox(snapshot.Said(&event)).runtimeGone {
			return true
		}
	}
	return false
}

func sandboxFinding(s *snapshot.Snapshot, one *sighting[sandboxFault]) finding.Finding {
	fault, pod := one.fault, one.pod
	owner, title := ownerOf(s, pod)
	object := v1alpha1.ObjectReference{Kind: snapshot.KindNode, Name: pod.Spec.NodeName}
	if node := s.Node(pod.Spec.NodeName); node != nil {
		object = snapshot.Reference(snapshot.KindNode, node)
	}
	f := finding.New(v1alpha1.CauseSandboxFailed, object, v1alpha1.Likely,
		fmt.Sprintf("Node %s cannot make the sandbox of Pod %s of %s: %s", pod.Spec.NodeName, pod.Name, title, fault.words), said(pod, fault.message))
	f.Detail, f.Recommendation = fault.detail, fault.advice
	if fault.class {
		f.Object = owner
		if name := pod.Spec.RuntimeClassName; name != nil {
			f.Evidence = append(f.Evidence, "the pods' runtimeClassName is "+*name)
		}
	}
	if fault.limit {
		f.Recommendation = "Look for what fills the memory of the node: the containers of the pod have no limits that would limit the pod."
	}
	if at := cniPlugin.FindStringSubmatch(fault.message); at != nil && fault.detail == detailCNI {
		f.Message += " (" + at[1] + ")"
	}
	f.Evidence = append(f.Evidence, one.tellPods(s), tellNeighbours(s, pod))
	return f
}

// tellNeighbours tells how other pods fare on the node: whether it is the node's fault or the pod's.
func tellNeighbours(s *snapshot.Snapshot, pod *corev1.Pod) string {
	running, held := 0, 0
	for i := range s.All.Pods {
		other := &s.All.Pods[i]
		switch {
		case other.Spec.NodeName != pod.Spec.NodeName || other.Namespace == pod.Namespace && other.Name == pod.Name:
		case snapshot.IsHeld(other):
			held++
		case snapshot.IsReady(other):
			running++
		}
	}
	if running+held == 0 {
		return ""
	}
	return fmt.Sprintf("of the other pods that are known of node %s, %s ready and %d wait like it", pod.Spec.NodeName, words.IsAre(running, "pod"), held)
}
