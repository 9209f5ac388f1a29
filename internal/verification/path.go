// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package verification

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/routing"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/mcpserver"
)

// Of what the operator may not see it concludes nothing.
// +kubebuilder:rbac:groups=networking.k8s.io,resources=networkpolicies,verbs=list
// +kubebuilder:rbac:groups="",resources=namespaces;pods,verbs=get

// closedPath tells why a handshake says nothing about the server, if that is so: no connection came about, and a
// NetworkPolicy closes the operator's way, or the kubelet has one to every pod at that very moment. A caller whose own time is up is told nothing: that alone may be why no connection came about.
func (l *look) closedPath(ctx context.Context, result mcpserver.Result, port corev1.ServicePort) (string, error) {
	if ctx.Err() != nil || result.Accepted || result.Class != v1alpha1.ErrorTimeout && !result.NoRoute {
		return "", nil
	}
	why, err := l.closedByPolicy(ctx, port)
	if err != nil {
		return "", err
	}
	if why != "" {
		l.pathClosed, l.recheck = true, 0
		return why, nil
	}
	if l.probed(port) {
		l.pathClosed = true
		return "every pod is ready by a probe of that very port, so the operator's own way seems closed", nil
	}
	return "", nil
}

// closedByPolicy names the NetworkPolicies that close the operator's way to a pod of the workload.
func (l *look) closedByPolicy(ctx context.Context, port corev1.ServicePort) (string, error) {
	way := routing.Way{Who: "the operator", Port: port}
	if l.Self.Name != "" {
		way.From = &corev1.Pod{}
		if known, err := l.read(ctx, l.Self, way.From); !known {
			return "", err // who asks is not known, so neither is who is let in
		}
	}
	for _, namespace := range distinct(l.target.Namespace, l.Self.Namespace) {
		var policies networkingv1.NetworkPolicyList
		if err := l.Reader.List(ctx, &policies, client.InNamespace(namespace)); err != nil && !apierrors.IsForbidden(err) {
			return "", fmt.Errorf("listing the network policies of %s: %w", namespace, err)
		}
		way.Policies = append(way.Policies, policies.Items...)
		var labelled corev1.Namespace
		known, err := l.read(ctx, types.NamespacedName{Name: namespace}, &labelled)
		if err != nil {
			return "", err
		}
		if known {
			way.Namespaces = append(way.Namespaces, labelled)
		}
	}
	for i := range l.pods {
		way.To = &l.pods[i]
		if why, closed := way.Closed(); closed {
			return why, nil
		}
	}
	return "", nil
}

// read reads an object that may be missing, or out of the operator's sight.
func (l *look) read(ctx context.Context, key types.NamespacedName, obj client.Object) (bool, error) {
	err := l.Reader.Get(ctx, key, obj)
	if apierrors.IsNotFound(err) || apierrors.IsForbidden(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("reading %T %s: %w", obj, key, err)
	}
	return true, nil
}

func distinct(a, b string) []string {
	if b == "" || a == b {
		return []string{a}
	}
	return []string{a, b}
}

// probed reports whether every pod is ready by a readiness probe that goes over the network to the port of the handshake.
func (l *look) probed(port corev1.ServicePort) bool {
	for i := range l.pods {
		pod := &l.pods[i]
		number, known := snapshot.PortOf(port, &pod.Spec)
		if !known || !snapshot.IsReady(pod) || !probedAt(pod, number) {
			return false
		}
	}
	return len(l.pods) > 0
}

func probedAt(pod *corev1.Pod, number int32) bool {
	for _, container := range snapshot.LongRunning(&pod.Spec) {
		if probe := container.ReadinessProbe; probe != nil && portOf(probe.ProbeHandler, container) == number {
			return true
		}
	}
	return false
}

// portOf is the port that a probe connects to; 0 if it connects to none.
func portOf(handler corev1.ProbeHandler, container corev1.Container) int32 {
	switch {
	case handler.HTTPGet != nil && handler.HTTPGet.Host == "":
		return numberOf(handler.HTTPGet.Port, container)
	case handler.TCPSocket != nil && handler.TCPSocket.Host == "":
		return numberOf(handler.TCPSocket.Port, container)
	case handler.GRPC != nil:
		return handler.GRPC.Port
	default:
		return 0
	}
}

func numberOf(port intstr.IntOrString, container corev1.Container) int32 {
	if port.Type == intstr.Int {
		return port.IntVal
	}
	for _, declared := range container.Ports {
		if declared.Name == port.StrVal {
			return declared.ContainerPort
		}
	}
	return 0
}
