// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package gather

import (
	"context"
	"slices"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
)

// dnsService is the name of the cluster's DNS Service in every distribution (kubernetes.io/docs, "Customizing DNS Service").
const dnsService = "kube-dns"

// schedulerLease is what the scheduler that leads renews (kube-scheduler, --leader-elect-resource-name).
const schedulerLease = "kube-scheduler"

// systemReads are the parts of the cluster that carry the pods: nodes, their leases and events, DNS, and what runs in
// kube-system. They go into a set of their own, beside what is read of the target's namespace at the same time.
func (g *Gatherer) systemReads(o *snapshot.Objects, namespace string, needs needs) []read {
	leases := []types.NamespacedName{{Namespace: snapshot.SystemNamespace, Name: schedulerLease}}
	var nodes []types.NamespacedName
	for _, node := range needs.nodes {
		nodes = append(nodes, types.NamespacedName{Name: node})
		leases = append(leases, types.NamespacedName{Namespace: corev1.NamespaceNodeLease, Name: node})
	}
	nodeRead := getInto(snapshot.KindNode, g.Reader, &o.Nodes, lightNode, nodes...)
	if needs.unscheduled {
		nodeRead = listInto(snapshot.KindNode, g.Reader, &o.Nodes, func(l *corev1.NodeList) []corev1.Node { return l.Items }, lightNode)
	}
	reads := []read{
		nodeRead,
		getInto(snapshot.KindLease, g.Reader, &o.Leases, whole, leases...),
		listInto("Event of a node", g.Reader, &o.Events, func(l *corev1.EventList) []corev1.Event { return l.Items }, light,
			client.InNamespace(metav1.NamespaceDefault), client.MatchingFields{"involvedObject.kind": snapshot.KindNode}),
	}
	if needs.elsewhere {
		return append(reads, g.podsElsewhere(o, namespace))
	}
	if namespace == snapshot.SystemNamespace {
		return reads
	}
	system := client.InNamespace(snapshot.SystemNamespace)
	ofDNS := client.MatchingLabels{discoveryv1.LabelServiceName: dnsService}
	return append(reads,
		listInto("Pod of kube-system", g.Reader, &o.Pods, func(l *corev1.PodList) []corev1.Pod { return l.Items }, light, system),
		getInto("Service of kube-system", g.Reader, &o.Services, light, types.NamespacedName{Namespace: snapshot.SystemNamespace, Name: dnsService}),
		listInto("EndpointSlice of kube-system", g.Reader, &o.EndpointSlices, func(l *discoveryv1.EndpointSliceList) []discoveryv1.EndpointSlice { return l.Items }, light, system, ofDNS))
}

// podsElsewhere reads the pods of all other namespaces: they fill the nodes, and hold the places that an anti-affinity
// asks to be free.
func (g *Gatherer) podsElsewhere(o *snapshot.Objects, namespace string) read {
	var all []corev1.Pod
	list := listInto(snapshot.KindPodElsewhere, g.Reader, &all, func(l *corev1.PodList) []corev1.Pod { return l.Items }, placed)
	return read{list.kind, func(ctx context.Context) error {
		err := list.run(ctx)
		o.Pods = append(o.Pods, slices.DeleteFunc(all, func(pod corev1.Pod) bool { return pod.Namespace == namespace })...)
		return err
	}}
}

// placed keeps of a pod what it takes of its node, and of one of kube-system its status too.
func placed(pod *corev1.Pod) {
	pod.ManagedFields, pod.Annotations = nil, nil
	if pod.Namespace == snapshot.SystemNamespace {
		return
	}
	pod.Status = corev1.PodStatus{Phase: pod.Status.Phase}
	pod.Spec.Volumes = nil
	for _, containers := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range containers {
			c := &containers[i]
			containers[i] = corev1.Container{Name: c.Name, Resources: c.Resources, Ports: c.Ports, RestartPolicy: c.RestartPolicy}
		}
	}
}

// lightNode drops the images that a node has, most of its size. Who wrote its fields, and when, stays: it tells the API
// server's time of what the node's own clock says.
func lightNode(node *corev1.Node) { node.Status.Images = nil }

// routes reads the HTTPRoutes of the namespace, where the Gateway API is installed.
func (g *Gatherer) routes(o *snapshot.Objects, namespace string) read {
	of := schema.GroupVersionKind{Group: "gateway.networking.k8s.io", Version: "v1", Kind: snapshot.KindHTTPRoute}
	return loose(of, g.Reader, &o.HTTPRoutes, namespace)
}

// metrics reads what the pods use, where a metrics server is installed.
func (g *Gatherer) metrics(o *snapshot.Objects, namespace string) read {
	of := schema.GroupVersionKind{Group: "metrics.k8s.io", Version: "v1beta1", Kind: snapshot.KindPodMetrics}
	return loose(of, g.Reader, &o.PodMetrics, namespace)
}

// loose reads a kind of which only a part has a type here.
func loose[T any](of schema.GroupVersionKind, reader client.Reader, dst *[]T, namespace string) read {
	return read{of.Kind, func(ctx context.Context) error {
		list := &unstructured.UnstructuredList{}
		list.SetGroupVersionKind(of.GroupVersion().WithKind(of.Kind + "List"))
		if err := reader.List(ctx, list, client.InNamespace(namespace), client.Limit(pageSize)); err != nil {
			return err
		}
		for i := range list.Items {
			var one T
			if err := runtime.DefaultUnstructuredConverter.FromUnstructured(list.Items[i].Object, &one); err != nil {
				return err
			}
			*dst = append(*dst, one)
		}
		return nil
	}}
}
