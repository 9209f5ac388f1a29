// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package running

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
)

// ending tells how the container ended the last time, in words.
func (c crash) ending() string {
	if c.last == nil {
		return "how it ended is not told"
	}
	if c.last.Signal != 0 {
		return fmt.Sprintf("ended by signal %d", c.last.Signal)
	}
	return fmt.Sprintf("exit code %d (%s)", c.last.ExitCode, exitWords(c.last))
}

// exitWords tells what an exit code means: a shell's own codes, and 128 + n for the signal n that ended the process.
func exitWords(last *corev1.ContainerStateTerminated) string {
	if last.Reason == "OOMKilled" {
		return "killed: out of memory"
	}
	switch last.ExitCode {
	case 0:
		return "it ended by itself, without an error"
	case 1:
		return "an error of its own"
	case 2:
		return "an error of its own: a Go panic, or wrong arguments"
	case 126:
		return "its command cannot be executed"
	case 127:
		return "its command was not found"
	case 128:
		return "it could not be started"
	case 134:
		return "SIGABRT: it gave itself up"
	case 137:
		return "SIGKILL: killed from outside, by a failed liveness probe or for want of memory"
	case 139:
		return "SIGSEGV: it touched memory that is not its own"
	case 143:
		return "SIGTERM: it was asked to stop"
	default:
		return otherExit(last.ExitCode)
	}
}

func otherExit(code int32) string {
	if code > 128 && code < 128+65 {
		return fmt.Sprintf("signal %d", code-128)
	}
	return "an error of its own"
}
