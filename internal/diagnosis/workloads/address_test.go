// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package workloads

import (
	"strings"
	"testing"
)

func TestServicesIn(t *testing.T) {
	for _, test := range []struct{ variable, value, want string }{
		{"PROXMOX_ADDR", "proxmox-mcp-server:50051", "proxmox-mcp-server"},
		{"URL", "http://proxmox:3000/mcp?x=1", "proxmox"},
		{"URL", "http://user:pass@proxmox/mcp", "proxmox"},
		{"JDBC", "jdbc:mysql://db-leader:3306/x?useSSL=false", "db-leader"},
		{"URL", "http://proxmox.mcp.svc.cluster.local:3000", "proxmox"},
		{"URL", "http://proxmox.mcp.svc", "proxmox"},
		{"URL", "http://proxmox.mcp", "proxmox"},
		{"URL", "http://proxmox.other:3000", ""},
		{"URL", "https://api.example.com", ""},
		{"BROKERS", "kafka-0:9092,kafka-1:9092", "kafka-0 kafka-1"},
		{"DB_HOST", "postgres", "postgres"},
		{"LOG_LEVEL", "info", ""},
		{"MODE", "a:b", ""},
		{"TIME", "12:30", ""},
		{"LISTEN", ":8080", ""},
		{"LISTEN", "0.0.0.0:8080", ""},
		{"SELF", "localhost:8080", ""},
		{"IMAGE", "redis:7", "redis"}, // host:port it is too; that a workload must stand there and no Service sorts it out
		{"PORT", "tcp://10.96.0.1:443", ""},
		{"PORT", "proxmox:70000", ""},
		{"EMPTY_HOST", "", ""},
	} {
		if got := strings.Join(servicesIn(test.variable, test.value, "mcp"), " "); got != test.want {
			t.Errorf("%s=%s: %q, want %q", test.variable, test.value, got, test.want)
		}
	}
}

// FuzzServicesIn holds that every name could be one of a Service, and stands in the value.
func FuzzServicesIn(f *testing.F) {
	f.Add("DB_HOST", "postgres")
	f.Add("URL", "http://user:pass@proxmox.mcp.svc:3000/mcp?x=1,a:1")
	f.Fuzz(func(t *testing.T, variable, value string) {
		for _, name := range servicesIn(variable, value, "mcp") {
			if !serviceName.MatchString(name) || !strings.Contains(value, name) {
				t.Errorf("%q of %q", name, value)
			}
		}
	})
}
