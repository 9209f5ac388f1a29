// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package running

import (
	"fmt"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/finding"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/diagnosis/words"
)

// failing finds the probes whose spec is in order, and which fail now: what the probe saw is what the server says of itself.
func failing(s *snapshot.Snapshot, kind probeKind, cause v1alpha1.Cause) []finding.Finding {
	var findings []finding.Finding
	for _, t := range troubles(s, kind) {
		if t.faulty {
			continue
		}
		message := fmt.Sprintf("%s: the %s probe (%s) fails: %s%s", words.UpperFirst(inFirst(s, t.Container)), kind, t.probe, t.saw(), t.consequence())
		f := finding.New(cause, s.Owner(t.Container), t.confidence(), message, t.evidence(s, t.local(s))...)
		f.Recommendation = t.advice(s)
		findings = append(findings, f)
	}
	return findings
}

// confidence: the kubelet's own words prove a failure, the status alone makes it likely.
func (t trouble) confidence() v1alpha1.Confidence {
	if t.seen != nil || t.killed != nil {
		return v1alpha1.Certain
	}
	return v1alpha1.Likely
}

// saw tells the answer in words.
func (t trouble) saw() string {
	switch t.answer.kind {
	case answerNone:
		return "what it saw is not told"
	case answerUnreached:
		return "nothing takes a connection there"
	case answerLate:
		return fmt.Sprintf("no answer within %s", t.timeout())
	case answerOther:
		return "it saw: " + t.answer.text
	case answerStatus:
		if t.answer.status != 0 {
			return fmt.Sprintf("the server answers %d", t.answer.status)
		}
		return "the server says that it is not serving"
	default:
		return t.answer.text
	}
}

// consequence tells what the failure does. What a pod that is not ready means is told by the summary.
func (t trouble) consequence() string {
	if t.kind == readiness {
		return ""
	}
	return fmt.Sprintf(", so the kubelet restarts it (%s)", words.Count(int(t.Status.RestartCount), "restart"))
}

// local tells of a server that listens where only the pod itself gets to: the kubelet asks the pod's address.
func (t trouble) local(s *snapshot.Snapshot) []string {
	if t.answer.kind != answerUnreached {
		return nil
	}
	for _, l := range listeners(s.LogOf(t.Pod, t.Spec.Name)) {
		if l.loopback() && l.port == t.port() {
			return []string{fmt.Sprintf("its log: %s; that is reached from within the pod only", l.line)}
		}
	}
	return nil
}

// advice says what to do about what was seen.
func (t trouble) advice(s *snapshot.Snapshot) string {
	where := words.UpperFirst(inFirst(s, t.Container))
	log := fmt.Sprintf("kubectl logs -n %s %s -c %s", s.Namespace, t.Pod.Name, t.Spec.Name)
	switch {
	case len(t.local(s)) > 0:
		return fmt.Sprintf("%s: let the server listen at 0.0.0.0:%d instead of at the loopback address only.", where, t.port())
	case t.answer.kind == answerLate:
		return fmt.Sprintf("%s: find out why an answer takes longer than %s (CPU limit, a call to a dependency), or raise %s.timeoutSeconds. Its log: %s", where, t.timeout(), t.kind.field(), log)
	case t.kind == startup:
		return fmt.Sprintf("%s: if the start needs longer than %s, raise startupProbe.failureThreshold; else see what it waits for: %s --previous", where, t.budget(), log)
	case t.kind == liveness:
		return fmt.Sprintf("%s: see why it stops answering: %s --previous", where, log)
	default:
		return fmt.Sprintf("%s: see why it is not ready: %s", where, log)
	}
}
