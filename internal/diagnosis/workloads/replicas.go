// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package workloads

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/diagnosis/words"
)

const (
	// annotationDesired is what the deployment controller last saw as the Deployment's replicas, on each ReplicaSet.
	annotationDesired = "deployment.kubernetes.io/desired-replicas"
	// defaultReplicas is returned to where nothing tells the count (spec, "Pattern 2: Scale Service").
	defaultReplicas = 1
	// maxEventReplicas is the highest count that an Event is believed. An Event is the one source that somebody can
	// write who may not write the workload.
	maxEventReplicas = 100
)

// Memory is what is known of the time before the zero.
type Memory struct {
	Replicas int32
	// Source tells where the count is from, for people.
	Source string
	// Known is false for the default.
	Known bool
	// At is when the zero took effect; the zero time if nothing tells.
	At time.Time
}

// LastReplicas finds the count to return a workload to that is scaled to zero. What a person wrote down comes first, then
// what the cluster remembers, then what was once applied.
func LastReplicas(s *snapshot.Snapshot) Memory {
	annotations := s.Workload.Object.GetAnnotations()
	before := replicasRemembered(s)
	if n, err := strconv.ParseInt(annotations[v1alpha1.AnnotationReplicas], 10, 32); err == nil && n > 0 {
		return Memory{int32(n), fmt.Sprintf("annotation %s says %d", v1alpha1.AnnotationReplicas, n), true, before.At}
	}
	if before.Known {
		return before
	}
	if n := replicasApplied(annotations[corev1.LastAppliedConfigAnnotation]); n > 0 {
		return Memory{n, fmt.Sprintf("the manifest that was last applied says %d", n), true, before.At}
	}
	return Memory{Replicas: defaultReplicas, Source: "nothing tells how many replicas ran before"}
}

// replicasRemembered asks the newest ReplicaSet and the Events. Only the newest revision counts: an older one going from
// n to 0 is what every rollout does.
func replicasRemembered(s *snapshot.Snapshot) Memory {
	if len(s.ReplicaSets) == 0 {
		return Memory{}
	}
	newest := &s.ReplicaSets[0]
	// The deployment controller has not acted on the zero yet.
	if n, err := strconv.ParseInt(newest.Annotations[annotationDesired], 10, 32); err == nil && n > 0 {
		return Memory{int32(n), fmt.Sprintf("ReplicaSet %s was last made for %d", newest.Name, n), true, time.Time{}}
	}
	for i := range s.Events { // newest first
		event := &s.Events[i]
		n, ok := scaledDown(event, newest)
		if ok && event.InvolvedObject.UID == s.Workload.Object.GetUID() {
			at := snapshot.EventTime(event)
			return Memory{n, fmt.Sprintf("Event at %s: %s", words.TimeOfDay(at, s.Now), event.Message), true, at}
		}
	}
	return Memory{}
}

// scaleDownMessage is the deployment controller's message. Older versions put "from n" at the end
// (kubernetes/kubernetes pkg/controller/deployment/sync.go, scaleReplicaSet).
var scaleDownMessage = regexp.MustCompile(`\AScaled down replica set (\S+) (?:from (\d{1,9}) to 0|to 0 from (\d{1,9}))\z`)

// scaledDown reads the count from the Event that tells of a ReplicaSet's way to 0.
func scaledDown(event *corev1.Event, rs *appsv1.ReplicaSet) (int32, bool) {
	if event.Reason != "ScalingReplicaSet" {
		return 0, false
	}
	name, count, ok := parseScaleDown(event.Message)
	return count, ok && name == rs.Name
}

func parseScaleDown(message string) (replicaSet string, count int32, ok bool) {
	match := scaleDownMessage.FindStringSubmatch(message)
	if match == nil {
		return "", 0, false
	}
	n, err := strconv.ParseInt(match[2]+match[3], 10, 32) // one of the two is empty
	if err != nil || n < 1 || n > maxEventReplicas {
		return "", 0, false
	}
	return match[1], int32(n), true
}

// replicasApplied reads spec.replicas of a manifest as `kubectl apply` keeps it. A manifest without a count means 1, but
// so does not knowing, so it is left to the default.
func replicasApplied(manifest string) int32 {
	var applied struct {
		Spec struct {
			Replicas int32 `json:"replicas"`
		} `json:"spec"`
	}
	if err := json.Unmarshal([]byte(manifest), &applied); err != nil {
		return 0
	}
	return max(0, applied.Spec.Replicas)
}
