// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package gather

import (
	"context"
	"errors"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
)

const (
	// pageSize and maxPages bound one list to 2000 objects. A namespace that holds more of a kind is read in part, and
	// the snapshot says so.
	pageSize = 500
	maxPages = 4
)

var errTruncated = errors.New("there are too many to read them all")

// kindRead fills one list of objects.
type kindRead struct {
	kind string
	run  func(context.Context) error
}

// reads are the lists to make. Each writes to a field of its own, so they may run at once.
func reads(o *snapshot.Objects, reader client.Reader, namespace string, target v1alpha1.TargetReference) []kindRead {
	in := client.InNamespace(namespace)
	return []kindRead{
		{snapshot.KindService, listInto(reader, &o.Services, func(l *corev1.ServiceList) []corev1.Service { return l.Items }, in)},
		{snapshot.KindEndpointSlice, listInto(reader, &o.EndpointSlices, func(l *discoveryv1.EndpointSliceList) []discoveryv1.EndpointSlice { return l.Items }, in, slicesOf(target))},
		{snapshot.KindDeployment, listInto(reader, &o.Deployments, func(l *appsv1.DeploymentList) []appsv1.Deployment { return l.Items }, in)},
		{snapshot.KindStatefulSet, listInto(reader, &o.StatefulSets, func(l *appsv1.StatefulSetList) []appsv1.StatefulSet { return l.Items }, in)},
		{snapshot.KindDaemonSet, listInto(reader, &o.DaemonSets, func(l *appsv1.DaemonSetList) []appsv1.DaemonSet { return l.Items }, in)},
		{snapshot.KindReplicaSet, listInto(reader, &o.ReplicaSets, func(l *appsv1.ReplicaSetList) []appsv1.ReplicaSet { return l.Items }, in)},
		{snapshot.KindPod, listInto(reader, &o.Pods, func(l *corev1.PodList) []corev1.Pod { return l.Items }, in)},
		{snapshot.KindEvent, listInto(reader, &o.Events, func(l *corev1.EventList) []corev1.Event { return l.Items }, in)},
	}
}

// slicesOf narrows the EndpointSlices to a target Service. Which Service a workload belongs to is not known before the
// Services are read, so for a workload all slices are. A Service's name is a DNS label (RFC 1035), as a label's value
// is; a longer name can be no Service's.
func slicesOf(target v1alpha1.TargetReference) client.MatchingLabels {
	if target.Kind != v1alpha1.KindService || len(validation.IsValidLabelValue(target.Name)) > 0 {
		return nil
	}
	return client.MatchingLabels{discoveryv1.LabelServiceName: target.Name}
}

// listInto returns a read of one kind into dst, page by page. What was read before an error stays.
func listInto[T, L any, P interface {
	*L
	client.ObjectList
}](reader client.Reader, dst *[]T, items func(P) []T, opts ...client.ListOption) func(context.Context) error {
	return func(ctx context.Context) error {
		var next string
		for range maxPages {
			page := P(new(L)) // a new one a page: decoding into the old one would overwrite what was kept of it
			if err := reader.List(ctx, page, append(opts, client.Limit(pageSize), client.Continue(next))...); err != nil {
				return err
			}
			*dst = append(*dst, items(page)...)
			if next = page.GetContinue(); next == "" {
				return nil
			}
		}
		return fmt.Errorf("only %d were read: %w", len(*dst), errTruncated)
	}
}
