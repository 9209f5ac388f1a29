// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package workloads

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/workload"
)

// maxUsersTold bounds the users of a quota that evidence tells.
const maxUsersTold = 3

// users tells whose pods use most of a resource of the namespace, so that a person sees whom to ask. It is empty for what no
// pod uses.
func users(s *snapshot.Snapshot, name corev1.ResourceName) string {
	sums := map[string]resource.Quantity{}
	for i := range s.All.Pods {
		pod := &s.All.Pods[i]
		q, takes := footprint(&pod.Spec, nil)[name]
		if pod.Namespace != s.Namespace || !snapshot.IsLive(pod) || !takes {
			continue
		}
		owner := "Pod " + pod.Name
		if kind, of, ok := workload.OwnerOf(pod); ok {
			owner = kind + " " + of
		}
		sum := sums[owner].DeepCopy()
		sum.Add(q)
		sums[owner] = sum
	}
	var owners []string
	for owner := range sums {
		owners = append(owners, owner)
	}
	slices.SortFunc(owners, func(a, b string) int {
		x, y := sums[a], sums[b]
		return cmp.Or(y.Cmp(x), cmp.Compare(a, b))
	})
	var told []string
	for _, owner := range owners[:min(len(owners), maxUsersTold)] {
		sum := sums[owner]
		told = append(told, fmt.Sprintf("%s %s", owner, sum.String()))
	}
	if len(told) == 0 {
		return ""
	}
	return fmt.Sprintf("%s is used most by: %s", name, strings.Join(told, ", "))
}
