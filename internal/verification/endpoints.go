// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package verification

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/diagnosis/words"
)

// address is where one endpoint of a Service answers.
type address struct {
	pod, ip string
	ports   []discoveryv1.EndpointPort
}

// port is the number behind a port of the Service: slices name their ports as the Service does.
func (a address) port(name string) (int32, bool) {
	for _, published := range a.ports {
		if ptr.Deref(published.Name, "") == name && published.Port != nil {
			return *published.Port, true
		}
	}
	return 0, false
}

// endpoints looks whether a pod of the workload is a ready endpoint of the Service. Those of other pods, of pods that are
// gone, or of a pod that had the same name before, prove nothing.
func (l *look) endpoints(ctx context.Context) (v1alpha1.CheckResult, error) {
	var service corev1.Service
	err := l.Reader.Get(ctx, types.NamespacedName{Namespace: l.target.Namespace, Name: l.target.Service}, &service)
	if apierrors.IsNotFound(err) {
		return failed(CheckEndpoints, fmt.Sprintf("Service %s is gone", l.target.Service)), nil
	}
	if err != nil {
		return v1alpha1.CheckResult{}, fmt.Errorf("reading Service %s: %w", l.target.Service, err)
	}
	l.service = &service
	if snapshot.HasSelector(&service) && len(snapshot.Keep(l.pods, func(pod *corev1.Pod) bool { return snapshot.Selects(&service, pod.Labels) })) == 0 {
		return failed(CheckEndpoints, fmt.Sprintf("Service %s selects %s, and no pod of %s has these labels", service.Name, words.ShowLabels(service.Spec.Selector), l.live)), nil
	}
	var slices discoveryv1.EndpointSliceList
	err = l.Reader.List(ctx, &slices, client.InNamespace(l.target.Namespace), client.MatchingLabels{discoveryv1.LabelServiceName: l.target.Service})
	if err != nil {
		return v1alpha1.CheckResult{}, fmt.Errorf("listing the endpoint slices of Service %s: %w", l.target.Service, err)
	}
	return l.judgeEndpoints(slices.Items), nil
}

func (l *look) judgeEndpoints(slices []discoveryv1.EndpointSlice) v1alpha1.CheckResult {
	own, others := 0, 0
	for _, slice := range slices {
		for _, endpoint := range slice.Endpoints {
			// nil means ready (EndpointSlice API, EndpointConditions.Ready).
			if endpoint.Conditions.Ready != nil && !*endpoint.Conditions.Ready || len(endpoint.Addresses) == 0 {
				continue
			}
			pod := l.podAt(endpoint)
			if pod == nil {
				others++
				continue
			}
			own++
			l.own = address{pod: pod.Name, ip: endpoint.Addresses[0], ports: slice.Ports}
		}
	}
	l.mixed = others > 0
	switch {
	case own == 0 && others == 0:
		return pending(CheckEndpoints, "no ready endpoint is published yet")
	case own == 0:
		return pending(CheckEndpoints, fmt.Sprintf("%d ready, and none of them is a pod of %s", others, l.live))
	case others > 0:
		return passed(CheckEndpoints, fmt.Sprintf("%d ready, and %d beside them that are no pods of %s", own, others, l.live))
	default:
		return passed(CheckEndpoints, fmt.Sprintf("%d ready", own))
	}
}

// podAt is the workload's pod that an endpoint is. The pods of a StatefulSet keep their names, so the UID counts where the
// endpoint has one; an endpoint that names no object is known by its address.
func (l *look) podAt(endpoint discoveryv1.Endpoint) *corev1.Pod {
	for i := range l.pods {
		pod := &l.pods[i]
		if ref := endpoint.TargetRef; ref != nil {
			if ref.Kind == "Pod" && ref.Name == pod.Name && (ref.UID == "" || ref.UID == pod.UID) {
				return pod
			}
			continue
		}
		for _, ip := range snapshot.BackendOf(pod).IPs {
			if ip == endpoint.Addresses[0] {
				return pod
			}
		}
	}
	return nil
}
