// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package mcpserver_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/mcpserver"
)

func service(clusterIP string, annotations map[string]string, ports ...corev1.ServicePort) *corev1.Service {
	return &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: "sandfly-mcp-server", Namespace: "cortex-system", Annotations: annotations},
		Spec:       corev1.ServiceSpec{ClusterIP: clusterIP, Ports: ports},
	}
}

func port(name string, number int32) corev1.ServicePort {
	return corev1.ServicePort{Name: name, Port: number}
}

func TestEndpointOf(t *testing.T) {
	const host = "sandfly-mcp-server.cortex-system.svc"
	cases := map[string]struct {
		service   *corev1.Service
		url, host string
	}{
		"the only port": {
			service("10.96.0.7", nil, port("", 3000)),
			"http://10.96.0.7:3000/mcp", host + ":3000",
		},
		"the port named mcp among others": {
			service("10.96.0.7", nil, port("metrics", 9090), port("mcp", 3000)),
			"http://10.96.0.7:3000/mcp", host + ":3000",
		},
		"a port by the annotation's name, before the one named mcp": {
			service("10.96.0.7", map[string]string{v1alpha1.AnnotationPort: "web"}, port("mcp", 3000), port("web", 80)),
			"http://10.96.0.7:80/mcp", host + ":80",
		},
		"a port by the annotation's number": {
			service("10.96.0.7", map[string]string{v1alpha1.AnnotationPort: "9090"}, port("mcp", 3000), port("b", 9090)),
			"http://10.96.0.7:9090/mcp", host + ":9090",
		},
		"a path": {
			service("10.96.0.7", map[string]string{v1alpha1.AnnotationPath: "/api/v1/mcp"}, port("", 3000)),
			"http://10.96.0.7:3000/api/v1/mcp", host + ":3000",
		},
		"IPv6": {
			service("fd00::7", nil, port("", 3000)),
			"http://[fd00::7]:3000/mcp", host + ":3000",
		},
		"headless": {
			service(corev1.ClusterIPNone, nil, port("", 3000)),
			"http://" + host + ":3000/mcp", host + ":3000",
		},
		"no address yet": {
			service("", nil, port("", 3000)),
			"http://" + host + ":3000/mcp", host + ":3000",
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := mcpserver.EndpointOf(c.service)
			if err != nil {
				t.Fatal(err)
			}
			want := mcpserver.Endpoint{Namespace: "cortex-system", Service: "sandfly-mcp-server", URL: c.url, Host: c.host}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("endpoint (-want +got):\n%s", diff)
			}
		})
	}
}

func TestEndpointOfRefuses(t *testing.T) {
	path := func(value string) *corev1.Service {
		return service("10.96.0.7", map[string]string{v1alpha1.AnnotationPath: value}, port("", 3000))
	}
	cases := map[string]struct {
		service *corev1.Service
		says    string
	}{
		"no port":                      {service("10.96.0.7", nil), "has 0 ports"},
		"several ports, none named":    {service("10.96.0.7", nil, port("a", 1), port("b", 2)), v1alpha1.AnnotationPort},
		"an annotation for no port":    {service("10.96.0.7", map[string]string{v1alpha1.AnnotationPort: "web"}, port("mcp", 3000)), `"web", which is no port`},
		"a path without a slash":       {path("mcp"), "plain absolute path"},
		"a path that is another host":  {path("@evil.example/mcp"), "plain absolute path"},
		"a path with a query":          {path("/mcp?token=x"), "plain absolute path"},
		"a path with a fragment":       {path("/mcp#x"), "plain absolute path"},
		"a path with a backslash":      {path(`/\evil`), "plain absolute path"},
		"a path with a space":          {path("/m cp"), "plain absolute path"},
		"a path with a line break":     {path("/mcp\r\nX-Evil:1"), "plain absolute path"},
		"a path with an escape":        {path("/mcp%2f"), "plain absolute path"},
		"a path with a broken escape":  {path("/mcp%zz"), "plain absolute path"},
		"a path that begins as a host": {path("//evil.example/mcp"), "plain absolute path"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := mcpserver.EndpointOf(c.service)
			if err == nil {
				t.Fatalf("accepted: %+v", got)
			}
			if !strings.Contains(err.Error(), c.says) {
				t.Errorf("the error is %q, and does not say %q", err, c.says)
			}
		})
	}
}

func TestOptedIn(t *testing.T) {
	for value, want := range map[string]bool{"true": true, "false": false, "True": false, "": false} {
		labelled := service("", nil)
		labelled.Labels = map[string]string{v1alpha1.LabelMCPServer: value}
		if got := mcpserver.OptedIn(labelled); got != want {
			t.Errorf("label %q: opted in is %t, want %t", value, got, want)
		}
	}
	if mcpserver.OptedIn(service("", nil)) {
		t.Error("a Service without the label is opted in")
	}
}
