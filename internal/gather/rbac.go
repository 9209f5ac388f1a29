// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package gather

// What a diagnosis may read, in a role of the operator, and why. Secrets are not among it: the kubelet's words prove that
// one is missing. A right that is taken away is a gap in what is told, and no error.

// The way from a Service to its pods, what became of these, and what they said.
// +kubebuilder:rbac:groups="",resources=services,verbs=get;list
// +kubebuilder:rbac:groups="",resources=pods;events,verbs=list
// +kubebuilder:rbac:groups="",resources=pods/log,verbs=get
// +kubebuilder:rbac:groups=apps,resources=deployments;statefulsets;daemonsets;replicasets,verbs=list
// +kubebuilder:rbac:groups=discovery.k8s.io,resources=endpointslices,verbs=list
// +kubebuilder:rbac:groups=autoscaling,resources=horizontalpodautoscalers,verbs=list

// What pods name: a missing one is told with the nearest name, a missing key with the keys that there are.
// +kubebuilder:rbac:groups="",resources=configmaps,verbs=get;list
// +kubebuilder:rbac:groups="",resources=serviceaccounts;persistentvolumeclaims;persistentvolumes,verbs=list
// +kubebuilder:rbac:groups=storage.k8s.io,resources=storageclasses,verbs=list

// What keeps pods from being made, and callers from getting to them.
// +kubebuilder:rbac:groups="",resources=namespaces,verbs=get
// +kubebuilder:rbac:groups="",resources=resourcequotas;limitranges,verbs=list
// +kubebuilder:rbac:groups=networking.k8s.io,resources=networkpolicies;ingresses,verbs=list
// +kubebuilder:rbac:groups=gateway.networking.k8s.io,resources=httproutes,verbs=list

// What a fix must not take away at once.
// +kubebuilder:rbac:groups=policy,resources=poddisruptionbudgets,verbs=list

// The earlier templates of a StatefulSet or a DaemonSet: those that its pods may still be of, and one that a rollback returns to.
// +kubebuilder:rbac:groups=apps,resources=controllerrevisions,verbs=list

// What carries pods: nodes, whether they and the scheduler still report, and what pods use.
// +kubebuilder:rbac:groups="",resources=nodes,verbs=get;list
// +kubebuilder:rbac:groups=coordination.k8s.io,resources=leases,verbs=get
// +kubebuilder:rbac:groups=metrics.k8s.io,resources=pods,verbs=list
