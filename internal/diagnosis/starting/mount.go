// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package starting

import (
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/finding"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
)

// mounted are the reasons of events that come only after the volumes of a pod are there (pkg/kubelet, syncPod: volumes,
// then the sandbox, then images and containers).
var mounted = []string{"FailedCreatePodSandBox", "Pulling", "Pulled", "Created", "Started"}

// mountEvents are the events about volumes of a pod that nothing newer contradicts, newest first.
func mountEvents(s *snapshot.Snapshot, pod *corev1.Pod) []corev1.Event {
	return s.StandingEvents(pod, []string{"FailedMount", "FailedAttachVolume", "FailedMapVolume"}, mounted)
}

// volumes finds pods that wait for a volume that cannot be attached or mounted. Without the kubelet's words nothing is
// said: a pod that waits for its volumes looks like any other that is being made.
func volumes(s *snapshot.Snapshot) []finding.Finding {
	var seen sightings[mountFault]
	pods := s.LivePods()
	for i := range pods {
		if fault, ok := mountFaultOf(s, &pods[i]); ok {
			seen.add(string(fault.cause)+fault.detail+nameOf(volumeNamed(s, &pods[i], fault.volume), fault), &pods[i], fault)
		}
	}
	var findings []finding.Finding
	for _, one := range seen.all {
		findings = append(findings, mountFinding(s, one))
	}
	return findings
}

// mountFaultOf is what keeps a pod from its volumes. The newest exact word counts before the kubelet's sum of all, which
// mostly tells of a timeout only.
func mountFaultOf(s *snapshot.Snapshot, pod *corev1.Pod) (mountFault, bool) {
	for _, c := range snapshot.ContainersOf(pod) {
		if fault, ok := subPathFault(s, c); ok {
			return fault, true
		}
	}
	if !snapshot.IsHeld(pod) {
		return mountFault{}, false
	}
	var sum mountFault
	for _, event := range mountEvents(s, pod) {
		if len(namedWantings(pod, snapshot.Said(&event))) > 0 {
			continue // the check of the configuration tells it better
		}
		fault, ok := classifyMount(event.Reason, snapshot.Said(&event))
		if !ok || event.Reason == "FailedAttachVolume" && attachedSince(s, pod, &event) {
			continue
		}
		if fault.detail != detailTimeout {
			return fault, true
		}
		if sum.detail == "" {
			sum = fault
		}
	}
	return sum, sum.detail != ""
}

// attachedSince reports whether the volume was attached after an event that it could not be.
func attachedSince(s *snapshot.Snapshot, pod *corev1.Pod, event *corev1.Event) bool {
	for _, newer := range s.EventsOfPod(pod) {
		if newer.Reason == "SuccessfulAttachVolume" && snapshot.EventTime(&newer).After(snapshot.EventTime(event)) {
			return true
		}
	}
	return false
}

// subPathFault is a part of a volume that a container cannot have.
func subPathFault(s *snapshot.Snapshot, c snapshot.Container) (mountFault, bool) {
	reason, message := c.Waits()
	if reason != "CreateContainerConfigError" {
		message = runtimeText(s, c)
	}
	fault, ok := classifyMount("", message)
	return fault, ok && fault.detail == detailMount && strings.Contains(fault.words, "subPath")
}

// volumeNamed finds the volume of a pod by its own name or by that of the PersistentVolume of its claim.
func volumeNamed(s *snapshot.Snapshot, pod *corev1.Pod, name string) *corev1.Volume {
	for i := range pod.Spec.Volumes {
		volume := &pod.Spec.Volumes[i]
		if volume.Name == name {
			return volume
		}
		if volume.PersistentVolumeClaim == nil {
			continue
		}
		if claim := s.Claim(volume.PersistentVolumeClaim.ClaimName); claim != nil && claim.Spec.VolumeName == name {
			return volume
		}
	}
	return onlyClaim(pod, name)
}

// onlyClaim is the volume that a PersistentVolume must be meant by where the claims were not read: the pod's only claim.
func onlyClaim(pod *corev1.Pod, name string) *corev1.Volume {
	claims := snapshot.Keep(pod.Spec.Volumes, func(volume *corev1.Volume) bool { return volume.PersistentVolumeClaim != nil })
	if name == "" || len(claims) != 1 {
		return nil
	}
	return &claims[0]
}

func nameOf(volume *corev1.Volume, fault mountFault) string {
	if volume != nil {
		return volume.Name
	}
	return fault.volume
}

