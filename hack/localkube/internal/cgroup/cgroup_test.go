// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package cgroup

import (
	"slices"
	"testing"
)

func TestParseHierarchies(t *testing.T) {
	for name, test := range map[string]struct {
		mounts string
		want   []string
	}{
		"v2": {"30 24 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw\n", []string{"/sys/fs/cgroup"}},
		"hybrid": {
			"31 24 0:27 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n" +
				"32 31 0:28 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n" +
				"33 31 0:29 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n",
			[]string{"/sys/fs/cgroup/cpu", "/sys/fs/cgroup/unified"},
		},
		"none":    {"24 1 0:23 / / rw - ext4 /dev/vda rw\n", nil},
		"garbage": {"- cgroup\n\nx\n", nil},
	} {
		t.Run(name, func(t *testing.T) {
			if got := parseHierarchies(test.mounts); !slices.Equal(got, test.want) {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}
