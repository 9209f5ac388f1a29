// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package running

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
)

func TestExitWords(t *testing.T) {
	for code, want := range map[int32]string{
		0:   "it ended by itself, without an error",
		1:   "an error of its own",
		2:   "an error of its own: a Go panic, or wrong arguments",
		126: "its command cannot be executed",
		127: "its command was not found",
		130: "signal 2",
		137: "SIGKILL: killed from outside, by a failed liveness probe or for want of memory",
		139: "SIGSEGV: it touched memory that is not its own",
		143: "SIGTERM: it was asked to stop",
		255: "an error of its own",
	} {
		if got := exitWords(&corev1.ContainerStateTerminated{ExitCode: code}); got != want {
			t.Errorf("%d: %q, want %q", code, got, want)
		}
	}
	if got := exitWords(&corev1.ContainerStateTerminated{ExitCode: 137, Reason: "OOMKilled"}); got != "killed: out of memory" {
		t.Errorf("OOMKilled: %q", got)
	}
	if got := (crash{last: &corev1.ContainerStateTerminated{Signal: 9}}).ending(); got != "ended by signal 9" {
		t.Errorf("signal: %q", got)
	}
}
