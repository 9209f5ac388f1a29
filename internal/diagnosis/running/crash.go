// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package running

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/finding"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/diagnosis/words"
)

// The kubelet's words.
const (
	reasonOOM     = "OOMKilled"
	reasonBackOff = "CrashLoopBackOff"
)

// freshRevision is how long a revision is suspected of a crash that an older one did not have.
const freshRevision = time.Hour

// crash is a container that does not stay up.
type crash struct {
	snapshot.Container
	// last is how it ended the last time; nil if that is not told.
	last *corev1.ContainerStateTerminated
	// looping: the kubelet itself calls it a loop.
	looping bool
	// pods that show the same.
	pods int
}

// crashes finds the containers that do not stay up, one for each container and revision: replicas mostly crash alike.
func crashes(s *snapshot.Snapshot) []crash {
	var all []crash
	seen := map[string]int{}
	for _, c := range s.Containers() {
		one, ok := crashOf(s, c)
		if !ok {
			continue
		}
		key := fmt.Sprintf("%s %t %t", c.Spec.Name, s.LikeNewest(c.Pod), one.outOfMemory())
		if at, known := seen[key]; known {
			all[at].pods++
			continue
		}
		seen[key] = len(all)
		all = append(all, one)
	}
	return all
}

func crashOf(s *snapshot.Snapshot, c snapshot.Container) (crash, bool) {
	one := crash{Container: c, last: c.Status.LastTerminationState.Terminated, pods: 1}
	if ended := c.Status.State.Terminated; ended != nil {
		one.last = ended
		return one, ended.ExitCode != 0 || !c.Init && c.Status.RestartCount > 0
	}
	if reason, _ := c.Waits(); reason == reasonBackOff {
		one.looping = true
		return one, true
	}
	recent := one.last != nil && c.Status.RestartCount > 0 && s.Age(one.last.FinishedAt.Time) < snapshot.Recent
	return one, recent && (!c.Status.Ready || one.last.ExitCode != 0 && broken(s))
}

// broken reports whether the server took no request, or dropped it. Between two crashes a container without a readiness
// probe counts as ready; a server that hangs is another fault.
func broken(s *snapshot.Snapshot) bool {
	shake := s.Handshake
	if shake == nil || shake.Verdict != v1alpha1.VerdictFailed {
		return false
	}
	switch shake.Class {
	case v1alpha1.ErrorTimeout, v1alpha1.ErrorProtocol, v1alpha1.ErrorTLS, v1alpha1.ErrorUnauthorized, v1alpha1.ErrorRateLimited, v1alpha1.ErrorTooLarge:
		return false
	default:
		return true
	}
}

func (c crash) outOfMemory() bool { return c.last != nil && c.last.Reason == reasonOOM }

func (c crash) confidence() v1alpha1.Confidence {
	if c.looping {
		return v1alpha1.Certain
	}
	return v1alpha1.Likely
}

// crashLoop finds containers that end again and again, and tells what they said last. What they said is evidence, and
// never becomes another cause.
func crashLoop(s *snapshot.Snapshot) []finding.Finding {
	var findings []finding.Finding
	for _, c := range crashes(s) {
		message := fmt.Sprintf("%s keeps crashing: %s, %s", words.UpperFirst(s.In(c.Container)), c.ending(), words.Count(int(c.Status.RestartCount), "restart"))
		if c.Status.RestartCount == 0 {
			message = fmt.Sprintf("%s has crashed: %s", words.UpperFirst(s.In(c.Container)), c.ending())
		}
		f := finding.New(v1alpha1.CauseCrashLoop, s.Owner(c.Container), c.confidence(), message, crashEvidence(s, c)...)
		f.Detail, f.Recommendation = c.detail(s), c.advice(s)
		f.SuggestedPatch = undoFresh(s, c)
		findings = append(findings, f)
	}
	return findings
}

func crashEvidence(s *snapshot.Snapshot, c crash) []string {
	var told []string
	if c.last != nil && !c.last.FinishedAt.IsZero() {
		told = append(told, fmt.Sprintf("Pod %s ended with exit code %d at %s", c.Pod.Name, c.last.ExitCode, words.TimeOfDay(c.last.FinishedAt.Time, s.Now)))
	}
	if c.pods > 1 {
		told = append(told, words.Count(c.pods, "pod")+" show the same")
	}
	if c.last != nil && c.last.Message != "" {
		told = append(told, "its last words: "+c.last.Message)
	}
	return append(append(told, lastSaid(s, c)...), s.TellRevision(c.Container))
}

// undoFresh suggests to go back where the crash came with a revision.
func undoFresh(s *snapshot.Snapshot, c crash) string {
	old := s.Before(c.Pod)
	if old == nil || s.Age(s.NewestSince()) > freshRevision {
		return ""
	}
	return s.Undo(old)
}
