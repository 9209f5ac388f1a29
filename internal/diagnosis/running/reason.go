// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package running

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/logs"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/diagnosis/words"
)

// The details of a crash. Where none fits, the exit code in the message tells enough.
const (
	// detailHeap: the runtime's own heap is full, below the container's limit.
	detailHeap = "Heap"
	// detailCompleted: it ended by itself and without an error.
	detailCompleted = "Completed"
	// detailTrace: it ended with a stack trace.
	detailTrace = "Trace"
	// detailSignal: a signal of its own doing ended it, such as SIGSEGV or SIGABRT.
	detailSignal = "Signal"
)

// detail tells the kinds of crashes apart.
func (c crash) detail(s *snapshot.Snapshot) string {
	log := s.LogOf(c.Pod, c.Spec.Name)
	switch {
	case c.last == nil || c.outOfMemory():
		return ""
	case c.last.ExitCode == 0:
		return detailCompleted
	case heapIsFull(log):
		return detailHeap
	case logs.Reason(log).Frame != "":
		return detailTrace
	case c.last.ExitCode == 134 || c.last.ExitCode == 139:
		return detailSignal
	default:
		return ""
	}
}

// heapIsFull reports whether the last that a runtime said is that its heap is full.
func heapIsFull(log string) bool {
	return slices.ContainsFunc(logs.Scan(log), func(m logs.Match) bool {
		return m.Cause == v1alpha1.CauseOOMKilled && m.Detail == detailHeap && !m.Healed && m.Last >= logs.Reason(log).First
	})
}

// advice says what to look at.
func (c crash) advice(s *snapshot.Snapshot) string {
	read := fmt.Sprintf("Read the log of the run that ended: kubectl logs -n %s %s -c %s --previous", s.Namespace, c.Pod.Name, c.Spec.Name)
	switch c.detail(s) {
	case detailHeap:
		limit := "it has no memory limit"
		if memory := c.Spec.Resources.Limits.Memory(); !memory.IsZero() {
			limit = "its memory limit is " + memory.String()
		}
		return fmt.Sprintf("Raise the heap of the runtime of %s (--max-old-space-size of Node, -Xmx or -XX:MaxRAMPercentage of Java; %s), or find what it keeps in memory. %s", s.In(c.Container), limit, read)
	case detailCompleted:
		return fmt.Sprintf("Let the command of %s stay in the foreground, or make it a Job if it is to end. %s", s.In(c.Container), read)
	default:
		return read
	}
}

// lastSaid is what the container said before it ended: the error, and where in its own code, as far as a stack trace tells.
func lastSaid(s *snapshot.Snapshot, c crash) []string {
	log := s.LogOf(c.Pod, c.Spec.Name)
	reason := logs.Reason(log)
	line := cmp.Or(reason.Line, logs.ErrorLine(log))
	if line == "" {
		if line = logs.LastLine(log); line != "" && !c.outOfMemory() { // who is killed for memory had no say
			return []string{"last line of its log: " + line}
		}
		return nil
	}
	told := []string{"last error in its log: " + line}
	if reason.Frame != "" {
		told = append(told, "at "+reason.Frame)
	}
	if traces := len(logs.Traces(log)); traces > 1 {
		told = append(told, words.Count(traces, "stack trace")+" in its log; the last one is told")
	}
	return told
}
