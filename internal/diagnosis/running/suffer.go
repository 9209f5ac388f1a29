// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package running

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/logs"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/diagnosis/words"
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

// sufferers are the containers of the target that started and are not well, one for each container of the spec. Replicas
// mostly say the same, so no more logs are read than are needed to hear one of them.
func sufferers(s *snapshot.Snapshot) []sufferer {
	var all []sufferer
	for _, c := range s.Containers() {
		one, ok := suffererOf(s, c)
		if !ok {
			continue
		}
		same := slices.IndexFunc(all, func(o sufferer) bool { return o.Spec.Name == c.Spec.Name && o.Init == c.Init })
		if same >= 0 && len(all[same].told) > 0 && all[same].surely {
			all[same].pods++
			continue
		}
		one.told = slices.DeleteFunc(logs.Scan(saidBy(s, c)), func(m logs.Match) bool { return m.Healed })
		switch {
		case !one.surely && len(one.told) == 0:
		case same < 0:
			all = append(all, one)
		case len(all[same].told) == 0 && len(one.told) > 0 || !all[same].surely && one.surely:
			one.pods += all[same].pods
			all[same] = one
		default:
			all[same].pods++
		}
	}
	return all
}

// suffererOf tells whether a container is not well, or may be so unseen.
func suffererOf(s *snapshot.Snapshot, c snapshot.Container) (sufferer, bool) {
	crash, crashes := crashOf(s, c)
	runs := !c.Running().IsZero()
	waits := c.Init && !snapshot.IsSidecar(&c.Spec) // an init container is to end: one that runs on waits for somebody
	if crashes && crash.outOfMemory() || waits && !crashes && (!runs || s.Age(c.Running()) < slowStart) {
		return sufferer{}, false
	}
	one := sufferer{Container: c, crashes: crashes, pods: 1}
	one.surely = crashes || runs && !c.Status.Ready || runs && fails(s)
	return one, one.surely || runs && s.Unprobed
}

// fails reports whether the server was seen not to serve: by a handshake, or else by the caller. A server whose tools cannot do
// their work passes a handshake all the same.
func fails(s *snapshot.Snapshot) bool {
	if s.Complains() {
		return true
	}
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

// replicas tells how many pods show the same.
func (u sufferer) replicas() string {
	if u.pods < 2 {
		return ""
	}
	return words.Count(u.pods, "pod") + " show the same"
}

// stamp is the time of day that a log line begins with, to the minute. Its zone does not matter within one log.
var stamp = regexp.MustCompile(`\b(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d)`)

// lateness is how much older than the newest line of its log a line may be to be of now.
const lateness = 10 * time.Minute

// lately reports whether a fault was told as one of the last things: by the times in the log where it has any, else near
// its end.
func (u sufferer) lately(s *snapshot.Snapshot, m logs.Match) bool {
	lines := strings.Split(strings.TrimRight(saidBy(s, u.Container), "\n"), "\n")
	told, newest, at := time.Time{}, time.Time{}, 0
	for i, line := range slices.Backward(lines) {
		if newest.IsZero() {
			newest = timeIn(line)
		}
		if strings.Contains(line, m.Line) {
			told, at = timeIn(line), len(lines)-i
			break
		}
	}
	if told.IsZero() || newest.IsZero() {
		return at > 0 && at <= lastLines
	}
	return newest.Sub(told) < lateness
}

// lastLines are by which a container is judged whose log tells no times.
const lastLines = 8

func timeIn(line string) time.Time {
	found := stamp.FindStringSubmatch(line)
	if found == nil {
		return time.Time{}
	}
	at, err := time.Parse("2006-01-02 15:04", found[1]+" "+found[2])
	if err != nil {
		return time.Time{}
	}
	return at
}
