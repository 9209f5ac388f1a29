// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package running

import (
	"fmt"
	"time"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
)

const (
	// hasty is a time for a start that hardly any server keeps: the container runtime needs a part of it.
	hasty = 5 * time.Second
	// stopGrace is what a container may take to end after it was told to, at most (terminationGracePeriodSeconds).
	stopGrace = 30 * time.Second
	// longer than any start that is still a start.
	patience = 5 * time.Minute
)

// wrongTiming: a liveness probe kills the container before it can have started, or a probe does not wait for an answer as
// long as another does.
func wrongTiming(s *snapshot.Snapshot, p *probe) (fault, bool) {
	if f, ok := tooSoon(s, p); ok {
		return f, true
	}
	return tooImpatient(s, p)
}

// tooSoon: the liveness probe has killed the container within the time that it gives it from its start, and there is a
// measure that says that a start takes longer. A startup probe would have held it back.
func tooSoon(s *snapshot.Snapshot, p *probe) (fault, bool) {
	ended := p.Ended()
	if p.kind != liveness || p.Spec.StartupProbe != nil || ended == nil || !p.kills(s) || ended.StartedAt.IsZero() || p.answer.heard() {
		return fault{}, false
	}
	ran := ended.FinishedAt.Sub(ended.StartedAt.Time)
	if ran > p.budget()+p.timeout()*time.Duration(p.failures())+stopGrace {
		return fault{}, false // it had passed before it failed
	}
	measures, certain := slower(s, p, ran)
	if len(measures) == 0 {
		return fault{}, false
	}
	f := fault{
		detail: detailTiming, confidence: v1alpha1.Likely, field: "initialDelaySeconds",
		why: fmt.Sprintf("is %d with periodSeconds %d and failureThreshold %d, so the container is killed when it does not answer within %s of its start",
			p.spec.InitialDelaySeconds, int(p.period().Seconds()), p.failures(), p.budget()),
		evidence: append([]string{fmt.Sprintf("Pod %s was killed after %s", p.Pod.Name, ran)}, measures...),
		advice:   "Add a startupProbe that leaves the start its time, or raise initialDelaySeconds and failureThreshold.",
		patch:    map[string]any{"initialDelaySeconds": max(30, p.spec.InitialDelaySeconds*2), "periodSeconds": 10, "failureThreshold": 3},
	}
	if certain {
		f.confidence = v1alpha1.Certain
	}
	return f, true
}

// slower finds measures of a start that is longer than the probe allows. A start that was seen to take longer is proof;
// the values alone are a hint, and only where they are out of all proportion.
func slower(s *snapshot.Snapshot, p *probe, ran time.Duration) (measures []string, certain bool) {
	if at, pod := measuredStart(s, p); at > p.budget() && at < patience {
		measures = append(measures, fmt.Sprintf("Pod %s was ready %s after its start", pod, at))
		certain = true
	}
	if ready := p.Spec.ReadinessProbe; ready != nil {
		other := probe{Container: p.Container, kind: readiness, spec: ready}
		if seconds(ready.InitialDelaySeconds) >= p.budget() {
			measures = append(measures, fmt.Sprintf("the readiness probe waits %ds before it asks for the first time", ready.InitialDelaySeconds))
			certain = certain || p.answer.kind == answerUnreached
		} else if p.budget() <= hasty && other.budget() >= 3*p.budget() {
			measures = append(measures, fmt.Sprintf("the readiness probe leaves it %s", other.budget()))
			certain = certain || p.answer.kind == answerUnreached
		}
	}
	if len(measures) == 0 && p.budget() <= hasty && ran <= p.budget()+stopGrace {
		measures = append(measures, fmt.Sprintf("%s is less than a server's start mostly takes", p.budget()))
	}
	return measures, certain
}

// measuredStart is how long a replica with the same container took from its start until it was ready, as its conditions
// tell it; the longest of them.
func measuredStart(s *snapshot.Snapshot, p *probe) (longest time.Duration, pod string) {
	for _, c := range s.Containers() {
		if c.Spec.Name != p.Spec.Name || c.Spec.Image != p.Spec.Image || c.Status.RestartCount > 0 || !c.Status.Ready || c.Running().IsZero() {
			continue
		}
		if took := readySince(c.Pod).Sub(c.Running()); took > longest {
			longest, pod = took, c.Pod.Name
		}
	}
	return longest, pod
}

// tooImpatient: the probe gets no answer in its time, and another asks the same of the same port, waits longer, and
// succeeds.
func tooImpatient(s *snapshot.Snapshot, p *probe) (fault, bool) {
	if p.answer.kind != answerLate {
		return fault{}, false
	}
	sibling := workingAt(s, p, p.port())
	if sibling == nil || sibling.String() != p.String() || sibling.timeout() <= p.timeout() {
		return fault{}, false
	}
	return fault{
		detail: detailTiming, confidence: v1alpha1.Certain, field: "timeoutSeconds",
		why:      fmt.Sprintf("is %d, and an answer takes longer", int(p.timeout().Seconds())),
		evidence: []string{fmt.Sprintf("%s within %s", siblingWorks(sibling), sibling.timeout())},
		advice:   fmt.Sprintf("Set timeoutSeconds to %d, as the %s probe has it.", int(sibling.timeout().Seconds()), sibling.kind),
		patch:    map[string]any{"timeoutSeconds": int(sibling.timeout().Seconds())},
	}, true
}