func mountFinding(s *snapshot.Snapshot, one *sighting[mountFault]) finding.Finding {
	fault, pod := one.fault, one.pod
	object, owner := ownerOf(s, pod)
	volume := volumeNamed(s, pod, fault.volume)
	name := "a volume"
	if told := nameOf(volume, fault); told != "" {
		name = "volume " + told
	}
	f := finding.New(fault.cause, object, v1alpha1.Likely,
		fmt.Sprintf("%s does not get its volumes: %s%s %s", owner, name, tellSource(volume), fault.words), said(pod, fault.message))
	f.Detail = fault.detail
	f.Evidence = append(f.Evidence, "it waits on node "+pod.Spec.NodeName, one.tellPods(s))
	f.Recommendation = fault.advice
	switch {
	case fault.detail == detailHostPath && volume != nil && volume.HostPath != nil && strings.Contains(fault.message, volume.HostPath.Path):
		f.Confidence = v1alpha1.Certain
		f.Recommendation += fmt.Sprintf(" The path is %s, the node is %s.", volume.HostPath.Path, pod.Spec.NodeName)
	case fault.detail == detailMultiAttach:
		proveMultiAttach(s, pod, volume, &f)
	}
	if fault.cause == v1alpha1.CauseVolumePermissionDenied {
		f.Evidence = append(f.Evidence, tellUser(&pod.Spec, nil))
	}
	goBack(s, pod, &f, func(spec *corev1.PodSpec) (string, bool) {
		return "has no such volume", volume != nil && fault.detail != detailMultiAttach && !hasVolume(spec, volume)
	})
	return f
}

// hasVolume reports whether a pod's spec has just this volume.
func hasVolume(spec *corev1.PodSpec, volume *corev1.Volume) bool {
	return slices.ContainsFunc(spec.Volumes, func(other corev1.Volume) bool { return equality.Semantic.DeepEqual(other, *volume) })
}

// tellSource tells what a volume is made of.
func tellSource(volume *corev1.Volume) string {
	switch {
	case volume == nil:
		return ""
	case volume.PersistentVolumeClaim != nil:
		return fmt.Sprintf(" (claim %s)", volume.PersistentVolumeClaim.ClaimName)
	case volume.HostPath != nil && volume.HostPath.Type != nil && *volume.HostPath.Type != "":
		return fmt.Sprintf(" (hostPath %s, type %s)", volume.HostPath.Path, *volume.HostPath.Type)
	case volume.HostPath != nil:
		return fmt.Sprintf(" (hostPath %s)", volume.HostPath.Path)
	case volume.NFS != nil:
		return fmt.Sprintf(" (NFS %s:%s)", volume.NFS.Server, volume.NFS.Path)
	case volume.CSI != nil:
		return fmt.Sprintf(" (CSI %s)", volume.CSI.Driver)
	case volume.EmptyDir != nil:
		return " (emptyDir)"
	default:
		return ""
	}
}

// proveMultiAttach looks for the pod that has the claim on another node. Of a Deployment that rolls out it is its own
// older pod, which a rolling update never lets go first.
func proveMultiAttach(s *snapshot.Snapshot, pod *corev1.Pod, volume *corev1.Volume, f *finding.Finding) {
	if volume == nil || volume.PersistentVolumeClaim == nil {
		return
	}
	claim := volume.PersistentVolumeClaim.ClaimName
	holder := holderOf(s, pod, claim)
	if holder == nil {
		return
	}
	f.Confidence = v1alpha1.Certain
	f.Evidence = append(f.Evidence, fmt.Sprintf("Pod %s on node %s has claim %s", holder.Name, holder.Spec.NodeName, claim))
	f.Recommendation = fmt.Sprintf("Let Pod %s on node %s go first: it has claim %s.", holder.Name, holder.Spec.NodeName, claim)
	if d := deployment(s); d != nil && d.Spec.Strategy.Type != appsv1.RecreateDeploymentStrategyType && isOf(s, holder) {
		f.Recommendation += fmt.Sprintf(" Deployment %s rolls out by starting the new pod first; with strategy Recreate the old one goes first.", d.Name)
		f.Suggest(finding.StrategicPatch(s.Workload.Reference(), s.Namespace, map[string]any{"spec": map[string]any{"strategy": map[string]any{
			"type": appsv1.RecreateDeploymentStrategyType, "rollingUpdate": nil,
		}}}))
	}
}

// holderOf is the first pod by name that has a claim on another node. One on its way out has it still.
func holderOf(s *snapshot.Snapshot, pod *corev1.Pod, claim string) *corev1.Pod {
	var first *corev1.Pod
	for i := range s.All.Pods {
		other := &s.All.Pods[i]
		ended := other.Status.Phase == corev1.PodSucceeded || other.Status.Phase == corev1.PodFailed
		elsewhere := other.Namespace == pod.Namespace && other.Spec.NodeName != "" && other.Spec.NodeName != pod.Spec.NodeName
		if elsewhere && !ended && uses(other, claim) && (first == nil || other.Name < first.Name) {
			first = other
		}
	}
	return first
}

func uses(pod *corev1.Pod, claim string) bool {
	for _, volume := range pod.Spec.Volumes {
		if volume.PersistentVolumeClaim != nil && volume.PersistentVolumeClaim.ClaimName == claim {
			return true
		}
	}
	return false
}

func deployment(s *snapshot.Snapshot) *appsv1.Deployment {
	if s.Workload == nil {
		return nil
	}
	d, _ := s.Workload.Object.(*appsv1.Deployment)
	return d
}

// isOf reports whether a pod is one of the target's.
func isOf(s *snapshot.Snapshot, pod *corev1.Pod) bool {
	for i := range s.Pods {
		if s.Pods[i].Name == pod.Name {
			return true
		}
	}
	return false
}
