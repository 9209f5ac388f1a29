// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package mcpserver

import (
	"context"
	"net"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/test/steady"
)

// A database accepts and says nothing that an MCP client would understand.
func TestProbePlain(t *testing.T) {
	listener, err := net.Listen("tcp", steady.Port(t))
	if err != nil {
		t.Fatal(err)
	}
	endpoint := Endpoint{Service: "postgres", URL: "http://" + listener.Addr().String() + "/mcp", Plain: true}
	result := MCPProber{}.Probe(t.Context(), endpoint)
	if result.Verdict != v1alpha1.VerdictPassed || !result.Accepted || !strings.HasPrefix(result.Message, "accepted a connection in ") {
		t.Errorf("while it listens: %+v", result)
	}
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	result = MCPProber{}.Probe(t.Context(), endpoint)
	if result.Verdict != v1alpha1.VerdictFailed || result.Class != v1alpha1.ErrorConnectionRefused || result.Message != "connection refused" || result.Accepted {
		t.Errorf("when it has ended: %+v", result)
	}
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	if result = (MCPProber{}).Probe(canceled, endpoint); result.Verdict != v1alpha1.VerdictUnknown {
		t.Errorf("when the caller has gone: %+v", result)
	}
}

func TestPlainEndpoint(t *testing.T) {
	both := []corev1.ServicePort{{Name: "sql", Port: 5432}, {Name: "metrics", Port: 9187}}
	for name, test := range map[string]struct {
		labels      map[string]string
		annotations map[string]string
		ports       []corev1.ServicePort
		optedIn     bool
		plain       bool
		url         string
	}{
		"a dependency":                   {map[string]string{v1alpha1.LabelDependency: "true"}, nil, both[:1], true, true, "http://postgres.ns.svc:5432/mcp"},
		"of several ports the first":     {map[string]string{v1alpha1.LabelDependency: "true"}, nil, both, true, true, "http://postgres.ns.svc:5432/mcp"},
		"or the one that is annotated":   {map[string]string{v1alpha1.LabelDependency: "true"}, map[string]string{v1alpha1.AnnotationPort: "metrics"}, both, true, true, "http://postgres.ns.svc:9187/mcp"},
		"an MCP server that is needed":   {map[string]string{v1alpha1.LabelDependency: "true", v1alpha1.LabelMCPServer: "true"}, nil, both[:1], true, false, "http://postgres.ns.svc:5432/mcp"},
		"an MCP server has to say which": {map[string]string{v1alpha1.LabelMCPServer: "true"}, nil, both, true, false, ""},
		"neither":                        {map[string]string{v1alpha1.LabelDependency: "yes"}, nil, both[:1], false, false, "http://postgres.ns.svc:5432/mcp"},
	} {
		service := &corev1.Service{Spec: corev1.ServiceSpec{Ports: test.ports}}
		service.Namespace, service.Name, service.Labels, service.Annotations = "ns", "postgres", test.labels, test.annotations
		endpoint, err := EndpointOf(service)
		if OptedIn(service) != test.optedIn || endpoint.Plain != test.plain || endpoint.URL != test.url || (err != nil) != (test.url == "") {
			t.Errorf("%s: opted in %t, endpoint %+v, error %v", name, OptedIn(service), endpoint, err)
		}
	}
}
