// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package diagnosis

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

const (
	// crashWindow is how long after its last end a container that is not ready counts as crashing. The kubelet's longest
	// back-off is 5 minutes, so a loop shows again within it.
	crashWindow = 10 * time.Minute
	// freshRevision is how long a revision is suspected of a crash that an older one did not have.
	freshRevision = time.Hour
)

// crash is a container that does not stay up.
type crash struct {
	container
	// last is how it ended the last time; nil if that is not told.
	last *corev1.ContainerStateTerminated
	// looping: the kubelet itself calls it a loop.
	looping bool
	// pods that show the same.
	pods int
}

// crashes finds the containers that do not stay up, one for each container and revision: replicas mostly crash alike.
func (s *Snapshot) crashes() []crash {
	var all []crash
	seen := map[string]int{}
	for _, c := range s.containers() {
		one, ok := s.crashOf(c)
		if !ok {
			continue
		}
		key := fmt.Sprintf("%s %t %t", c.spec.Name, s.likeNewest(c.pod), one.outOfMemory())
		if at, known := seen[key]; known {
			all[at].pods++
			continue
		}
		seen[key] = len(all)
		all = append(all, one)
	}
	return all
}

func (s *Snapshot) crashOf(c container) (crash, bool) {
	one := crash{container: c, last: c.status.LastTerminationState.Terminated, pods: 1}
	if ended := c.status.State.Terminated; ended != nil {
		one.last = ended
		return one, ended.ExitCode != 0 || !c.init && c.status.RestartCount > 0
	}
	if reason, _ := c.waits(); reason == "CrashLoopBackOff" {
		one.looping = true
		return one, true
	}
	recent := one.last != nil && c.status.RestartCount > 0 && s.age(one.last.FinishedAt.Time) < crashWindow
	return one, recent && (!c.status.Ready || one.last.ExitCode != 0 && s.broken())
}

// broken reports whether the server took no request, or dropped it. Between two crashes a container without a readiness
// probe counts as ready; a server that hangs is another fault.
func (s *Snapshot) broken() bool {
	shake := s.Handshake
	return shake != nil && shake.Verdict == v1alpha1.VerdictFailed && shake.Class != v1alpha1.ErrorTimeout && shake.Class != v1alpha1.ErrorProtocol
}

func (c crash) outOfMemory() bool { return c.last != nil && c.last.Reason == "OOMKilled" }

func (c crash) confidence() v1alpha1.Confidence {
	if c.looping {
		return v1alpha1.Certain
	}
	return v1alpha1.Likely
}

// oomKilled finds containers that the kernel ended for want of memory.
func oomKilled(s *Snapshot) []Finding {
	var findings []Finding
	for _, c := range s.crashes() {
		if !c.outOfMemory() {
			continue
		}
		limit := c.spec.Resources.Limits.Memory()
		why := fmt.Sprintf("it ran out of memory (limit %s)", limit)
		if limit.IsZero() {
			why = "its node ran out of memory (it has no limit of its own)"
		}
		message := fmt.Sprintf("%s was killed because %s, %s", upperFirst(s.in(c.container)), why, count(int(c.status.RestartCount), "restart"))
		f := found(v1alpha1.CauseOOMKilled, s.owner(c.container), v1alpha1.Certain, message, s.crashEvidence(c)...)
		f.Recommendation, f.SuggestedPatch = s.memoryAdvice(c, limit)
		findings = append(findings, f)
	}
	return findings
}

// memoryAdvice suggests twice the limit: enough to see whether the need is bounded.
func (s *Snapshot) memoryAdvice(c crash, limit *resource.Quantity) (advice, patch string) {
	if limit.IsZero() {
		return fmt.Sprintf("Set resources.requests.memory and resources.limits.memory of %s, and look for what fills node %s.", s.in(c.container), c.pod.Spec.NodeName), ""
	}
	twice := limit.DeepCopy()
	twice.Add(*limit)
	advice = fmt.Sprintf("Raise resources.limits.memory of %s (now %s), or find what it keeps in memory.", s.in(c.container), limit)
	if s.Workload != nil {
		patch = fmt.Sprintf("kubectl set resources %s/%s -n %s -c %s --limits=memory=%s", lower(s.Workload.Kind), s.Workload.Object.GetName(), s.Namespace, c.spec.Name, &twice)
	}
	return advice, patch
}

// crashLoop finds containers that end again and again, and tells what they said last. What they said is evidence, and
// never becomes another cause.
func crashLoop(s *Snapshot) []Finding {
	var findings []Finding
	for _, c := range s.crashes() {
		message := fmt.Sprintf("%s keeps crashing: %s, %s", upperFirst(s.in(c.container)), c.ending(), count(int(c.status.RestartCount), "restart"))
		if c.status.RestartCount == 0 {
			message = fmt.Sprintf("%s has crashed: %s", upperFirst(s.in(c.container)), c.ending())
		}
		f := found(v1alpha1.CauseCrashLoop, s.owner(c.container), c.confidence(), message, s.crashEvidence(c)...)
		f.Recommendation = fmt.Sprintf("Read the log of the run that ended: kubectl logs -n %s %s -c %s --previous", s.Namespace, c.pod.Name, c.spec.Name)
		f.SuggestedPatch = s.undoFresh(c)
		findings = append(findings, f)
	}
	return findings
}

func (s *Snapshot) crashEvidence(c crash) []string {
	var told []string
	if c.last != nil && !c.last.FinishedAt.IsZero() {
		told = append(told, fmt.Sprintf("Pod %s ended with exit code %d at %s", c.pod.Name, c.last.ExitCode, timeOfDay(c.last.FinishedAt.Time, s.Now)))
	}
	if c.pods > 1 {
		told = append(told, count(c.pods, "pod")+" show the same")
	}
	if c.last != nil && c.last.Message != "" {
		told = append(told, "its last words: "+c.last.Message)
	}
	log := s.logOf(c.pod, c.spec.Name)
	if line := errorLine(log); line != "" {
		told = append(told, "last error in its log: "+line)
	} else if line := lastLine(log); line != "" && !c.outOfMemory() { // who is killed for memory had no say
		told = append(told, "last line of its log: "+line)
	}
	return append(told, s.tellRevision(c.container))
}

// undoFresh suggests to go back where the crash came with a revision.
func (s *Snapshot) undoFresh(c crash) string {
	old := s.before(c.pod)
	if old == nil || s.age(s.newestSince()) > freshRevision {
		return ""
	}
	return s.undo(old)
}
