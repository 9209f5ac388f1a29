// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package verification_test

import (
	"context"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/mcpserver"
	"github.com/ry-ops/cortex/internal/verification"
)

var since = time.Date(2026, 11, 23, 3, 0, 0, 500_000_000, time.UTC)

type prober struct {
	result mcpserver.Result
	calls  int
}

func (p *prober) Probe(context.Context, mcpserver.Endpoint) mcpserver.Result {
	p.calls++
	return p.result
}

func meta(name string, labels map[string]string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: "ns", Name: name, Labels: labels, Generation: 2}
}

func deployment(available int32) client.Object {
	labels := map[string]string{"app": "sandfly"}
	return &appsv1.Deployment{
		ObjectMeta: meta("sandfly", nil),
		Spec:       appsv1.DeploymentSpec{Replicas: ptr.To[int32](1), Selector: &metav1.LabelSelector{MatchLabels: labels}},
		Status:     appsv1.DeploymentStatus{ObservedGeneration: 2, Replicas: 1, UpdatedReplicas: 1, AvailableReplicas: available},
	}
}

func slice(ready bool) client.Object {
	return &discoveryv1.EndpointSlice{
		ObjectMeta: meta("sandfly-x", map[string]string{discoveryv1.LabelServiceName: "sandfly"}),
		Endpoints:  []discoveryv1.Endpoint{{Addresses: []string{"10.244.0.9"}, Conditions: discoveryv1.EndpointConditions{Ready: &ready}}},
	}
}

func service() client.Object {
	return &corev1.Service{ObjectMeta: meta("sandfly", nil), Spec: corev1.ServiceSpec{ClusterIP: "10.96.0.9", Ports: []corev1.ServicePort{{Port: 3000}}}}
}

func pod(created time.Time, waiting string) client.Object {
	p := &corev1.Pod{ObjectMeta: meta("sandfly-1", map[string]string{"app": "sandfly"})}
	p.CreationTimestamp = metav1.NewTime(created.Truncate(time.Second))
	p.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "server", State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: waiting}}}}
	return p
}

func TestVerify(t *testing.T) {
	passed := mcpserver.Result{Verdict: v1alpha1.VerdictPassed, Message: "answered"}
	refused := mcpserver.Result{Verdict: v1alpha1.VerdictFailed, Message: "connection refused"}
	tests := map[string]struct {
		objects    []client.Object
		handshake  mcpserver.Result
		verdict    v1alpha1.Verdict
		last       string
		message    string
		handshakes int
	}{
		"all passes": {
			objects: []client.Object{deployment(1), slice(true), service()}, handshake: passed,
			verdict: v1alpha1.VerdictPassed, last: verification.CheckHandshake, message: "answered", handshakes: 1,
		},
		"rollout still going on": {
			objects: []client.Object{deployment(0), slice(true), service()}, handshake: passed,
			verdict: v1alpha1.VerdictUnknown, last: verification.CheckRollout, message: "0 of 1 replicas available",
		},
		"a new pod crashes again": {
			objects: []client.Object{deployment(0), pod(since, "CrashLoopBackOff")},
			verdict: v1alpha1.VerdictFailed, last: verification.CheckRollout, message: "new pod sandfly-1, container server: CrashLoopBackOff",
		},
		"an old pod that crashes does not speak for the fix": {
			objects: []client.Object{deployment(0), pod(since.Add(-time.Minute), "CrashLoopBackOff")},
			verdict: v1alpha1.VerdictUnknown, last: verification.CheckRollout, message: "0 of 1 replicas available",
		},
		"a new pod that is being created has time": {
			objects: []client.Object{deployment(0), pod(since, "ContainerCreating")},
			verdict: v1alpha1.VerdictUnknown, last: verification.CheckRollout, message: "0 of 1 replicas available",
		},
		"endpoints not published": {
			objects: []client.Object{deployment(1), slice(false), service()}, handshake: passed,
			verdict: v1alpha1.VerdictUnknown, last: verification.CheckEndpoints, message: "no ready endpoint is published yet",
		},
		"handshake refused": {
			objects: []client.Object{deployment(1), slice(true), service()}, handshake: refused,
			verdict: v1alpha1.VerdictUnknown, last: verification.CheckHandshake, message: "connection refused", handshakes: 1,
		},
		"workload deleted meanwhile": {
			objects: []client.Object{slice(true), service()},
			verdict: v1alpha1.VerdictFailed, last: verification.CheckRollout, message: "Deployment sandfly is gone",
		},
		"service deleted meanwhile": {
			objects: []client.Object{deployment(1), slice(true)},
			verdict: v1alpha1.VerdictFailed, last: verification.CheckHandshake, message: "Service sandfly is gone",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			prober := &prober{result: test.handshake}
			verifier := verification.Verifier{
				Reader: fake.NewClientBuilder().WithScheme(scheme.Scheme).WithObjects(test.objects...).Build(),
				Prober: prober,
			}
			got, err := verifier.Verify(t.Context(), verification.Target{
				Namespace: "ns", Service: "sandfly", Since: since,
				Workload: v1alpha1.ObjectReference{Kind: "Deployment", Name: "sandfly"},
			})
			if err != nil {
				t.Fatal(err)
			}
			last := got.Checks[len(got.Checks)-1]
			if got.Verdict != test.verdict || last.Name != test.last || !strings.Contains(last.Message, test.message) {
				t.Errorf("Verify = %+v, want %s at %s: %s", got, test.verdict, test.last, test.message)
			}
			if prober.calls != test.handshakes {
				t.Errorf("%d handshakes, want %d", prober.calls, test.handshakes)
			}
		})
	}
}
