// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

// Package diagnosis finds out why a service does not answer. A gatherer does all the reading and fills a Snapshot;
// checks are pure functions of the Snapshot; rank puts causes before their symptoms.
package diagnosis

import (
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/mcpserver"
	"github.com/ry-ops/cortex/internal/workload"
)

// Snapshot is all that the checks may look at: one namespace's view of one target, read at one moment.
type Snapshot struct {
	// Now is the moment of reading. Checks measure ages against it, never against the wall clock.
	Now time.Time
	// Namespace and Target name what is diagnosed.
	Namespace string
	Target    v1alpha1.TargetReference
	// Error is the failure that the caller saw, if a caller did.
	Error *v1alpha1.ObservedError

	// Service is the target Service, or the one that selects the target workload; nil if there is none.
	Service *corev1.Service
	// EndpointSlices of the Service.
	EndpointSlices []discoveryv1.EndpointSlice
	// Workload that the Service leads to; nil if there is none.
	Workload *workload.Workload
	// Services are all Services of the namespace, by name.
	Services []corev1.Service
	// Workloads are all workloads of the namespace, by kind and name.
	Workloads []*workload.Workload
	// ReplicaSets of the Workload, newest revision first.
	ReplicaSets []appsv1.ReplicaSet
	// Pods of the Workload, newest first; without a Workload, the pods that the Service selects.
	Pods []corev1.Pod
	// Events about the Service, the Workload, its ReplicaSets and Pods, newest first.
	Events []corev1.Event
	// Logs are the last lines of the containers that matter.
	Logs map[ContainerKey]ContainerLog
	// Handshake is an MCP handshake through the Service; nil if none was tried.
	Handshake *mcpserver.Result
	// Gaps are what could not be read, and why. A gap is never a finding.
	Gaps []string
	// Unread are the kinds that were not read, or not wholly. Nothing may be concluded from the absence of an object
	// of such a kind: ask Complete first.
	Unread []string
}

// ContainerKey names a container of a pod of the snapshot's namespace.
type ContainerKey struct{ Pod, Container string }

// ContainerLog is the end of a container's output, redacted and bounded.
type ContainerLog struct {
	// Current run and the Previous one, which is the one that crashed.
	Current, Previous string
}

// Finding is a thing that is wrong, and what to do about it.
type Finding struct {
	v1alpha1.Finding
	// Recommendation says what a person should do: the exact object, field and value.
	Recommendation string
	// SuggestedPatch is a kubectl command that does it, where one line is enough.
	SuggestedPatch string
	// Replicas is the count to return to, for ScaledToZero.
	Replicas int32
	// Stuck: new pods would not come further than those that there are, so a restart is no remedy.
	Stuck bool
}

// Check looks for one family of causes. It must not keep or change the snapshot.
type Check func(*Snapshot) []Finding

// Diagnosis is the answer: one root cause, and all that was found.
type Diagnosis struct {
	// Cause is the first finding's, or Healthy, or Unknown.
	Cause v1alpha1.Cause
	// Summary tells the root cause and its evidence in one paragraph.
	Summary string
	// Steps tell people what was looked at and what was found, in order: "Checking pod status… 0 pods".
	Steps []string
	// Findings, the root cause first.
	Findings []Finding
	// Workload behind the target; nil if there is none.
	Workload *v1alpha1.ObjectReference
}
