// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package scheduling

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseWord(t *testing.T) {
	for name, test := range map[string]struct {
		message string
		nodes   int
		want    []reason
	}{
		"1.37":                  {"0/4 nodes are available: 1 node(s) were unschedulable, 3 Insufficient cpu. preemption: 0/4 nodes are available: 1 Preemption is not helpful for scheduling, 3 No preemption victims found for incoming pod.", 4, []reason{{1, "node(s) were unschedulable"}, {3, "Insufficient cpu"}}},
		"without preemption":    {"0/1 nodes are available: 1 Insufficient memory.", 1, []reason{{1, "Insufficient memory"}}},
		"of all nodes":          {`0/4 nodes are available: persistentvolumeclaim "redis-data" not found. preemption: 0/4 nodes are available: 4 Preemption is not helpful for scheduling.`, 4, []reason{{0, `persistentvolumeclaim "redis-data" not found`}}},
		"combined":              {"(combined from similar events): 0/1 nodes are available: 1 Too many pods.", 1, []reason{{1, "Too many pods"}}},
		"a comma in the reason": {"0/4 nodes are available: 1 node(s) had taint {a: b}, that the pod didn't tolerate, 3 Insufficient cpu.", 4, []reason{{1, "node(s) had taint {a: b}, that the pod didn't tolerate"}, {3, "Insufficient cpu"}}},
		"an odd name":           {`0/1 nodes are available: persistentvolumeclaim "a, 2 b" not found.`, 1, []reason{{0, `persistentvolumeclaim "a`}, {2, `b" not found`}}},
		"no node":               {"no nodes available to schedule pods", 0, nil},
		"of another form":       {"running PreBind plugin \"VolumeBinding\": binding volumes: context deadline exceeded", 0, nil},
		"no reason":             {"0/3 nodes are available:", 3, nil},
		"nothing":               {"", 0, nil},
		"too many digits":       {"0/99999999999 nodes are available: 1 Insufficient cpu.", 0, nil},
	} {
		t.Run(name, func(t *testing.T) {
			got := parseWord(test.message)
			if got.nodes != test.nodes {
				t.Errorf("%d nodes, want %d", got.nodes, test.nodes)
			}
			if diff := cmp.Diff(test.want, got.reasons, cmp.AllowUnexported(reason{})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if strings.Contains(got.text, "preemption") {
				t.Errorf("the text tells of preemption: %q", got.text)
			}
		})
	}
}

func FuzzParseWord(f *testing.F) {
	f.Add("0/4 nodes are available: 1 node(s) were unschedulable, 3 Insufficient cpu. preemption: 0/4 nodes are available: 4 x.")
	f.Add("(combined from similar events): 0/1 nodes are available: 1 node(s) had taint {a: b}, that the pod didn't tolerate.")
	f.Add(`0/4 nodes are available: persistentvolumeclaim "a" not found.`)
	f.Add("0/0 nodes are available: , , 1 , 2")
	f.Fuzz(func(t *testing.T, message string) {
		said := parseWord(message)
		if len(said.text) > len(message) {
			t.Errorf("more was read than said: %q", said.text)
		}
		for _, r := range said.reasons {
			if r.nodes < 0 || r.text == "" || !strings.Contains(message, r.text) {
				t.Errorf("reason %+v was not said", r)
			}
		}
		if m, ok := causeOfWord(said, podOf(nil)); ok && (m.cause == "" || m.advice == "") {
			t.Errorf("a cause without advice: %+v", m)
		}
	})
}
