// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package running

import (
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
)

// This file tells whether a probe makes trouble now.

// shortRun: a container that was killed after a shorter run than this is killed again and again, and not once in its life.
const shortRun = time.Hour

// fails reports whether the probe fails now and what that does is seen: the container was killed for it, or is not ready.
func (p *probe) fails(s *snapshot.Snapshot) bool {
	if p.kind == readiness {
		return p.keepsOut(s)
	}
	return p.kills(s)
}

// keepsOut reports whether a readiness probe keeps a running container from being ready, for longer than a start takes.
// The kubelet sets ready of a running container by nothing but this probe (pkg/kubelet/prober/prober_manager.go). One that
// was ready in this run is not starting.
func (p *probe) keepsOut(s *snapshot.Snapshot) bool {
	if !p.notReady() {
		return false
	}
	began := p.Running()
	if s.Age(began) > max(slowStart, p.budget()) {
		return true
	}
	for _, condition := range p.Pod.Status.Conditions {
		if condition.Type == corev1.ContainersReady && condition.Status == corev1.ConditionFalse && condition.LastTransitionTime.After(began.Add(time.Second)) {
			return p.seen != nil
		}
	}
	return false
}

// notReady reports whether the container runs, is asked for its readiness, and is not ready.
func (p *probe) notReady() bool {
	return !p.Running().IsZero() && !p.Status.Ready && !p.starting()
}

// starting reports whether a startup probe has not succeeded yet: until then the others are not asked.
func (p *probe) starting() bool {
	return p.Spec.StartupProbe != nil && p.Status.Started != nil && !*p.Status.Started
}

// kills reports whether the kubelet kills the container for the probe, now and again. Ready between two kills is no proof
// of health; a single kill that helped is no fault any more.
func (p *probe) kills(s *snapshot.Snapshot) bool {
	if p.killed == nil && !p.signalled(s) {
		return false
	}
	if !p.Status.Ready {
		return true
	}
	ended := p.Ended()
	if ended == nil || ended.StartedAt.IsZero() {
		return p.killed != nil && snapshot.EventCount(p.killed) > 1
	}
	ran := ended.FinishedAt.Sub(ended.StartedAt.Time)
	again := p.killed != nil && snapshot.EventCount(p.killed) > 1 || p.Status.RestartCount > 1 && ran < shortRun
	return again && s.Age(p.Running()) < 2*ran+slowStart
}

// signalled reports whether the container's status tells of a kill where no event does: within a pod only the kubelet sends
// these signals, for a failed probe. Once may be the node that was stopped. Of two probes that kill nobody says which it was.
func (p *probe) signalled(s *snapshot.Snapshot) bool {
	if p.Spec.LivenessProbe != nil && p.Spec.StartupProbe != nil {
		return false
	}
	ended := p.Ended()
	if ended == nil || ended.Reason == reasonOOM || ended.ExitCode != 137 && ended.ExitCode != 143 {
		return false
	}
	reason, _ := p.Waits()
	return reason == reasonBackOff || p.Status.RestartCount > 1 && s.Age(ended.FinishedAt.Time) < snapshot.Recent
}

// hurts is like fails, for a probe that contradicts what else is known: that needs no patience. A liveness probe that fails
// is going to kill.
func (p *probe) hurts(s *snapshot.Snapshot) bool {
	if p.kind == readiness {
		reason, _ := p.Waits()
		return p.seen != nil && (p.notReady() || reason == reasonBackOff && killedByProbe(s, p.Container)) || p.keepsOut(s)
	}
	if p.kills(s) {
		return true
	}
	return p.seen != nil && snapshot.EventCount(p.seen) > 1 && s.Age(snapshot.EventTime(p.seen)) < 3*p.period()+slowStart
}

// killedByProbe reports whether another probe of the container kills it: one that crashes by itself is not ready for that.
func killedByProbe(s *snapshot.Snapshot, c snapshot.Container) bool {
	return slices.ContainsFunc(probesOf(s, c), func(p *probe) bool { return p.kind != readiness && p.kills(s) })
}

// works reports whether the probe is known to succeed now.
func (p *probe) works(s *snapshot.Snapshot) bool {
	began := p.Running()
	if p.unknown || began.IsZero() {
		return false
	}
	switch p.kind {
	case readiness:
		return p.Status.Ready
	case startup:
		return p.Status.Started != nil && *p.Status.Started
	default:
		failing := p.seen != nil && snapshot.EventTime(p.seen).After(began)
		return !failing && !p.kills(s) && s.Age(began) > p.budget()
	}
}
