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

// closedPath tells why a handshake says nothing about the server, if that is so: it asks for a credential, which the gateway may
// have and the operator has not; or no connection came about, and a NetworkPolicy closes the operator's way, or the kubelet has one
// to every pod at that very moment. A caller whose own time is up is told nothing: that alone may be why no connection came about.
func (l *look) closedPath(ctx context.Context, result mcpserver.Result, port corev1.ServicePort) (string, error) {
	if result.Class == v1alpha1.ErrorUnauthorized {
		l.pathClosed, l.recheck = true, 0
		return "the operator has none", nil
	}
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
		self, err := l.ownPod(ctx)
		if self == nil {
			return "", err // who asks is not known, so neither is who is let in
		}
		way.From = self
	}
	for _, namespace := range distinct(l.target.Namespace, l.Self.Namespace) {
		var policies networkingv1.NetworkPolicyList
		if err := l.Reader.List(ctx, &policies, client.InNamespace(namespace)); err != nil && !unseen(err) {
			return "", fmt.Errorf("listing the network policies of %s: %w", namespace, err)
		}
		way.Policies = append(way.Policies, policies.Items...)
		var labelled corev1.Namespace
		err := l.Reader.Get(ctx, types.NamespacedName{Name: namespace}, &labelled)
		switch {
		case err == nil:
			way.Namespaces = append(way.Namespaces, labelled)
		case !unseen(err):
			return "", fmt.Errorf("reading namespace %s: %w", namespace, err)
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

// ownPod is the operator's own pod, if it finds that. It looks through the pods of its namespace, which it may list as any.
func (l *look) ownPod(ctx context.Context) (*corev1.Pod, error) {
	var pods corev1.PodList
	if err := l.Reader.List(ctx, &pods, client.InNamespace(l.Self.Namespace)); err != nil && !unseen(err) {
		return nil, fmt.Errorf("listing the pods of %s: %w", l.Self.Namespace, err)
	}
	for i := range pods.Items {
		if pods.Items[i].Name == l.Self.Name {
			return &pods.Items[i], nil
		}
	}
	return nil, nil
}

// unseen reports whether something is missing, or out of the operator's sight: nothing is concluded from it.
func unseen(err error) bool { return apierrors.IsNotFound(err) || apierrors.IsForbidden(err) }

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
