// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package dump

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
)

// together are kinds that are dumped together or not at all: where one is, the absence of another means that there is
// none. `kubectl get all` has the first group, and who asks for a node's pods asks for its nodes.
var together = [][]string{
	{snapshot.KindDeployment, snapshot.KindStatefulSet, snapshot.KindDaemonSet},
}

// known are the kinds that a diagnosis looks at.
var known = []string{
	snapshot.KindService, snapshot.KindEndpointSlice, snapshot.KindDeployment, snapshot.KindStatefulSet, snapshot.KindDaemonSet,
	snapshot.KindReplicaSet, snapshot.KindPod, snapshot.KindEvent, snapshot.KindConfigMap, snapshot.KindSecret,
	snapshot.KindServiceAccount, snapshot.KindPersistentVolumeClaim, snapshot.KindPersistentVolume, snapshot.KindStorageClass,
	snapshot.KindNode, snapshot.KindLease, snapshot.KindNamespace, snapshot.KindResourceQuota, snapshot.KindLimitRange,
	snapshot.KindNetworkPolicy, snapshot.KindHorizontalPodAutoscaler, snapshot.KindPodDisruptionBudget, snapshot.KindIngress,
	snapshot.KindHTTPRoute, snapshot.KindPodMetrics,
}

// Objects gives what was read. A kind of which nothing was seen, not even an empty list, is a gap: that an object is not in
// the file does not mean that it did not exist.
func (r *Reader) Objects() *snapshot.Objects {
	o := r.objects
	if len(o.EndpointSlices) == 0 {
		o.EndpointSlices = r.endpoints // the same endpoints twice would count twice
	}
	seen := func(kind string) bool {
		if kind == snapshot.KindEndpointSlice && r.kinds["Endpoints"] {
			return true
		}
		return r.kinds[kind]
	}
	o.Gaps = slices.Clone(o.Gaps)
	o.Unread = slices.Clone(r.extra.Unread)
	if !r.kinds[snapshot.KindPodElsewhere] && !r.severalNamespaces() {
		o.Unread = append(o.Unread, snapshot.KindPodElsewhere)
	}
	for _, kind := range known {
		if slices.Contains(r.extra.Unread, kind) { // its gap is told already
			continue
		}
		if seen(kind) || slices.ContainsFunc(together, func(group []string) bool {
			return slices.Contains(group, kind) && slices.ContainsFunc(group, seen)
		}) {
			continue
		}
		o.Unread = append(o.Unread, kind)
		o.Gaps = append(o.Gaps, fmt.Sprintf("the file holds no %s", kind))
	}
	return &o
}

// severalNamespaces: who dumps the pods of more than one namespace mostly dumps them all.
func (r *Reader) severalNamespaces() bool {
	return slices.ContainsFunc(r.objects.Pods, func(pod corev1.Pod) bool { return pod.Namespace != r.objects.Pods[0].Namespace })
}

// Logs are the logs of a namespace's containers.
func (r *Reader) Logs(namespace string) map[snapshot.ContainerKey]snapshot.ContainerLog {
	return r.logsOf(namespace)
}
