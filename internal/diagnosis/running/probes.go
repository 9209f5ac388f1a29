// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package running

import (
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/finding"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/diagnosis/words"
)

// trouble is a probe that makes trouble, and how many pods show the same.
type trouble struct {
	*probe
	fault fault
	// faulty: the spec itself is wrong.
	faulty bool
	pods   int
}

// troubles finds the probes of one kind that make trouble, one for each container: replicas mostly fail alike. What was
// seen in a pod of the newest revision is told before what was seen in an older one.
func troubles(s *snapshot.Snapshot, kind probeKind) []trouble {
	var all []trouble
	for _, c := range s.Containers() {
		if c.Init && !snapshot.IsSidecar(&c.Spec) {
			continue
		}
		for _, p := range probesOf(s, c) {
			if p.kind != kind {
				continue
			}
			one, ok := troubleOf(s, p)
			if !ok {
				continue
			}
			same := slices.IndexFunc(all, func(t trouble) bool {
				return t.Spec.Name == c.Spec.Name && t.faulty == one.faulty && t.fault.detail == one.fault.detail
			})
			if same >= 0 {
				all[same].pods++
				continue
			}
			all = append(all, one)
		}
	}
	return all
}

// troubleOf judges one probe. The spec of an older revision is not the one to change, so that one only fails.
func troubleOf(s *snapshot.Snapshot, p *probe) (trouble, bool) {
	t := trouble{probe: p, pods: 1}
	if p.hurts(s) && s.LikeNewest(p.Pod) {
		t.fault, t.faulty = faultOf(s, p)
	}
	return t, t.faulty || p.fails(s)
}

func livenessMisconfigured(s *snapshot.Snapshot) []finding.Finding {
	return misconfigured(s, liveness, v1alpha1.CauseLivenessProbeMisconfigured)
}

func readinessMisconfigured(s *snapshot.Snapshot) []finding.Finding {
	return misconfigured(s, readiness, v1alpha1.CauseReadinessProbeMisconfigured)
}

func livenessFailing(s *snapshot.Snapshot) []finding.Finding {
	return failing(s, liveness, v1alpha1.CauseLivenessProbeFailing)
}

func readinessFailing(s *snapshot.Snapshot) []finding.Finding {
	return failing(s, readiness, v1alpha1.CauseReadinessProbeFailing)
}

// startupFailing tells of startup probes that are set wrongly as well: for those there is no cause of their own, and the
// detail tells them apart.
func startupFailing(s *snapshot.Snapshot) []finding.Finding {
	return slices.Concat(misconfigured(s, startup, v1alpha1.CauseStartupProbeFailing), failing(s, startup, v1alpha1.CauseStartupProbeFailing))
}

// misconfigured finds the probes that contradict what they ask.
func misconfigured(s *snapshot.Snapshot, kind probeKind, cause v1alpha1.Cause) []finding.Finding {
	var findings []finding.Finding
	for _, t := range troubles(s, kind) {
		if !t.faulty {
			continue
		}
		message := fmt.Sprintf("%s: %s.%s %s", words.UpperFirst(inFirst(s, t.Container)), kind.field(), t.fault.field, t.fault.why)
		f := finding.New(cause, s.Owner(t.Container), t.fault.confidence, message, t.evidence(s, t.fault.evidence)...)
		f.Detail = t.fault.detail
		f.Recommendation = fmt.Sprintf("%s, %s.%s: %s", words.UpperFirst(inFirst(s, t.Container)), kind.field(), t.fault.field, t.fault.advice)
		t.suggest(s, &f)
		f.Stuck = kind == readiness || t.fault.confidence == v1alpha1.Certain
		findings = append(findings, f)
	}
	return findings
}

// inFirst names the workload first: "Deployment x, container y".
func inFirst(s *snapshot.Snapshot, c snapshot.Container) string {
	if s.Workload != nil {
		return fmt.Sprintf("%s, %s", s.Workload, c)
	}
	return fmt.Sprintf("Pod %s, %s", c.Pod.Name, c)
}

func (t trouble) evidence(s *snapshot.Snapshot, proof []string) []string {
	told := []string{t.quote(s), t.quoteKill(s)}
	told = append(told, proof...)
	if ended := t.Ended(); t.kind != readiness && ended != nil && t.Status.RestartCount > 0 {
		told = append(told, fmt.Sprintf("Pod %s: %s, last exit code %d at %s", t.Pod.Name, words.Count(int(t.Status.RestartCount), "restart"), ended.ExitCode, words.TimeOfDay(ended.FinishedAt.Time, s.Now)))
	}
	if t.kind == readiness {
		told = append(told, fmt.Sprintf("Pod %s: %s is not ready", t.Pod.Name, t.Container))
	}
	if t.pods > 1 {
		told = append(told, words.Count(t.pods, "pod")+" show the same")
	}
	return append(told, s.TellRevision(t.Container))
}

// readySince is since when a pod is ready; the zero time if it is not.
func readySince(pod *corev1.Pod) time.Time {
	for _, condition := range pod.Status.Conditions {
		if condition.Type == corev1.PodReady && condition.Status == corev1.ConditionTrue {
			return condition.LastTransitionTime.Time
		}
	}
	return time.Time{}
}
