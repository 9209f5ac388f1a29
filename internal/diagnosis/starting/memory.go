// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package starting

import (
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/finding"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/diagnosis/words"
)

// leastMemory is the least limit that is suggested: runc alone needs some 10 MiB to make a container, and a server more.
const leastMemory = 64 << 20

const (
	// hopeless is a limit that no pod is made in: runc itself takes more, and CRI-O refuses less than 12 MiB.
	hopeless = 10 << 20
	// making is how long the making of a pod may take.
	making = 30 * time.Second
)

// smallLimit is a container whose memory limit does not carry its making.
type smallLimit struct {
	container corev1.Container
	text      string
}

// memoryLimit finds pods that the kernel ends while they are made, since their memory limit is too low. The container
// never ran, so that no status says OOMKilled: the text of the sandbox or of the start does.
func memoryLimit(s *snapshot.Snapshot) []finding.Finding {
	var seen sightings[smallLimit]
	pods := s.LivePods()
	for i := range pods {
		if one, ok := smallLimitOf(s, &pods[i]); ok {
			seen.add(one.container.Name, &pods[i], one)
		}
	}
	var findings []finding.Finding
	for _, one := range seen.all {
		findings = append(findings, memoryFinding(s, one))
	}
	return findings
}

// smallLimitOf: a container's own start tells which it is. The sandbox lives in the cgroup of the pod, whose limit is the
// sum of the containers' and is there only if all have one; the least of them is the likely one.
func smallLimitOf(s *snapshot.Snapshot, pod *corev1.Pod) (smallLimit, bool) {
	for _, c := range snapshot.ContainersOf(pod) {
		if text, ok := memoryFaultOf(s, c); ok {
			return smallLimit{c.Spec, text}, true
		}
	}
	fault, ok := sandboxFaultOf(s, pod)
	all := limited(pod)
	if len(all) == 0 || ok && !fault.limit || !ok && !neverCarried(s, pod, all) {
		return smallLimit{}, false
	}
	return smallLimit{slices.MinFunc(all, func(a, b corev1.Container) int {
		return a.Resources.Limits.Memory().Cmp(*b.Resources.Limits.Memory())
	}), fault.message}, true
}

// neverCarried is for a pod of which nobody says why it is not made: its limit is less than any container's making takes.
func neverCarried(s *snapshot.Snapshot, pod *corev1.Pod, limited []corev1.Container) bool {
	var sum int64
	for _, c := range limited {
		sum += c.Resources.Limits.Memory().Value()
	}
	return sum < hopeless && snapshot.IsHeld(pod) && pod.Status.PodIP == "" && s.Age(pod.CreationTimestamp.Time) > making
}

// memoryFaultOf is what the runtime says of a container with a limit that it could not start in it.
func memoryFaultOf(s *snapshot.Snapshot, c snapshot.Container) (string, bool) {
	text := runtimeText(s, c)
	return text, !c.Spec.Resources.Limits.Memory().IsZero() && tooLittleMemory.MatchString(head(text))
}

// limited are the containers of a pod if all have a memory limit, so that the pod's cgroup has one
// (pkg/kubelet/cm, ResourceConfigForPod).
func limited(pod *corev1.Pod) []corev1.Container {
	all := slices.Concat(pod.Spec.Containers, snapshot.Keep(pod.Spec.InitContainers, snapshot.IsSidecar))
	if slices.ContainsFunc(all, func(c corev1.Container) bool { return c.Resources.Limits.Memory().IsZero() }) {
		return nil
	}
	return all
}

func memoryFinding(s *snapshot.Snapshot, one *sighting[smallLimit]) finding.Finding {
	c, pod := one.fault.container, one.pod
	object, owner := ownerOf(s, pod)
	limit := c.Resources.Limits.Memory()
	f := finding.New(v1alpha1.CauseOOMKilled, object, v1alpha1.Certain,
		fmt.Sprintf("Container %s of %s is killed for want of memory before it begins: its limit of %s does not even carry its start", c.Name, owner, limit),
		fmt.Sprintf("resources of container %s: limits.memory %s, requests.memory %s", c.Name, limit, c.Resources.Requests.Memory()))
	f.Detail, f.Stuck = detailLimitTooLow, true
	if one.fault.text != "" {
		f.Evidence = append([]string{said(pod, one.fault.text)}, f.Evidence...)
	} else {
		f.Confidence = v1alpha1.Likely
		f.Message = fmt.Sprintf("Pod %s waits since %s to be made: the limit of %s of container %s of %s does not even carry its start", pod.Name, words.TimeOfDay(pod.CreationTimestamp.Time, s.Now), limit, c.Name, owner)
	}
	f.Evidence = append(f.Evidence, one.tellPods(s))
	better, why := betterLimit(s, pod, c)
	patch := finding.SetLimit(s.Workload, c.Name, corev1.ResourceMemory, *limit, *better)
	if limit.Value() < leastMemory || why != "" {
		f.Suggest(patch)
	} else {
		f.SuggestByHand(patch) // that so much is too little is the runtime's word alone
	}
	f.Evidence = append(f.Evidence, why)
	f.Recommendation = fmt.Sprintf("Raise resources.limits.memory of container %s of %s (now %s), to %s or what the program needs.", c.Name, owner, limit, better)
	return f
}

// betterLimit is the limit of the earlier revision, or one that carries a small server.
func betterLimit(s *snapshot.Snapshot, pod *corev1.Pod, c corev1.Container) (limit *resource.Quantity, why string) {
	if earlier := s.EarlierThan(pod); earlier != nil {
		if before := snapshot.ContainerIn(earlier.Spec, c.Name); before != nil && before.Resources.Limits.Memory().Cmp(*c.Resources.Limits.Memory()) > 0 {
			return before.Resources.Limits.Memory(), fmt.Sprintf("%s had limits.memory %s", earlier.Told, before.Resources.Limits.Memory())
		}
	}
	twice := 2 * c.Resources.Limits.Memory().Value()
	return resource.NewQuantity(max(twice, leastMemory), resource.BinarySI), ""
}
