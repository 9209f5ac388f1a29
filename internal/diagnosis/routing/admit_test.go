// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package routing

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"

	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
)

func TestAdmitted(t *testing.T) {
	to := destination{end{ports: []corev1.ContainerPort{{Name: "mcp", ContainerPort: 3000}}}, 3000, corev1.ProtocolTCP}
	port := func(port intstr.IntOrString, last int32, protocol corev1.Protocol) networkingv1.NetworkPolicyPort {
		p := networkingv1.NetworkPolicyPort{Port: &port}
		if last != 0 {
			p.EndPort = &last
		}
		if protocol != "" {
			p.Protocol = &protocol
		}
		return p
	}
	tests := map[string]struct {
		ports []networkingv1.NetworkPolicyPort
		want  bool
	}{
		"no ports are all":      {nil, true},
		"the number":            {[]networkingv1.NetworkPolicyPort{port(intstr.FromInt32(3000), 0, "")}, true},
		"another number":        {[]networkingv1.NetworkPolicyPort{port(intstr.FromInt32(80), 0, "")}, false},
		"in the range":          {[]networkingv1.NetworkPolicyPort{port(intstr.FromInt32(2000), 3000, "")}, true},
		"above the range":       {[]networkingv1.NetworkPolicyPort{port(intstr.FromInt32(2000), 2999, "")}, false},
		"the name":              {[]networkingv1.NetworkPolicyPort{port(intstr.FromString("mcp"), 0, "")}, true},
		"another name":          {[]networkingv1.NetworkPolicyPort{port(intstr.FromString("http"), 0, "")}, false},
		"another protocol":      {[]networkingv1.NetworkPolicyPort{port(intstr.FromInt32(3000), 0, corev1.ProtocolUDP)}, false},
		"a protocol, any port":  {[]networkingv1.NetworkPolicyPort{{Protocol: ptr.To(corev1.ProtocolTCP)}}, true},
		"one of several":        {[]networkingv1.NetworkPolicyPort{port(intstr.FromInt32(80), 0, ""), port(intstr.FromInt32(3000), 0, "")}, true},
		"any port of another":   {[]networkingv1.NetworkPolicyPort{{Protocol: ptr.To(corev1.ProtocolSCTP)}}, false},
		"no protocol means TCP": {[]networkingv1.NetworkPolicyPort{{}}, true},
	}
	for name, test := range tests {
		if got := to.admitted(test.ports); got != test.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

func TestIsPeer(t *testing.T) {
	namespace := corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "agents", Labels: map[string]string{"team": "agents"}}}
	s := &snapshot.Snapshot{Namespace: "cortex-system", All: &snapshot.Objects{Namespaces: []corev1.Namespace{namespace}}}
	labels := func(key, value string) *metav1.LabelSelector {
		return &metav1.LabelSelector{MatchLabels: map[string]string{key: value}}
	}
	here := end{namespace: "cortex-system", labels: map[string]string{"app": "agent"}, ips: []string{"10.244.0.9"}}
	there := end{namespace: "agents", labels: map[string]string{"app": "agent"}}
	unread := end{namespace: "staging", labels: map[string]string{"app": "agent"}}
	tests := map[string]struct {
		peer networkingv1.NetworkPolicyPeer
		end  end
		want bool
	}{
		"pods of the policy's namespace":   {networkingv1.NetworkPolicyPeer{PodSelector: labels("app", "agent")}, here, true},
		"not of another namespace":         {networkingv1.NetworkPolicyPeer{PodSelector: labels("app", "agent")}, there, false},
		"any pod of the namespace":         {networkingv1.NetworkPolicyPeer{PodSelector: &metav1.LabelSelector{}}, here, true},
		"a namespace by label":             {networkingv1.NetworkPolicyPeer{NamespaceSelector: labels("team", "agents")}, there, true},
		"a namespace by name":              {networkingv1.NetworkPolicyPeer{NamespaceSelector: labels(corev1.LabelMetadataName, "agents")}, there, true},
		"both must hold":                   {networkingv1.NetworkPolicyPeer{NamespaceSelector: labels("team", "agents"), PodSelector: labels("app", "shop")}, there, false},
		"another namespace":                {networkingv1.NetworkPolicyPeer{NamespaceSelector: labels("team", "shop")}, there, false},
		"labels that were not read":        {networkingv1.NetworkPolicyPeer{NamespaceSelector: labels("team", "shop")}, unread, true},
		"a name that was not read":         {networkingv1.NetworkPolicyPeer{NamespaceSelector: labels(corev1.LabelMetadataName, "agents")}, unread, false},
		"in the block":                     {networkingv1.NetworkPolicyPeer{IPBlock: &networkingv1.IPBlock{CIDR: "10.244.0.0/16"}}, here, true},
		"out of the block":                 {networkingv1.NetworkPolicyPeer{IPBlock: &networkingv1.IPBlock{CIDR: "10.0.0.0/16"}}, here, false},
		"in the block, but for an except":  {networkingv1.NetworkPolicyPeer{IPBlock: &networkingv1.IPBlock{CIDR: "10.244.0.0/16", Except: []string{"10.244.0.0/24"}}}, here, false},
		"an address that is not known":     {networkingv1.NetworkPolicyPeer{IPBlock: &networkingv1.IPBlock{CIDR: "10.0.0.0/16"}}, there, true},
		"a block that cannot be read":      {networkingv1.NetworkPolicyPeer{IPBlock: &networkingv1.IPBlock{CIDR: "nonsense"}}, here, true},
		"a selector that cannot be parsed": {networkingv1.NetworkPolicyPeer{PodSelector: &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{Key: "a", Operator: "Odd"}}}}, here, true},
	}
	for name, test := range tests {
		if got := isPeer(s, "cortex-system", test.peer, test.end); got != test.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

func TestGoverns(t *testing.T) {
	out := networkingv1.NetworkPolicy{Spec: networkingv1.NetworkPolicySpec{Egress: []networkingv1.NetworkPolicyEgressRule{{}}}}
	if !governs(&out, networkingv1.PolicyTypeIngress) || !governs(&out, networkingv1.PolicyTypeEgress) {
		t.Error("a policy without types that has egress rules is about both")
	}
	if none := (networkingv1.NetworkPolicy{}); !governs(&none, networkingv1.PolicyTypeIngress) || governs(&none, networkingv1.PolicyTypeEgress) {
		t.Error("a policy without types and rules is about ingress")
	}
}
