// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

// Package record is what all who record a heal agree on, the gateway and the kubectl plugin: how a HealingRequest is called, and
// what is told of it when it is over.
package record

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

// NextName is the name of the next request for a target: one above the highest number that is taken. The name is the lock:
// whoever looks at the same requests computes the same name, and the API server refuses all creators but one.
func NextName(requests []v1alpha1.HealingRequest, target string) string {
	highest := 0
	for i := range requests {
		highest = max(highest, Number(requests[i].Name, target))
	}
	return numbered(target, highest+1)
}

// numbered pads the number, so that kubectl, which sorts by name, lists the first 999 requests in their order.
func numbered(target string, n int) string { return fmt.Sprintf("%s-%03d", target, n) }

// Number reads n off "<target>-<n>". Any other name, and an n that is never written so, counts as 0.
func Number(name, target string) int {
	digits, ok := strings.CutPrefix(name, target+"-")
	if !ok {
		return 0
	}
	n, err := strconv.Atoi(digits)
	if err != nil || n < 1 || numbered(target, n) != name {
		return 0
	}
	return n
}
