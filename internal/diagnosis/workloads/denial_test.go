// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package workloads

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestParseDenial(t *testing.T) {
	for text, want := range map[string]denial{
		`admission webhook "a.b.c" denied the request: no latest tags`:                                                                      {detail: detailWebhook, who: "webhook a.b.c", says: "no latest tags"},
		`Error creating: admission webhook "a.b.c" denied the request without explanation`:                                                  {detail: detailWebhook, who: "webhook a.b.c"},
		`admission webhook "a.b.c" denied the request: violates PodSecurity "restricted:latest": x`:                                         {detail: detailWebhook, who: "webhook a.b.c", says: `violates PodSecurity "restricted:latest": x`},
		`Internal error occurred: failed calling webhook "m.k.svc": failed to call webhook: Post "https://k.ns.svc:443/m?timeout=10s": EOF`: {detail: detailWebhook, who: "webhook m.k.svc", says: `failed to call webhook: Post "https://k.ns.svc:443/m?timeout=10s": EOF`, unreachable: true, service: "k", namespace: "ns"},
		`failed calling admission webhook "m": Post https://10.0.0.1/x: refused`:                                                            {detail: detailWebhook, who: "webhook m", says: "Post https://10.0.0.1/x: refused", unreachable: true},
		`pods "x" is forbidden: violates PodSecurity "baseline:v1.30": hostNetwork=true`:                                                    {detail: detailPodSecurity, who: "Pod Security level baseline:v1.30", says: "hostNetwork=true"},
		`pods "x-" is forbidden: unable to validate against any security context constraint: [provider "anyuid": Forbidden]`:                {detail: detailPodSecurity, who: "every security context constraint", says: `[provider "anyuid": Forbidden]`},
		`ValidatingAdmissionPolicy 'p' with binding 'b' denied request: failed expression: x`:                                               {detail: detailPolicy, who: "ValidatingAdmissionPolicy p", says: "failed expression: x"},
		`pods "x" is forbidden: [maximum cpu usage per Container is 1, but limit is 2, minimum memory usage per Pod is 1Gi, but request is 1Mi]`: {
			detail: detailLimitRange, who: "a LimitRange", says: "maximum cpu usage per Container is 1, but limit is 2", limit: limit{"maximum", "cpu", "Container", "1"}},
		`pods "x" is forbidden: maximum memory usage per Container is 500Mi.  No limit is specified`: {
			detail: detailLimitRange, who: "a LimitRange", says: "maximum memory usage per Container is 500Mi.  No limit is specified", limit: limit{"maximum", "memory", "Container", "500Mi"}},
		`pods "x" is forbidden: cpu max limit to request ratio per Container is 2, but provided ratio is 4.000000`: {
			detail: detailLimitRange, who: "a LimitRange", says: "cpu max limit to request ratio per Container is 2, but provided ratio is 4.000000", limit: limit{"ratio", "cpu", "Container", "2"}},
		`pods "x" is forbidden: no PriorityClass with name urgent was found`:                                                 {detail: detailOther, says: "no PriorityClass with name urgent was found"},
		`Pod "x" is invalid: spec.containers[0].resources.requests: Invalid value: "1": must be less than or equal to limit`: {detail: detailOther, says: `spec.containers[0].resources.requests: Invalid value: "1": must be less than or equal to limit`},
		`pods "x" is forbidden: failed quota: q: must specify requests.cpu for: c`:                                           {detail: detailOther, says: "failed quota: q: must specify requests.cpu for: c"},
		`pods "x" is forbidden: exceeded quota: q, requested: pods=1, used: pods=1, limited: pods=1`:                         {},
		`pods "x" is forbidden: error looking up service account n/a: serviceaccount "a" not found`:                          {},
		`pods "x" is forbidden: unable to create new content in namespace n because it is being terminated`:                  {},
		`pods "x" is forbidden: status unknown for quota: q, resources: pods`:                                                {},
		`etcdserver: request timed out`: {},
		``:                              {},
	} {
		if got, ok := parseDenial(text); got != want || ok != (want.detail != "") {
			t.Errorf("%q:\n got %+v %t\nwant %+v", text, got, ok, want)
		}
	}
}

