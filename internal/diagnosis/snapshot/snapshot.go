// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

// Package snapshot is what a diagnosis looks at: one target's part of what was read, and the questions that checks ask of
// it. It does no I/O.
package snapshot

import (
	"slices"
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
	// Unprobed: no handshake is possible from where this is looked at, so the objects alone must tell.
	Unprobed bool
	// LogGaps are the logs that could not be read, and why.
	LogGaps []string
	// All that was read, of every namespace and kind. The methods of Snapshot find in it what belongs to the target.
	All *Objects
}

// ContainerKey names a container of a pod of the snapshot's namespace.
type ContainerKey struct{ Pod, Container string }

// ContainerLog is the end of a container's output, redacted and bounded.
type ContainerLog struct {
	// Current run and the Previous one, which is the one that crashed.
	Current, Previous string
}

// Complete reports whether every object of the kind was read, so that a missing one is known not to exist.
func (s *Snapshot) Complete(kind string) bool { return s.All.Complete(kind) }

// Gaps are what could not be read, and why. A gap is never a finding.
func (s *Snapshot) Gaps() []string { return slices.Concat(s.All.Gaps, s.LogGaps) }

// Again assembles the snapshot anew, after more was read. What was asked of the target itself stays.
func (s *Snapshot) Again() *Snapshot {
	again := Assemble(s.Namespace, s.Target, s.All)
	again.Now, again.Error, again.Unprobed = s.Now, s.Error, s.Unprobed
	again.Logs, again.LogGaps, again.Handshake = s.Logs, s.LogGaps, s.Handshake
	return again
}
