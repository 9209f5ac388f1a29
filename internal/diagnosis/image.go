// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package diagnosis

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

// The three recommendations of the spec ("Workflow 3: ImagePullBackOff"), and the sentence that its healing_failed event
// carries.
const (
	adviceAll      = "Check image name/tags and registry access."
	adviceName     = "Verify image name and tag"
	adviceAccess   = "Check registry credentials"
	adviceRegistry = "Verify network access to registry"
)

// imagePull finds containers whose image cannot be had, and why. It is never fixed automatically: only a person knows
// which image was meant.
func imagePull(s *Snapshot) []Finding {
	var findings []Finding
	seen := map[string]int{}
	for _, c := range s.containers() {
		fault, ok := s.pullFault(c)
		if !ok {
			continue
		}
		key := string(fault.cause) + " " + c.spec.Name + " " + c.spec.Image
		if seen[key]++; seen[key] == 1 {
			findings = append(findings, s.pullFinding(c, fault))
		}
	}
	return findings
}

// pullFault classifies why a container waits for its image. While the kubelet backs off, its message may not hold the
// error; the last Failed event of the pod then does.
func (s *Snapshot) pullFault(c container) (pullFault, bool) {
	reason, message := c.waits()
	if !slices.Contains(pullReasons(), reason) {
		return pullFault{}, false
	}
	fault, ok := classifyPull(reason, message)
	if ok {
		return fault, true
	}
	if told := s.lastPullError(c); told != "" {
		if fault, ok = classifyPull(reason, told); ok {
			return fault, true
		}
		message = told
	}
	return unclassifiedPull(message), true
}

// lastPullError is the message of the newest event about a failed pull of the container's image.
func (s *Snapshot) lastPullError(c container) string {
	for _, event := range s.Events { // newest first
		if event.InvolvedObject.UID == c.pod.UID && event.Reason == "Failed" &&
			strings.HasSuffix(event.InvolvedObject.FieldPath, "{"+c.spec.Name+"}") &&
			strings.HasPrefix(event.Message, "Failed to pull image") {
			return event.Message
		}
	}
	return ""
}

func (s *Snapshot) pullFinding(c container, fault pullFault) Finding {
	reason, _ := c.waits()
	f := found(fault.cause, s.owner(c), fault.confidence,
		fmt.Sprintf("%s cannot start (%s): image %s %s", upperFirst(s.in(c)), reason, c.spec.Image, fault.words),
		fmt.Sprintf("Pod %s: %s", c.pod.Name, fault.message))
	f.Evidence = append(f.Evidence, s.tellRevision(c))
	f.Recommendation = s.pullAdvice(c, fault)
	if old := s.before(c.pod); old != nil {
		image := imageIn(old, c.spec.Name)
		// Going back helps only if the fault is not the way to the same registry.
		if image != "" && image != c.spec.Image && (fault.cause != v1alpha1.CauseRegistryUnreachable || registryOf(image) != registryOf(c.spec.Image)) {
			f.Evidence = append(f.Evidence, fmt.Sprintf("revision %d has image %s", revision(old), image))
			f.SuggestedPatch = s.undo(old)
		}
	}
	return f
}

// pullAdvice tells the spec's recommendations that fit the fault, beside the object they are about.
func (s *Snapshot) pullAdvice(c container, fault pullFault) string {
	told := []string{adviceAll}
	for _, advice := range fault.advice {
		switch advice {
		case adviceName:
			advice += fmt.Sprintf(": %s asks for %s", s.in(c), c.spec.Image)
		case adviceAccess:
			advice += ": " + pullSecrets(c.pod)
		case adviceRegistry:
			advice += fmt.Sprintf(" %s from node %s", registryOf(c.spec.Image), c.pod.Spec.NodeName)
		}
		told = append(told, advice+".")
	}
	return strings.Join(told, " ")
}

func pullSecrets(pod *corev1.Pod) string {
	if len(pod.Spec.ImagePullSecrets) == 0 {
		return "the pods name no imagePullSecrets"
	}
	return "the pods name imagePullSecrets " + strings.Join(names(pod.Spec.ImagePullSecrets, func(ref *corev1.LocalObjectReference) string { return ref.Name }), ", ")
}

// registryOf is the host of an image reference: the part before the first slash if it looks like a host, else Docker Hub.
func registryOf(image string) string {
	host, _, found := strings.Cut(image, "/")
	if found && (strings.ContainsAny(host, ".:") || host == "localhost") {
		return host
	}
	return "docker.io"
}
