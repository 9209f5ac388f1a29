// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package gather

import (
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
)

// firstReads are what every diagnosis needs: the way from the Service to its pods, and who scales them. One round trip,
// one list a kind.
func firstReads(o *snapshot.Objects, reader client.Reader, namespace string) []read {
	in := client.InNamespace(namespace)
	return []read{
		listInto(snapshot.KindService, reader, &o.Services, func(l *corev1.ServiceList) []corev1.Service { return l.Items }, whole, in),
		listInto(snapshot.KindEndpointSlice, reader, &o.EndpointSlices, func(l *discoveryv1.EndpointSliceList) []discoveryv1.EndpointSlice { return l.Items }, light, in),
		listInto(snapshot.KindDeployment, reader, &o.Deployments, func(l *appsv1.DeploymentList) []appsv1.Deployment { return l.Items }, whole, in),
		listInto(snapshot.KindStatefulSet, reader, &o.StatefulSets, func(l *appsv1.StatefulSetList) []appsv1.StatefulSet { return l.Items }, whole, in),
		listInto(snapshot.KindDaemonSet, reader, &o.DaemonSets, func(l *appsv1.DaemonSetList) []appsv1.DaemonSet { return l.Items }, whole, in),
		listInto(snapshot.KindReplicaSet, reader, &o.ReplicaSets, func(l *appsv1.ReplicaSetList) []appsv1.ReplicaSet { return l.Items }, light, in),
		listInto(snapshot.KindPod, reader, &o.Pods, func(l *corev1.PodList) []corev1.Pod { return l.Items }, light, in),
		listInto(snapshot.KindHorizontalPodAutoscaler, reader, &o.Autoscalers, func(l *autoscalingv2.HorizontalPodAutoscalerList) []autoscalingv2.HorizontalPodAutoscaler {
			return l.Items
		}, light, in),
		eventsInto(&o.Events, reader, namespace),
	}
}

// laterKinds are read only where the first reads show a reason (follow.go). Until then nothing is known of them.
func laterKinds() []string {
	return []string{
		snapshot.KindConfigMap, snapshot.KindSecret, snapshot.KindServiceAccount, snapshot.KindPersistentVolumeClaim,
		snapshot.KindPersistentVolume, snapshot.KindStorageClass, snapshot.KindNode, snapshot.KindLease, snapshot.KindNamespace,
		snapshot.KindResourceQuota, snapshot.KindLimitRange, snapshot.KindNetworkPolicy, snapshot.KindPodDisruptionBudget,
		snapshot.KindIngress, snapshot.KindHTTPRoute, snapshot.KindPodMetrics, snapshot.KindPodElsewhere,
	}
}

// whole keeps an object as it is: who wrote which field is evidence.
func whole[T any](*T) {}

// light drops who wrote which field, about a third of an object, where nobody asks for it.
func light[T any, P interface {
	*T
	metav1.Object
}](object *T) {
	P(object).SetManagedFields(nil)
}