func FuzzParseDenial(f *testing.F) {
	f.Add(`admission webhook "a.b.c" denied the request: no latest tags`)
	f.Add(`failed calling webhook "m.k.svc": Post "https://k.ns.svc:443/m": EOF`)
	f.Add(`pods "x" is forbidden: maximum cpu usage per Container is 1, but limit is 2`)
	f.Add(`violates PodSecurity "restricted:latest": x`)
	f.Fuzz(func(t *testing.T, text string) {
		d, ok := parseDenial(text)
		if ok != (d.detail != "") {
			t.Errorf("%q: %+v %t", text, d, ok)
		}
		if d.service != "" && !strings.Contains(text, d.service+"."+d.namespace+".svc") {
			t.Errorf("Service %q is not in %q", d.service, text)
		}
		if d.detail != detailLimitRange && utf8.RuneCountInString(d.says) > maxReason+1 {
			t.Errorf("%d characters", len(d.says))
		}
	})
}

func TestParseAccount(t *testing.T) {
	for text, want := range map[string]string{
		`pods "x-" is forbidden: error looking up service account mcp/services: serviceaccount "services" not found`:                                           "services",
		`(combined from similar events): Error creating: pods "x-abc" is forbidden: error looking up service account mcp/a.b: serviceaccounts "a.b" not found`: "a.b",
		`pods "x" is forbidden: service account mcp/a was not found, retry after the service account is created`:                                               "a",
		`error looking up service account mcp/a: etcdserver: request timed out`:                                                                                "",
		`serviceaccount "a" not found`: "",
		``:                             "",
	} {
		if got, ok := parseAccount(text); got != want || ok != (want != "") {
			t.Errorf("%q: %q %t", text, got, ok)
		}
	}
}

func FuzzParseAccount(f *testing.F) {
	f.Add(`error looking up service account mcp/services: serviceaccount "services" not found`)
	f.Add(`service account a/b was not found`)
	f.Fuzz(func(t *testing.T, text string) {
		name, ok := parseAccount(text)
		if ok != (name != "") || ok && (strings.ContainsAny(name, " \n/:") || !strings.Contains(text, "/"+name)) {
			t.Errorf("%q: %q %t", text, name, ok)
		}
	})
}

func TestParseEviction(t *testing.T) {
	for message, want := range map[string]string{
		"The node was low on resource: memory. Threshold quantity: 100Mi, available: 80Mi. ":         "Memory",
		"The node was low on resource: ephemeral-storage. Container c was using 1Gi, request is 0. ": "Disk",
		"The node was low on resource: [DiskPressure]. ":                                             "Disk",
		"The node had condition: [MemoryPressure]. ":                                                 "Memory",
		"The node was low on resource: pids. ":                                                       "PIDs",
		"The node was low on resource: inodes. ":                                                     "Disk",
		`Usage of EmptyDir volume "tmp" exceeds the limit "1Gi". `:                                   "StorageLimit",
		"Pod ephemeral local storage usage exceeds the total limit of containers 1Gi. ":              "StorageLimit",
		`Container c exceeded its local ephemeral storage limit "1Gi". `:                             "StorageLimit",
		"somebody did it": "Other",
		"":                "Other",
	} {
		if got := parseEviction(message); got != want || evictionWords[got] == "" || evictionAdvice[got] == "" {
			t.Errorf("%q: %q, want %q", message, got, want)
		}
	}
}

func FuzzParseEviction(f *testing.F) {
	f.Add("The node was low on resource: memory. ")
	f.Add(`Usage of EmptyDir volume "tmp" exceeds the limit "1Gi". `)
	f.Fuzz(func(t *testing.T, message string) {
		if got := parseEviction(message); evictionWords[got] == "" || evictionAdvice[got] == "" {
			t.Errorf("%q has no words", got)
		}
	})
}
