// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package dependency

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
)

// world is a namespace with the Services sandfly-mcp-server, the target, and host-cache and inventory-db.
func world() *snapshot.Snapshot {
	objects := &snapshot.Objects{}
	for name, ip := range map[string]string{"sandfly-mcp-server": "10.96.0.10", "host-cache": "10.96.0.20", "inventory-db": "10.96.0.30"} {
		objects.Services = append(objects.Services, corev1.Service{
			ObjectMeta: metav1.ObjectMeta{Namespace: "cortex-system", Name: name},
			Spec:       corev1.ServiceSpec{ClusterIP: ip, Selector: map[string]string{"app": name}},
		})
	}
	objects.Pods = []corev1.Pod{{
		ObjectMeta: metav1.ObjectMeta{Namespace: "cortex-system", Name: "host-cache-0", Labels: map[string]string{"app": "host-cache"}},
		Status:     corev1.PodStatus{PodIP: "10.244.0.20"},
	}}
	return snapshot.Assemble("cortex-system", v1alpha1.TargetReference{Kind: v1alpha1.KindService, Name: "sandfly-mcp-server"}, objects)
}

func TestPeerNamed(t *testing.T) {
	for address, want := range map[string]string{
		"host-cache":                                      "host-cache",
		"host-cache:6379":                                 "host-cache",
		"Host-Cache.cortex-system:6379":                   "host-cache",
		"host-cache.cortex-system.svc":                    "host-cache",
		"host-cache.cortex-system.svc.cluster.local:6379": "host-cache",
		"host-cache-0.host-cache.cortex-system.svc:6379":  "host-cache",
		"host-cache-0.host-cache:6379":                    "host-cache",
		"10.96.0.20:6379":                                 "host-cache",
		"10.244.0.20:6379":                                "host-cache",
		"host-cache.other.svc.cluster.local:6379":         "other/host-cache",
		"host-cache.example.com:443":                      "outside",
		"api.sandfly.example":                             "outside",
		"203.0.113.7:443":                                 "outside",
		"10.96.0.99:443":                                  "",
		"localhost:6379":                                  "self",
		"127.0.0.1:6379":                                  "self",
		"host-cash:6379":                                  "",
		"":                                                "",
	} {
		p := PeerNamed(world(), address)
		got := ""
		switch {
		case p.Service != nil:
			got = p.Service.Name
		case p.ForeignName != "":
			got = p.ForeignNamespace + "/" + p.ForeignName
		case p.Self:
			got = "self"
		case p.External():
			got = "outside"
		}
		if got != want {
			t.Errorf("%q is %q, want %q", address, got, want)
		}
	}
}

func TestReferences(t *testing.T) {
	for value, want := range map[[2]string][]string{
		{"REDIS_ADDR", "host-cache:6379"}:                                    {"host-cache"},
		{"DB_HOST", "inventory-db"}:                                          {"inventory-db"},
		{"DATABASE_URL", "postgres://user:pass@inventory-db:5432/hosts?x=1"}: {"inventory-db"},
		{"BROKERS", "host-cache:1000,inventory-db:2000"}:                     {"host-cache", "inventory-db"},
		{"API", "http://host-cache.cortex-system.svc.cluster.local:80/v1"}:   {"host-cache"},
		{"APP_NAME", "host-cache"}:                                           nil,
		{"SELF_URL", "http://sandfly-mcp-server:3000"}:                       nil,
		{"DESCRIPTION", "talks to host-cache and more"}:                      nil,
		{"DB_HOST", "inventory-dbx"}:                                         nil,
	} {
		got := servicesOf(References(world(), corev1.Container{Env: []corev1.EnvVar{{Name: value[0], Value: value[1]}}}))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", value, diff)
		}
	}
	for argument, want := range map[string][]string{
		"--redis=host-cache:6379": {"host-cache"},
		"until nc -z inventory-db 5432; do echo waiting for host-cache; done": {"inventory-db"},
		"until pg_isready -h inventory-db; do sleep 1; done":                  {"inventory-db"},
		"serve host-cache": nil,
	} {
		if diff := cmp.Diff(want, servicesOf(References(world(), corev1.Container{Args: []string{argument}}))); diff != "" {
			t.Errorf("%q (-want +got):\n%s", argument, diff)
		}
	}
}

func servicesOf(all []Reference) []string {
	var names []string
	for _, r := range all {
		names = append(names, r.Service.Name)
	}
	return names
}

func FuzzReferences(f *testing.F) {
	for _, value := range []string{"host-cache:6379", "postgres://u@inventory-db:5432/x", "nc -z host-cache 1", "[::1]:80", "a,b,c:99", "host-cache.cortex-system.svc:"} {
		f.Add(value)
	}
	s := world()
	f.Fuzz(func(t *testing.T, value string) {
		c := corev1.Container{Env: []corev1.EnvVar{{Name: "DB_HOST", Value: value}}, Args: []string{value}}
		for _, r := range References(s, c) {
			if r.Service == nil || r.Service.Name == "sandfly-mcp-server" {
				t.Errorf("%q names %+v", value, r.Service)
			}
		}
		PeerNamed(s, value)
	})
}
