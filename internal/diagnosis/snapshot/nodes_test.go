// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package snapshot

import (
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

func TestLeaseBehind(t *testing.T) {
	noon := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	for name, test := range map[string]struct {
		// renewed, in seconds before noon, by node.
		renewed map[string]int
		want    time.Duration
		known   bool
	}{
		"of one age":                        {map[string]int{"a": 3, "b": 5, "c": 9}, 0, true},
		"a minute behind":                   {map[string]int{"a": 63, "b": 3, "c": 5}, 58 * time.Second, true},
		"one clock is ahead":                {map[string]int{"a": 5, "b": -120, "c": 3}, 2 * time.Second, true},
		"all are old":                       {map[string]int{"a": 9000, "b": 9003, "c": 9005}, 0, true},
		"one other, which may be the wrong": {map[string]int{"a": 63, "b": 3}, 0, false},
		"no lease of its own":               {map[string]int{"b": 3, "c": 3}, 0, false},
		"no lease":                          {nil, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := &Snapshot{All: &Objects{Leases: []coordinationv1.Lease{{ // of another kind
				ObjectMeta: metav1.ObjectMeta{Namespace: "kube-system", Name: "a"},
				Spec:       coordinationv1.LeaseSpec{RenewTime: ptr.To(metav1.NewMicroTime(noon))},
			}}}}
			for node, ago := range test.renewed {
				s.All.Leases = append(s.All.Leases, coordinationv1.Lease{
					ObjectMeta: metav1.ObjectMeta{Namespace: corev1.NamespaceNodeLease, Name: node},
					Spec:       coordinationv1.LeaseSpec{RenewTime: ptr.To(metav1.NewMicroTime(noon.Add(-time.Duration(ago) * time.Second)))},
				})
			}
			if got, known := s.LeaseBehind("a"); got != test.want || known != test.known {
				t.Errorf("%s, %t", got, known)
			}
		})
	}
}
