// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package task

import (
	"crypto/rand"
	"strconv"
	"strings"
	"time"
)

const prefix = "task-"

// NewID makes the id of a task that begins now. Nobody can guess it, and it tells when the task began: so a gateway that never
// heard of a task can tell whether it was already running then.
func NewID(now time.Time) string {
	return prefix + strconv.FormatInt(now.Unix(), 36) + "-" + strings.ToLower(rand.Text())
}

// Begun reads off an id when its task began. ok is false for what NewID never makes.
func Begun(id string) (began time.Time, ok bool) {
	rest, ours := strings.CutPrefix(id, prefix)
	stamp, random, two := strings.Cut(rest, "-")
	if !ours || !two || len(random) != len(rand.Text()) || strings.Trim(random, "abcdefghijklmnopqrstuvwxyz234567") != "" {
		return time.Time{}, false
	}
	seconds, err := strconv.ParseInt(stamp, 36, 64)
	if err != nil || seconds < 0 || strconv.FormatInt(seconds, 36) != stamp || len(stamp) > 7 {
		return time.Time{}, false
	}
	return time.Unix(seconds, 0), true
}
