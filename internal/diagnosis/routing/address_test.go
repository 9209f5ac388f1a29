// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package routing

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
)

func TestAddressesIn(t *testing.T) {
	for text, want := range map[string][]string{
		"redis-cart:6379":                                         {"redis-cart:6379"},
		"http://sandfly-mcp-server/mcp":                           {"sandfly-mcp-server:80"},
		"https://app:secret@vault:8200/v1":                        {"vault:8200"},
		"grpc://vault":                                            {"vault"},
		"dns:///vault.cortex-system:3000":                         {"vault.cortex-system:3000"},
		"jdbc:mysql://vault-db:3306/sandfly?useSSL=false":         {"vault-db:3306"},
		"mongodb://app:pw@mongo-0.mongo:27017,mongo-1.mongo/test": {"mongo-0.mongo:27017"},
		"kafka-0:9092,kafka-1:9092":                               {"kafka-0:9092", "kafka-1:9092"},
		"app:pw@tcp(vault-db:3306)/sandfly":                       {"vault-db:3306"},
		"host=vault-db port=5432 user=app dbname=sandfly":         {"vault-db:5432"},
		"--redis=redis-cart:6379":                                 nil, // a flag is taken apart before
		"vault.cortex-system.svc.cluster.local.:3000":             {"vault.cortex-system.svc.cluster.local:3000"},
		"http://10.96.0.10:3000":                                  nil,
		"http://[fd00::1]:3000":                                   nil,
		"localhost:3000":                                          nil,
		"http://localhost:3000":                                   nil,
		":3000":                                                   nil,
		"0.0.0.0:3000":                                            nil,
		"unix:///run/sandfly.sock":                                nil,
		"file:///etc/passwd":                                      nil,
		"s3://backups/sandfly":                                    nil,
		"lb://sandfly":                                            nil,
		"$(VAULT_SERVICE_HOST):3000":                              nil,
		"http://${HOST}:3000":                                     nil,
		"http://{{ .Host }}:3000":                                 nil,
		"redis:latest":                                            nil,
		"redis:70000":                                             nil,
		"12:30":                                                   nil,
		"INFO:2":                                                  nil,
		"user@vault":                                              nil,
		"vault":                                                   nil,
		"":                                                        nil,
	} {
		var got []string
		for _, a := range addressesIn(text) {
			got = append(got, a.String())
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
	}
}

func FuzzAddressesIn(f *testing.F) {
	for _, seed := range []string{"redis:6379", "http://a:b@c:1/x?y#z", "jdbc:mysql://h:1/d", "tcp(h:1)", "host=a port=1", "a:1,b:2;c:3", "dns:///a:1", "://:@", "http://"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, a := range addressesIn(text) {
			if !isHost(a.Host) || a.Port < 0 || a.Port > 65535 || !strings.Contains(text, a.Host) {
				t.Errorf("%q: %+v", text, a)
			}
		}
	})
}

// TestServiceOf reads names as the cluster DNS would from namespace cortex-system.
func TestServiceOf(t *testing.T) {
	service := func(namespace, name string) corev1.Service {
		return corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	}
	s := &snapshot.Snapshot{Namespace: "cortex-system", All: &snapshot.Objects{Services: []corev1.Service{service("cortex-system", "mongo"), service("monitoring", "prometheus")}}}
	for host, want := range map[string]string{
		"vault":                                        "cortex-system/vault",
		"vault.staging.svc":                            "staging/vault",
		"vault.staging.svc.cluster.local":              "staging/vault",
		"mongo-0.mongo":                                "cortex-system/mongo",
		"mongo-0.mongo.cortex-system.svc":              "cortex-system/mongo",
		"mongo-0.mongo.cortex-system":                  "cortex-system/mongo",
		"prometheus.monitoring":                        "monitoring/prometheus",
		"vault.cortex-system":                          "cortex-system/vault",
		"kubernetes.default":                           "default/kubernetes",
		"example.com":                                  "",
		"api.example.com":                              "",
		"vault.staging.svc.other.example":              "",
		"mongo-0.mongo.cortex-system.svc.cluster.test": "",
	} {
		namespace, name, ok := serviceOf(s, host)
		if got := namespace + "/" + name; ok != (want != "") || ok && got != want {
			t.Errorf("%s: %s %t, want %s", host, got, ok, want)
		}
	}
}

func TestMentionsOwn(t *testing.T) {
	for text, want := range map[string]bool{
		"8080": true, ":8080": true, "0.0.0.0:8080": true, "--port=8080": true, "http://localhost:8080/x": true, "PORT:8080": true,
		"listen 8080;": true, "[::]:8080": true, "vault:8080": false, "http://vault:8080": false, "18080": false, "80801": false,
		"vault.cortex-system:8080": false, "": false,
	} {
		if got := mentionsOwn(text, 8080); got != want {
			t.Errorf("%q: %t, want %t", text, got, want)
		}
	}
}
