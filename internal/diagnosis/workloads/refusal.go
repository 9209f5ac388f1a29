// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package workloads

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/diagnosis/words"
)

// refusal is the API server's last no to a maker that still lacks pods.
type refusal struct {
	maker maker
	// text is what was said, with whatever the controller put before it.
	text string
	// evidence tells who said so, and when.
	evidence string
}

// refusals are the newest ones, one a maker at most, and that of the ReplicaSet which the Deployment could not make.
func refusals(s *snapshot.Snapshot) []refusal {
	var found []refusal
	for _, m := range lacking(s) {
		if r, ok := refused(s, m); ok {
			found = append(found, r)
		}
	}
	if r, ok := refusedDeployment(s); ok {
		found = append(found, r)
	}
	return found
}

// refused prefers the event: the condition keeps the first error of a row of them (pkg/controller/replicaset,
// calculateStatus sets it once), and an event the last.
func refused(s *snapshot.Snapshot, m maker) (refusal, bool) {
	if event := lastRefusal(s, m); event != nil {
		return refusal{m, event.Message, tellEvent(s, event)}, true
	}
	for _, c := range m.conditions {
		if c.Type == appsv1.ReplicaSetReplicaFailure && c.Status == corev1.ConditionTrue && c.Reason == "FailedCreate" {
			return refusal{m, c.Message, fmt.Sprintf("condition ReplicaFailure of %s: %s", m, c.Message)}, true
		}
	}
	return refusal{}, false
}

// lastRefusal is the newest FailedCreate, unless a pod was made after it.
func lastRefusal(s *snapshot.Snapshot, m maker) *corev1.Event {
	var failed, made *corev1.Event
	events := s.EventsOf(m.object) // newest first
	for i := range events {
		switch event := &events[i]; {
		case event.InvolvedObject.Kind != m.kind:
		case event.Reason == "FailedCreate" && failed == nil:
			failed = event
		case event.Reason == "SuccessfulCreate" && made == nil:
			made = event
		}
	}
	// In one second both happen where some pods fit and others do not.
	if failed == nil || made != nil && snapshot.EventTime(made).After(snapshot.EventTime(failed)) {
		return nil
	}
	return failed
}

// refusedDeployment reads the Deployment's conditions: its ReplicaSet may be refused itself, or not be read.
func refusedDeployment(s *snapshot.Snapshot) (refusal, bool) {
	if s.Workload == nil {
		return refusal{}, false
	}
	d, ok := s.Workload.Object.(*appsv1.Deployment)
	if !ok {
		return refusal{}, false
	}
	m := ownMaker(s, int(d.Status.Replicas))
	for _, c := range d.Status.Conditions {
		failure := c.Type == appsv1.DeploymentReplicaFailure && c.Status == corev1.ConditionTrue && len(s.ReplicaSets) == 0 && m.have < m.want
		noSet := c.Type == appsv1.DeploymentProgressing && c.Status == corev1.ConditionFalse && c.Reason == "ReplicaSetCreateError"
		if failure || noSet {
			m.noSet = noSet
			return refusal{m, c.Message, fmt.Sprintf("condition %s of %s (%s): %s", c.Type, s.Workload, c.Reason, c.Message)}, true
		}
	}
	return refusal{}, false
}

// tellEvent tells an event as proof.
func tellEvent(s *snapshot.Snapshot, event *corev1.Event) string {
	when := s.Ago(snapshot.EventTime(event))
	if event.Count > 1 {
		when += ", " + words.Count(int(event.Count), "time")
	}
	return fmt.Sprintf("Event %s of %s %s (%s): %s", event.Reason, event.InvolvedObject.Kind, event.InvolvedObject.Name, when, event.Message)
}
