// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package snapshot

import (
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

// The kinds that are read.
const (
	KindService                 = string(v1alpha1.KindService)
	KindEndpointSlice           = "EndpointSlice"
	KindDeployment              = string(v1alpha1.KindDeployment)
	KindStatefulSet             = string(v1alpha1.KindStatefulSet)
	KindDaemonSet               = string(v1alpha1.KindDaemonSet)
	KindReplicaSet              = "ReplicaSet"
	KindControllerRevision      = "ControllerRevision"
	KindPod                     = "Pod"
	KindEvent                   = "Event"
	KindConfigMap               = "ConfigMap"
	KindSecret                  = "Secret"
	KindServiceAccount          = "ServiceAccount"
	KindPersistentVolumeClaim   = "PersistentVolumeClaim"
	KindPersistentVolume        = "PersistentVolume"
	KindStorageClass            = "StorageClass"
	KindNode                    = "Node"
	KindLease                   = "Lease"
	KindNamespace               = "Namespace"
	KindResourceQuota           = "ResourceQuota"
	KindLimitRange              = "LimitRange"
	KindNetworkPolicy           = "NetworkPolicy"
	KindHorizontalPodAutoscaler = "HorizontalPodAutoscaler"
	KindPodDisruptionBudget     = "PodDisruptionBudget"
	KindIngress                 = "Ingress"
	KindHTTPRoute               = "HTTPRoute"
	KindPodMetrics              = "PodMetrics"

	// KindPodElsewhere are the pods of every other namespace, which use the nodes too.
	KindPodElsewhere = "Pod of another namespace"
)

// SystemNamespace is where the parts of the cluster itself run.
const SystemNamespace = metav1.NamespaceSystem

// Objects are what was read, from a cluster or from a file, as it was read: the lists need no order. They may hold
// more than one namespace. A Snapshot is assembled from them without any further reading.
type Objects struct {
	Services        []corev1.Service
	EndpointSlices  []discoveryv1.EndpointSlice
	Deployments     []appsv1.Deployment
	StatefulSets    []appsv1.StatefulSet
	DaemonSets      []appsv1.DaemonSet
	ReplicaSets     []appsv1.ReplicaSet
	Pods            []corev1.Pod
	Events          []corev1.Event
	ConfigMaps      []corev1.ConfigMap
	Secrets         []Secret
	ServiceAccounts []corev1.ServiceAccount
	Claims          []corev1.PersistentVolumeClaim
	Volumes         []corev1.PersistentVolume
	StorageClasses  []storagev1.StorageClass
	Nodes           []corev1.Node
	Leases          []coordinationv1.Lease
	Namespaces      []corev1.Namespace
	Quotas          []corev1.ResourceQuota
	LimitRanges     []corev1.LimitRange
	NetworkPolicies []networkingv1.NetworkPolicy
	Autoscalers     []autoscalingv2.HorizontalPodAutoscaler
	Budgets         []policyv1.PodDisruptionBudget
	Ingresses       []networkingv1.Ingress
	HTTPRoutes      []HTTPRoute
	PodMetrics      []PodMetrics
	// ControllerRevisions are the earlier templates of StatefulSets and DaemonSets.
	ControllerRevisions []appsv1.ControllerRevision
	// Gaps and Unread as in Snapshot.
	Gaps, Unread []string
}

// Secret is what may be known of a Secret: that it is there, and the names of its keys. Its values are dropped where it
// is read, and nothing in this program can hold them.
type Secret struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Type              corev1.SecretType `json:"type,omitempty"`
	// Keys in order.
	Keys []string `json:"keys,omitempty"`
}

// HTTPRoute is what routing needs of a gateway.networking.k8s.io HTTPRoute: the backends, in order.
type HTTPRoute struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              HTTPRouteSpec `json:"spec"`
}

// HTTPRouteSpec holds the rules of an HTTPRoute.
type HTTPRouteSpec struct {
	Hostnames []string        `json:"hostnames,omitempty"`
	Rules     []HTTPRouteRule `json:"rules,omitempty"`
}

// HTTPRouteRule holds the backends of one rule.
type HTTPRouteRule struct {
	BackendRefs []BackendRef `json:"backendRefs,omitempty"`
}

// BackendRef names a backend. An empty kind means a Service (Gateway API, BackendObjectReference).
type BackendRef struct {
	Kind      string `json:"kind,omitempty"`
	Name      string `json:"name"`
	Namespace string `json:"namespace,omitempty"`
	Port      int32  `json:"port,omitempty"`
}

// PodMetrics is the measured usage of a pod's containers (metrics.k8s.io).
type PodMetrics struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Timestamp         metav1.Time        `json:"timestamp"`
	Window            metav1.Duration    `json:"window"`
	Containers        []ContainerMetrics `json:"containers"`
}

// ContainerMetrics is the usage of one container.
type ContainerMetrics struct {
	Name  string              `json:"name"`
	Usage corev1.ResourceList `json:"usage"`
}

// Complete reports whether every object of the kind was read, so that a missing one is known not to exist.
func (o *Objects) Complete(kind string) bool { return !slices.Contains(o.Unread, kind) }

// Join adds what was read beside.
func (o *Objects) Join(later *Objects) {
	o.Services = append(o.Services, later.Services...)
	o.EndpointSlices = append(o.EndpointSlices, later.EndpointSlices...)
	o.Deployments = append(o.Deployments, later.Deployments...)
	o.StatefulSets = append(o.StatefulSets, later.StatefulSets...)
	o.DaemonSets = append(o.DaemonSets, later.DaemonSets...)
	o.ReplicaSets = append(o.ReplicaSets, later.ReplicaSets...)
	o.Pods = append(o.Pods, later.Pods...)
	o.Events = append(o.Events, later.Events...)
	o.ConfigMaps = append(o.ConfigMaps, later.ConfigMaps...)
	o.Secrets = append(o.Secrets, later.Secrets...)
	o.ServiceAccounts = append(o.ServiceAccounts, later.ServiceAccounts...)
	o.Claims = append(o.Claims, later.Claims...)
	o.Volumes = append(o.Volumes, later.Volumes...)
	o.StorageClasses = append(o.StorageClasses, later.StorageClasses...)
	o.Nodes = append(o.Nodes, later.Nodes...)
	o.Leases = append(o.Leases, later.Leases...)
	o.Namespaces = append(o.Namespaces, later.Namespaces...)
	o.Quotas = append(o.Quotas, later.Quotas...)
	o.LimitRanges = append(o.LimitRanges, later.LimitRanges...)
	o.NetworkPolicies = append(o.NetworkPolicies, later.NetworkPolicies...)
	o.Autoscalers = append(o.Autoscalers, later.Autoscalers...)
	o.Budgets = append(o.Budgets, later.Budgets...)
	o.Ingresses = append(o.Ingresses, later.Ingresses...)
	o.HTTPRoutes = append(o.HTTPRoutes, later.HTTPRoutes...)
	o.PodMetrics = append(o.PodMetrics, later.PodMetrics...)
	o.ControllerRevisions = append(o.ControllerRevisions, later.ControllerRevisions...)
	o.Gaps = append(o.Gaps, later.Gaps...)
	o.Unread = append(o.Unread, later.Unread...)
}
