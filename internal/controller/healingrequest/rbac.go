// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package healingrequest

// What a heal may do, in a role of the operator, and why. What a diagnosis may read is in internal/gather.

// Requests are worked on as they come, and each is held against all others: one a target, so many at once.
// +kubebuilder:rbac:groups=healing.cortex.dev,resources=healingrequests,verbs=list;watch

// The plan before it is carried out, and all that is found and done. Of a request nothing else is written.
// +kubebuilder:rbac:groups=healing.cortex.dev,resources=healingrequests/status,verbs=patch

// Policies bound what is done, and a change of one wakes the requests that it held back.
// +kubebuilder:rbac:groups=healing.cortex.dev,resources=healingpolicies,verbs=list;watch

// A change of the workload, of its pods or of their endpoints wakes the request that waits for it. Of all of them only metadata
// is watched.
// +kubebuilder:rbac:groups=apps,resources=deployments;statefulsets;daemonsets,verbs=list;watch
// +kubebuilder:rbac:groups="",resources=pods,verbs=list;watch
// +kubebuilder:rbac:groups=discovery.k8s.io,resources=endpointslices,verbs=list;watch

// The live object is looked at right before it is changed, and again while it is verified.
// +kubebuilder:rbac:groups=apps,resources=deployments;statefulsets;daemonsets,verbs=get
// +kubebuilder:rbac:groups="",resources=services,verbs=get
// +kubebuilder:rbac:groups="",resources=pods,verbs=list
// +kubebuilder:rbac:groups=discovery.k8s.io,resources=endpointslices,verbs=list

// The storm brake counts the opted-in Services of the namespace that have no ready endpoint.
// +kubebuilder:rbac:groups="",resources=services,verbs=list
// +kubebuilder:rbac:groups=discovery.k8s.io,resources=endpointslices,verbs=list

// Each end and each change is told on the request and on the Service. Each is an Event of its own: it names the request with the
// resourceVersion that tells of it, so that there is none to count it on (client-go would patch one that is told again).
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create
