// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// MaxWrites is what a heal may cost at most, in requests that change something: statuses, the fix, and Events.
const MaxWrites = 6

// Count is how often each thing was written, by verb and resource.
type Count map[string]int

// Writes counts the requests that change something, those that were refused too: they cost the same. Where each heal has a namespace
// of its own, those of the operator in it are the writes of that heal.
func (e Entries) Writes() Count {
	count := Count{}
	for _, entry := range e {
		switch entry.Verb {
		case "create", "update", "patch", "delete", "deletecollection":
			count[entry.String()]++
		}
	}
	return count
}

// Total is the number of all writes.
func (c Count) Total() int {
	total := 0
	for _, n := range c {
		total += n
	}
	return total
}

// String is such as "3 writes: 2 patch healingrequests.healing.cortex.dev/status, 1 patch deployments.apps".
func (c Count) String() string {
	var parts []string
	for _, what := range slices.SortedFunc(maps.Keys(c), func(a, b string) int {
		if c[a] != c[b] {
			return c[b] - c[a]
		}
		return strings.Compare(a, b)
	}) {
		parts = append(parts, fmt.Sprintf("%d %s", c[what], what))
	}
	if len(parts) == 0 {
		return "0 writes"
	}
	return fmt.Sprintf("%d writes: %s", c.Total(), strings.Join(parts, ", "))
}
