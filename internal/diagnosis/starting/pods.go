// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package starting

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/finding"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/diagnosis/words"
	"github.com/ry-ops/cortex/internal/foreign"
)

// maxText bounds what is looked at of a foreign text, in bytes, so that no regexp runs over megabytes.
const maxText = 32 << 10

// sighting is a fault, and the pods that show it. Replicas mostly fail alike: they are one finding.
type sighting[T any] struct {
	fault T
	pod   *corev1.Pod
	pods  map[string]bool
}

// sightings groups faults by a key, in the order in which they were first seen.
type sightings[T any] struct {
	all []*sighting[T]
	at  map[string]*sighting[T]
}

func (g *sightings[T]) add(key string, pod *corev1.Pod, fault T) *sighting[T] {
	one, known := g.at[key]
	if !known {
		one = &sighting[T]{fault, pod, map[string]bool{}}
		if g.at == nil {
			g.at = map[string]*sighting[T]{}
		}
		g.at[key] = one
		g.all = append(g.all, one)
	}
	one.pods[pod.Name] = true
	return one
}

// tellPods tells how many pods show the same, if there is more than one pod.
func (o *sighting[T]) tellPods(s *snapshot.Snapshot) string {
	all := len(s.LivePods())
	if all < 2 {
		return ""
	}
	return fmt.Sprintf("%d of %s show%s this", len(o.pods), words.Count(all, "pod"), when(len(o.pods) == 1, "s"))
}

// ownerOf is the object to change for a fault of a pod's template, and its name for people.
func ownerOf(s *snapshot.Snapshot, pod *corev1.Pod) (v1alpha1.ObjectReference, string) {
	if s.Workload != nil {
		return s.Workload.Reference(), s.Workload.String()
	}
	return snapshot.Reference(snapshot.KindPod, pod), "Pod " + pod.Name
}

// target is the workload as kubectl takes it: "deployment/sandfly -n cortex-system"; "" for a pod of its own, most of
// whose spec cannot be changed.
func target(s *snapshot.Snapshot) string {
	if s.Workload == nil {
		return ""
	}
	return fmt.Sprintf("%s/%s -n %s", words.Lower(s.Workload.Kind), s.Workload.Object.GetName(), s.Namespace)
}

// goBack suggests the earlier revision of a pod's workload, if it is without the fault.
func goBack(s *snapshot.Snapshot, pod *corev1.Pod, f *finding.Finding, without func(*corev1.PodSpec) (told string, ok bool)) {
	earlier := s.EarlierThan(pod)
	if earlier == nil {
		return
	}
	if told, ok := without(earlier.Spec); ok {
		f.Evidence = append(f.Evidence, earlier.Told+" "+told)
		if earlier.Undo != "" {
			f.SuggestedPatch = earlier.Undo
		}
	}
}

// failing returns how a container ended that does not stay up.
func failing(s *snapshot.Snapshot, c snapshot.Container) (*corev1.ContainerStateTerminated, bool) {
	last := c.Status.LastTerminationState.Terminated
	if ended := c.Status.State.Terminated; ended != nil {
		return ended, ended.ExitCode != 0
	}
	if reason, _ := c.Waits(); reason != "" {
		return last, last != nil && reason == "CrashLoopBackOff"
	}
	recent := last != nil && last.ExitCode != 0 && c.Status.RestartCount > 0 && s.Age(last.FinishedAt.Time) < snapshot.Recent
	return last, recent && !c.Status.Ready
}

// failedText is the text of the newest Failed event of a container that begins with a prefix: where a status holds no
// message, or a dump has lost it, this does. An event of a dump may have lost the container's name too.
func failedText(s *snapshot.Snapshot, c snapshot.Container, prefix string, holds func(string) bool) string {
	for _, event := range s.EventsOfPod(c.Pod) { // newest first
		of, said := event.InvolvedObject.FieldPath, snapshot.Said(&event)
		if event.Reason == "Failed" && strings.HasPrefix(said, prefix) && holds(said) && (of == "" || strings.HasSuffix(of, "{"+c.Spec.Name+"}")) {
			return said
		}
	}
	return ""
}

// head is a foreign text as far as it is looked at.
func head(text string) string { return foreign.Head(text, maxText) }

// said is evidence: what a pod's status or event says.
func said(pod *corev1.Pod, text string) string { return fmt.Sprintf("Pod %s: %s", pod.Name, text) }

// when is the text if it applies.
func when(applies bool, text string) string {
	if applies {
		return text
	}
	return ""
}
