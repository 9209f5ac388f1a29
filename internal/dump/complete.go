// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package dump

import (
	"fmt"
	"slices"
	"time"

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
	snapshot.KindNetworkPolicy, snapshot.KindHorizontalPodAutoscaler, snapshot.KindIngress, snapshot.KindHTTPRoute, snapshot.KindPodMetrics,
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
	for _, kind := range known {
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

// Logs are the logs of a namespace's containers.
func (r *Reader) Logs(namespace string) map[snapshot.ContainerKey]snapshot.ContainerLog {
	return r.logsOf(namespace)
}

// Time is when the file was written: what it says itself, or else the newest moment that any of its objects tells. It is
// the zero time if none tells one.
func (r *Reader) Time() time.Time {
	newest := r.extra.Time.Time
	later := func(moment time.Time) {
		if moment.After(newest) {
			newest = moment
		}
	}
	for i := range r.objects.Events {
		later(snapshot.EventTime(&r.objects.Events[i]))
	}
	for i := range r.objects.Pods {
		pod := &r.objects.Pods[i]
		later(pod.CreationTimestamp.Time)
		for _, condition := range pod.Status.Conditions {
			later(condition.LastTransitionTime.Time)
		}
		for _, container := range slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses) {
			if running := container.State.Running; running != nil {
				later(running.StartedAt.Time)
			}
			if ended := container.State.Terminated; ended != nil {
				later(ended.FinishedAt.Time)
			}
		}
	}
	for i := range r.objects.Nodes {
		for _, condition := range r.objects.Nodes[i].Status.Conditions {
			later(condition.LastHeartbeatTime.Time)
		}
	}
	for i := range r.objects.Leases {
		if renewed := r.objects.Leases[i].Spec.RenewTime; renewed != nil {
			later(renewed.Time)
		}
	}
	for i := range r.objects.Deployments {
		for _, condition := range r.objects.Deployments[i].Status.Conditions {
			later(condition.LastUpdateTime.Time)
		}
	}
	return newest
}
