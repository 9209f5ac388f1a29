// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// line is what an API server writes of one request about an object.
func line(id, user, verb, decision, ref string) string {
	return fmt.Sprintf(`{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":%q,"stage":"ResponseComplete",`+
		`"requestURI":"/x?limit=500&sendInitialEvents=true","verb":%q,"user":{"username":%q,"groups":["system:authenticated"]},"objectRef":{%s},`+
		`"responseStatus":{"metadata":{},"code":200},"requestReceivedTimestamp":"2026-11-25T04:48:20.337131Z",`+
		`"annotations":{"authorization.k8s.io/decision":%q}}`+"\n", id, verb, user, ref, decision)
}

const (
	pods   = `"resource":"pods","namespace":"a","name":"p","apiVersion":"v1"`
	status = `"resource":"healingrequests","namespace":"a","name":"r","apiGroup":"healing.cortex.dev","apiVersion":"v1alpha1","subresource":"status"`
	leases = `"resource":"leases","namespace":"cortex-system","name":"operator","apiGroup":"coordination.k8s.io","apiVersion":"v1"`
)

func written(t *testing.T, files map[string]string) string {
	t.Helper()
	folder := t.TempDir()
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

func TestRead(t *testing.T) {
	folder := written(t, map[string]string{
		"audit-2026-11-25T04-00-00.000.log": line("1", Operator, "list", "allow", pods),
		"audit.log": line("2", Operator, "watch", "allow", pods) + line("2", Operator, "watch", "allow", pods) +
			line("3", Gateway, "patch", "forbid", status) + `{"auditID":"4","verb":"del`,
	})
	entries, err := Read(filepath.Join(folder, "audit.log"))
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	for _, entry := range entries {
		told = append(told, entry.String())
	}
	want := []string{"list pods", "watch pods", "patch healingrequests.healing.cortex.dev/status"}
	if !slices.Equal(told, want) {
		t.Fatalf("got %q, want %q: what was rotated first, a watch once, and no half line", told, want)
	}
	wanted := Entry{
		User: Gateway, Verb: "patch", Group: "healing.cortex.dev", Resource: "healingrequests", Subresource: "status",
		Namespace: "a", Name: "r", Streams: true, Path: "/x", Code: 200, Time: time.Date(2026, 11, 25, 4, 48, 20, 337131000, time.UTC),
	}
	if entries[2] != wanted {
		t.Errorf("got  %+v\nwant %+v", entries[2], wanted)
	}
	if n := len(entries.Of(Operator)); n != 2 {
		t.Errorf("%d entries of the operator, want 2", n)
	}
	if n := len(entries.Since(wanted.Time.Add(time.Second))); n != 0 {
		t.Errorf("%d entries later than all, want 0", n)
	}
}

func TestReadSaysWhichLineIsNone(t *testing.T) {
	folder := written(t, map[string]string{"audit.log": line("1", Operator, "list", "allow", pods) + "nonsense\n"})
	if _, err := Read(filepath.Join(folder, "audit.log")); err == nil || !strings.Contains(err.Error(), "line 2") {
		t.Errorf("error %v, want one of line 2", err)
	}
	if _, err := Read(filepath.Join(folder, "none.log")); err == nil {
		t.Error("no error of a log that is not there")
	}
}

func TestWrites(t *testing.T) {
	entries := Entries{
		{Verb: "list", Resource: "pods"}, {Verb: "watch", Resource: "pods"}, {Verb: "get", Resource: "pods"},
		{Verb: "patch", Group: "apps", Resource: "deployments"}, {Verb: "create", Resource: "pods", Subresource: "eviction"},
		{Verb: "patch", Group: "apps", Resource: "deployments", Code: 409},
	}
	count := entries.Writes()
	if got, want := count.String(), "3 writes: 2 patch deployments.apps, 1 create pods/eviction"; got != want || count.Total() != 3 {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := (Entries{}).Writes().String(); got != "0 writes" {
		t.Errorf("of nothing: %q", got)
	}
}

func TestHold(t *testing.T) {
	rights := []Right{
		{Group: "coordination.k8s.io", Resource: "leases", Verb: "get"},
		{Resource: "pods", Verb: "list"}, {Resource: "pods", Verb: "get"}, {Resource: "pods/log", Verb: "get"},
		{Group: "coordination.k8s.io", Resource: "leases", Verb: "get", Namespace: "cortex-system", Name: "operator"},
		{Resource: "services", Verb: "list"}, {Resource: "services", Verb: "watch"}, {Resource: "nodes", Verb: "list"},
	}
	pod := func(verb, sub string, allowed bool) Entry {
		return Entry{Verb: verb, Resource: "pods", Subresource: sub, Namespace: "a", Allowed: allowed}
	}
	usage := Hold(rights, Entries{
		pod("list", "", true), pod("get", "log", true), pod("delete", "", false), pod("delete", "", false), pod("get", "exec", true),
		{Verb: "get", Group: "coordination.k8s.io", Resource: "leases", Namespace: "cortex-system", Name: "operator", Allowed: true},
		{Verb: "watch", Resource: "services", Streams: true, Allowed: true},
		{Verb: "watch", Resource: "nodes", Allowed: true},
		{Verb: "get", Path: "/apis", Allowed: true}, {Verb: "get", Path: "/metrics"},
	})
	told := func(values []string) string { return strings.Join(values, ", ") }
	var unused, missing []string
	for _, right := range usage.Unused() {
		unused = append(unused, right.String())
	}
	for _, entry := range usage.Missing {
		missing = append(missing, entry.String())
	}
	if got, want := told(unused), "get leases.coordination.k8s.io, get pods, list nodes"; got != want {
		t.Errorf("unused: %s, want %s: a request counts for the narrowest right", got, want)
	}
	if got, want := told(missing), "delete pods, get pods/exec, watch nodes, get /metrics"; got != want {
		t.Errorf("missing: %s, want %s", got, want)
	}
	if text := usage.String(); !strings.Contains(text, "1 get pods/log") || !strings.Contains(text, "MISSING: delete pods") {
		t.Errorf("the table is\n%s", text)
	}
}

func TestRights(t *testing.T) {
	role := `kind: ClusterRole
metadata: {name: r}
rules:
- {apiGroups: [""], resources: [pods, pods/log], verbs: [get]}
---
kind: Role
metadata: {name: r, namespace: home}
rules:
- {apiGroups: [coordination.k8s.io], resources: [leases], resourceNames: [one], verbs: [get, update]}
`
	rights, err := Rights(written(t, map[string]string{"role.yaml": role, "account.yaml": "kind: ServiceAccount\n"}))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, right := range rights {
		got = append(got, right.String())
	}
	want := []string{
		"get pods", "get pods/log",
		"get leases.coordination.k8s.io named one in home", "update leases.coordination.k8s.io named one in home",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	for name, content := range map[string]string{
		"holds a star": strings.Replace(role, "[get]", `["*"]`, 1), "no role": "kind: ServiceAccount\n", "reading": "kind: {",
	} {
		if _, err := Rights(written(t, map[string]string{"role.yaml": content})); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("error %v, want %q", err, name)
		}
	}
}

// What the programs really have can be told apart, right by right.
func TestRightsOfThePrograms(t *testing.T) {
	for _, program := range []string{"operator", "gateway"} {
		rights, err := Rights(filepath.Join("..", "..", "config", "rbac", program))
		if err != nil {
			t.Fatal(err)
		}
		for _, right := range rights {
			if strings.HasPrefix(right.Resource, "secrets") {
				t.Errorf("the %s may %s", program, right)
			}
		}
	}
}
