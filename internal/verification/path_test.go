// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package verification_test

import (
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/mcpserver"
	"github.com/ry-ops/cortex/internal/verification"
)

// admitting is a policy for the target's pods that admits one peer; none admits nobody.
func admitting(name string, peers ...networkingv1.NetworkPolicyPeer) networkingv1.NetworkPolicy {
	policy := networkingv1.NetworkPolicy{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: name}}
	policy.Spec.PolicyTypes = []networkingv1.PolicyType{networkingv1.PolicyTypeIngress}
	if len(peers) > 0 {
		policy.Spec.Ingress = []networkingv1.NetworkPolicyIngressRule{{From: peers}}
	}
	return policy
}

func labelled(key, value string) *metav1.LabelSelector {
	return &metav1.LabelSelector{MatchLabels: map[string]string{key: value}}
}

func block(cidr string) networkingv1.NetworkPolicyPeer {
	return networkingv1.NetworkPolicyPeer{IPBlock: &networkingv1.IPBlock{CIDR: cidr}}
}

func probing(pod *corev1.Pod, handler corev1.ProbeHandler) {
	pod.Spec.Containers[0].ReadinessProbe = &corev1.Probe{ProbeHandler: handler}
}

func TestPathClosed(t *testing.T) {
	closed := networkingv1.NetworkPolicyPeer{NamespaceSelector: labelled("team", "agents")}
	open := networkingv1.NetworkPolicyPeer{NamespaceSelector: labelled("team", "sre")}
	tcp := corev1.ProbeHandler{TCPSocket: &corev1.TCPSocketAction{Port: intstr.FromInt32(3000)}}
	both := func(w *world, handler corev1.ProbeHandler) {
		probing(w.pods[0], handler)
		probing(w.pods[1], handler)
	}
	tests := map[string]struct {
		result mcpserver.Result
		spoil  func(*world)
		// closed, and for good: waiting does not help.
		closed, forGood bool
		message         string
	}{
		"no policy and no probe": {dropped, func(w *world) { w.operator() }, false, false, "no connection in 5s"},
		"a policy admits nobody": {dropped, func(w *world) { w.operator(); w.policies(admitting("deny")) }, true, true,
			"no connection in 5s: NetworkPolicy deny does not admit the operator to port 3000 of Pod sandfly-new-0. The gateway's own retry decides"},
		"a policy admits others":       {dropped, func(w *world) { w.operator(); w.policies(admitting("agents", closed)) }, true, true, "NetworkPolicy agents does not admit"},
		"a policy admits the operator": {dropped, func(w *world) { w.operator(); w.policies(admitting("deny"), admitting("sre", open)) }, false, false, "no connection in 5s"},
		"a policy of other pods": {dropped, func(w *world) {
			w.operator()
			policy := admitting("deny")
			policy.Spec.PodSelector = *labelled("app", "other")
			w.policies(policy)
		}, false, false, "no connection in 5s"},
		"no route, and a policy": {mcpserver.Result{Verdict: v1alpha1.VerdictFailed, Class: v1alpha1.ErrorConnectionRefused, NoRoute: true, Message: "no route to host"},
			func(w *world) { w.operator(); w.policies(admitting("deny")) }, true, true, "no route to host: NetworkPolicy deny"},
		"refused, in spite of a policy":  {refused, func(w *world) { w.operator(); w.policies(admitting("deny")) }, false, false, "connection refused"},
		"accepted, in spite of a policy": {hangs, func(w *world) { w.operator(); w.policies(admitting("deny")) }, false, false, "connection accepted"},
		"by its address":                 {dropped, func(w *world) { w.operator(); w.policies(admitting("block", block("10.244.9.0/24"))) }, false, false, "no connection in 5s"},
		"by an address that it has not":  {dropped, func(w *world) { w.operator(); w.policies(admitting("block", block("10.1.0.0/16"))) }, true, true, "NetworkPolicy block"},
		"its own egress": {dropped, func(w *world) {
			w.operator()
			w.policies(networkingv1.NetworkPolicy{
				ObjectMeta: metav1.ObjectMeta{Namespace: "cortex-system", Name: "strict"},
				Spec:       networkingv1.NetworkPolicySpec{PolicyTypes: []networkingv1.PolicyType{networkingv1.PolicyTypeEgress}},
			})
		}, true, true, "NetworkPolicy strict does not let the operator out to port 3000 of Pod sandfly-new-0"},
		"the operator is in its node's network": {dropped, func(w *world) {
			w.operator().Spec.HostNetwork = true
			strict := admitting("strict")
			strict.Namespace, strict.Spec.PolicyTypes = "cortex-system", []networkingv1.PolicyType{networkingv1.PolicyTypeEgress}
			w.policies(strict, admitting("nodes", block("10.244.9.0/24")))
		}, false, false, "no connection in 5s"},
		"the pods are in their nodes' network": {dropped, func(w *world) {
			w.operator()
			w.policies(admitting("deny"))
			w.pods[0].Spec.HostNetwork, w.pods[1].Spec.HostNetwork = true, true
		}, false, false, "no connection in 5s"},
		"an operator outside of the cluster":        {dropped, func(w *world) { w.policies(admitting("deny")) }, true, true, "NetworkPolicy deny"},
		"outside, where an address may be admitted": {dropped, func(w *world) { w.policies(admitting("block", block("10.1.0.0/16"))) }, false, false, "no connection in 5s"},
		"an operator that does not find itself": {dropped, func(w *world) {
			w.self.Namespace, w.self.Name = "cortex-system", "another-name"
			w.policies(admitting("deny"))
		}, false, false, "no connection in 5s"},
		"the kubelet gets to every pod": {dropped, func(w *world) { both(w, tcp) }, true, false,
			"no connection in 5s: every pod is ready by a probe of that very port, so the operator's own way seems closed. The gateway's own retry decides"},
		"the kubelet gets to one pod": {dropped, func(w *world) { probing(w.pods[0], tcp) }, false, false, "no connection in 5s"},
		"a named port": {dropped, func(w *world) {
			w.pods[0].Spec.Containers[0].Ports[0].Name, w.pods[1].Spec.Containers[0].Ports[0].Name = "mcp", "mcp"
			both(w, corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Port: intstr.FromString("mcp")}})
		}, true, false, "every pod is ready"},
		"another port": {dropped, func(w *world) {
			both(w, corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Port: intstr.FromInt32(8081)}})
		}, false, false, "no connection in 5s"},
		"another host": {dropped, func(w *world) {
			both(w, corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Host: "example.com", Port: intstr.FromInt32(3000)}})
		}, false, false, "no connection in 5s"},
		"a command":  {dropped, func(w *world) { both(w, corev1.ProbeHandler{Exec: &corev1.ExecAction{}}) }, false, false, "no connection in 5s"},
		"it answers": {answers, func(w *world) { w.operator(); w.policies(admitting("deny")); both(w, tcp) }, false, false, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			w.says(test.result)
			test.spoil(w)
			got := w.verify(t, w)
			if got.PathClosed != test.closed || !strings.Contains(got.Last().Message, test.message) {
				t.Errorf("%+v\nwant closed %t: %s", got, test.closed, test.message)
			}
			if test.result.Verdict != passes && (got.Verdict != unknown || got.Last().Name != verification.CheckHandshake || got.RecheckAfter == 0 != test.forGood) {
				t.Errorf("%+v: whoever cannot see it cannot say that it works, or does not", got)
			}
		})
	}
}

// TestAnOperatorThatMaySeeLittle: what it may not read closes no way, and breaks no heal.
func TestAnOperatorThatMaySeeLittle(t *testing.T) {
	forbidden := func(resource string) error {
		return apierrors.NewForbidden(schema.GroupResource{Resource: resource}, "", nil)
	}
	for name, test := range map[string]struct {
		hidden client.ObjectList
		closed bool
	}{
		"all is seen": {nil, true},
		"no policies": {&networkingv1.NetworkPolicyList{}, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			w.says(dropped)
			w.operator()
			w.policies(admitting("deny"))
			w.hide = func(list client.ObjectList) error {
				if test.hidden != nil && fmt.Sprintf("%T", list) == fmt.Sprintf("%T", test.hidden) {
					return forbidden("hidden")
				}
				return nil
			}
			if got := w.verify(t, w); got.PathClosed != test.closed || got.Verdict != unknown {
				t.Errorf("%+v", got)
			}
		})
	}
}
