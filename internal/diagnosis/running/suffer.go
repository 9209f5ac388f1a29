// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package running

import (
	"slices"
	"strings"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/logs"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
)

// sufferer is a container that is not well, and what its log says of it. What a log says is of interest only where
// somebody suffers.
type sufferer struct {
	snapshot.Container
	// crashes: it does not stay up. Otherwise it runs and is not ready, or is ready and does not serve.
	crashes bool
	// surely: that it suffers was seen. Where no handshake is possible a ready container may suffer unseen.
	surely bool
	told   []logs.Match
	pods   int
}

// sufferers are the containers of the target that started and are not well, one for each container of the spec.
func sufferers(s *snapshot.Snapshot) []sufferer {
	var all []sufferer
	for _, c := range s.Containers() {
		one, ok := suffererOf(s, c)
		if !ok {
			continue
		}
		if same := slices.IndexFunc(all, func(o sufferer) bool { return o.Spec.Name == c.Spec.Name && o.Init == c.Init }); same >= 0 {
			all[same].pods++
			all[same].surely = all[same].surely || one.surely
			if len(all[same].told) == 0 {
				all[same].Container, all[same].told = c, one.told
			}
			continue
		}
		all = append(all, one)
	}
	return all
}

func suffererOf(s *snapshot.Snapshot, c snapshot.Container) (sufferer, bool) {
	crash, crashes := crashOf(s, c)
	if crashes && crash.outOfMemory() || c.Init && !snapshot.IsSidecar(&c.Spec) && !crashes {
		return sufferer{}, false
	}
	runs := !c.Running().IsZero()
	one := sufferer{Container: c, crashes: crashes, pods: 1}
	one.surely = crashes || runs && !c.Status.Ready || runs && fails(s)
	if !one.surely && (!runs || !s.Unprobed) {
		return sufferer{}, false
	}
	one.told = slices.DeleteFunc(logs.Scan(saidBy(s, c)), func(m logs.Match) bool { return m.Healed })
	return one, one.surely || len(one.told) > 0
}

// fails reports whether the server was seen not to serve: by a handshake, or else by the caller.
func fails(s *snapshot.Snapshot) bool {
	if s.Handshake != nil {
		return s.Handshake.Verdict == v1alpha1.VerdictFailed
	}
	return s.Error != nil
}

// saidBy is what a container said, the run that ended before the one that is on, so that what has healed since shows. A
// container that crashed without a log may have left its last words (terminationMessagePolicy).
func saidBy(s *snapshot.Snapshot, c snapshot.Container) string {
	log := s.Logs[snapshot.ContainerKey{Pod: c.Pod.Name, Container: c.Spec.Name}]
	var parts []string
	for _, part := range []string{log.Previous, log.Current} {
		if part = strings.TrimRight(part, "\n"); part != "" {
			parts = append(parts, part)
		}
	}
	if ended := c.Ended(); len(parts) == 0 && ended != nil {
		return ended.Message
	}
	return strings.Join(parts, "\n")
}

// trust is how much the word of the container's log is worth: one line of a ready container that nobody could ask says
// nothing, and more of them are a hint.
func (u sufferer) trust(m logs.Match) (v1alpha1.Confidence, bool) {
	if u.surely {
		return v1alpha1.Likely, true
	}
	return v1alpha1.Possible, m.Count >= unseenCount
}

// unseenCount is how often a ready container must tell a fault that nobody else has seen.
const unseenCount = 3
