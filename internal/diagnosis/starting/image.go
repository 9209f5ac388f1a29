// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package starting

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/finding"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/diagnosis/words"
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
func imagePull(s *snapshot.Snapshot) []finding.Finding {
	var seen sightings[badImage]
	for _, c := range s.Containers() {
		if fault, ok := faultOf(s, c); ok {
			seen.add(string(fault.cause)+" "+c.Spec.Name+" "+c.Spec.Image, c.Pod, badImage{c, fault})
		}
	}
	var findings []finding.Finding
	for _, one := range seen.all {
		findings = append(findings, pullFinding(s, one))
	}
	return findings
}

// badImage is a container whose image cannot be had.
type badImage struct {
	snapshot.Container
	pullFault
}

// faultOf classifies why a container waits for its image. While the kubelet backs off, its message may not hold the
// error; the last Failed event of the pod then does.
func faultOf(s *snapshot.Snapshot, c snapshot.Container) (pullFault, bool) {
	reason, message := c.Waits()
	if !slices.Contains(pullReasons(), reason) {
		return pullFault{}, false
	}
	fault, ok := classifyPull(reason, message)
	if ok {
		return fault, true
	}
	if told := lastPullError(s, c); told != "" {
		if fault, ok = classifyPull(reason, told); ok {
			return fault, true
		}
		message = told
	}
	return unclassifiedPull(message), true
}

// lastPullError is the message of the newest event about a failed pull of the container's image.
func lastPullError(s *snapshot.Snapshot, c snapshot.Container) string {
	return failedText(s, c, "Failed to pull image", func(text string) bool { return strings.Contains(text, c.Spec.Image) || !strings.Contains(text, `"`) })
}

func pullFinding(s *snapshot.Snapshot, one *sighting[badImage]) finding.Finding {
	c, fault := one.fault.Container, one.fault.pullFault
	reason, _ := c.Waits()
	f := finding.New(fault.cause, s.Owner(c), fault.confidence,
		fmt.Sprintf("%s cannot start (%s): image %s %s", words.UpperFirst(s.In(c)), reason, c.Spec.Image, fault.words),
		said(c.Pod, fault.message))
	f.Detail = fault.detail
	f.Recommendation = pullAdvice(s, c, fault)
	if fault.cause == v1alpha1.CauseImagePullUnauthorized {
		tellCredentials(s, c, fault, &f)
	}
	f.Evidence = append(f.Evidence, one.tellPods(s), s.TellRevision(c))
	// Where the name may be wrong, a like one that is in use is a hint.
	if near, ok := nearImage(s, c); ok && slices.Contains(fault.advice, adviceName) {
		f.Evidence = append(f.Evidence, fmt.Sprintf("the nearest image is %s: %s", near.image, near.user))
		f.Recommendation += fmt.Sprintf(" The nearest image is %s (%s).", near.image, near.user)
	}
	goBack(s, c.Pod, &f, func(spec *corev1.PodSpec) (string, bool) {
		earlier := snapshot.ContainerIn(spec, c.Spec.Name)
		// Going back helps only if the fault is not the way to the same registry.
		ok := earlier != nil && earlier.Image != c.Spec.Image && (fault.cause != v1alpha1.CauseRegistryUnreachable || registryOf(earlier.Image) != registryOf(c.Spec.Image))
		if !ok {
			return "", false
		}
		return "has image " + earlier.Image, true
	})
	return f
}

// tellCredentials adds what the pull secrets prove.
func tellCredentials(s *snapshot.Snapshot, c snapshot.Container, fault pullFault, f *finding.Finding) {
	found := credentialsOf(s, c, fault.message)
	f.Detail = found.detail
	f.Message += found.words
	f.Evidence = append(f.Evidence, found.evidence...)
	f.Suggest(found.patch)
	if found.restart != "" {
		f.SuggestedPatch = found.restart
	}
	if found.advice != "" {
		f.Recommendation += " " + found.advice
	}
}

// pullAdvice tells the spec's recommendations that fit the fault, beside the object they are about.
func pullAdvice(s *snapshot.Snapshot, c snapshot.Container, fault pullFault) string {
	told := []string{adviceAll}
	for _, advice := range fault.advice {
		switch advice {
		case adviceName:
			advice += fmt.Sprintf(": %s asks for %s", s.In(c), c.Spec.Image)
		case adviceAccess:
			advice += ": " + pullSecrets(c.Pod)
		case adviceRegistry:
			advice += fmt.Sprintf(" %s from node %s", registryOf(c.Spec.Image), c.Pod.Spec.NodeName)
		}
		told = append(told, advice+".")
	}
	return strings.Join(told, " ")
}

func pullSecrets(pod *corev1.Pod) string {
	if len(pod.Spec.ImagePullSecrets) == 0 {
		return "the pods name no imagePullSecrets"
	}
	return "the pods name imagePullSecrets " + strings.Join(words.Names(pod.Spec.ImagePullSecrets, func(ref *corev1.LocalObjectReference) string { return ref.Name }), ", ")
}

// registryOf is the host of an image reference: the part before the first slash if it looks like a host, else Docker Hub.
func registryOf(image string) string {
	host, _, found := strings.Cut(image, "/")
	if found && (strings.ContainsAny(host, ".:") || host == "localhost") {
		return host
	}
	return "docker.io"
}
