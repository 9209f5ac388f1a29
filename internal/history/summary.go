// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package history

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/words"
)

// window is how far a summary looks back: requests are kept for as long by default.
const window = 7 * 24 * time.Hour

// Summary counts the heals that ended within the window. Dry runs are no heals, and what a person has stopped is no failure.
type Summary struct {
	// Heals that ended, and how many of them with a target that answers.
	Heals     int `json:"heals"`
	Succeeded int `json:"succeeded"`
	// MedianToHeal is how long a heal that has changed something took to prove it, as a duration; empty if there is none.
	MedianToHeal string `json:"medianToHeal"`
	// CommonCause is the cause that was found most often, and CauseCount how often.
	CommonCause string `json:"commonCause"`
	CauseCount  int    `json:"causeCount"`

	median time.Duration
}

func summarize(heals []Heal, now time.Time) Summary {
	var s Summary
	var took []time.Duration
	causes := map[string]int{}
	for _, h := range heals {
		if !counts(h, now) {
			continue
		}
		s.Heals++
		if h.Phase == v1alpha1.PhaseSucceeded {
			s.Succeeded++
		}
		if h.Outcome == v1alpha1.ReasonHealed {
			took = append(took, h.duration)
		}
		if h.Cause != "" && h.Cause != string(v1alpha1.CauseHealthy) {
			causes[h.Cause]++
		}
	}
	if len(took) > 0 {
		slices.Sort(took)
		s.median = (took[(len(took)-1)/2] + took[len(took)/2]) / 2
		s.MedianToHeal = s.median.Round(time.Millisecond).String()
	}
	// Of two that are as frequent, the first by name: the same requests always give the same summary.
	for _, cause := range slices.Sorted(maps.Keys(causes)) {
		if causes[cause] > s.CauseCount {
			s.CommonCause, s.CauseCount = cause, causes[cause]
		}
	}
	return s
}

// counts reports whether a heal counts: it ended within the window, by itself.
func counts(h Heal, now time.Time) bool {
	switch h.Outcome {
	case "", v1alpha1.ReasonDryRun, v1alpha1.ReasonDenied, v1alpha1.ReasonCanceled:
		return false
	default:
		return now.Sub(h.created.Add(h.duration)) <= window
	}
}

// text tells the summary in a line.
func (s Summary) text() string {
	if s.Heals == 0 {
		return "no heals in 7 days"
	}
	parts := []string{words.Count(s.Heals, "heal") + " in 7 days", fmt.Sprintf("%d succeeded (%d %%)", s.Succeeded, s.percent())}
	if s.MedianToHeal != "" {
		parts = append(parts, short(s.median)+" to heal in the median")
	}
	if s.CommonCause != "" {
		parts = append(parts, fmt.Sprintf("most often %s (%d)", s.CommonCause, s.CauseCount))
	}
	return strings.Join(parts, ", ")
}

func (s Summary) percent() int { return s.Succeeded * 100 / max(s.Heals, 1) }

// newest orders heals, the newest first. Creation times have a resolution of one second, so the name decides between twins.
func newest(a, b Heal) int {
	return cmp.Or(b.created.Compare(a.created), cmp.Compare(b.Name, a.Name))
}
