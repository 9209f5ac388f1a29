// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package dependency

import (
	"strings"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

// maxRelayed is the length of a progress beyond which nothing of a dependency is added: what is left is for the request's own
// end, another diagnosis included.
const maxRelayed = v1alpha1.MaxProgress - 24

// Relay are the steps of a dependency's heal that the request which waits for it does not show yet, in their order: each is
// told once, as "postgres: Restarted deployment postgres". The request keeps nothing for that but its progress: of the entries
// that begin so, there are as many as have been told. Where the room ends, how it ended is told in the last place.
func Relay(parent, child *v1alpha1.HealingRequest) []string {
	prefix := ServiceOf(child) + ": "
	told := 0
	for _, entry := range parent.Status.Progress {
		if strings.HasPrefix(entry.Message, prefix) {
			told++
		}
	}
	room := maxRelayed - len(parent.Status.Progress)
	if !child.Done() {
		room-- // for its end
	}
	untold := child.Status.Progress[min(told, len(child.Status.Progress)):]
	if room <= 0 || len(untold) == 0 {
		return nil
	}
	if len(untold) > room {
		last := untold[len(untold)-1]
		untold = untold[:room:room]
		if child.Done() {
			untold = append(untold[:room-1:room-1], last)
		}
	}
	lines := make([]string, 0, len(untold))
	for _, entry := range untold {
		lines = append(lines, prefix+entry.Message)
	}
	return lines
}
