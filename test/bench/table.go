// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"time"
)

// table is what the benchmark finds: rows of Markdown, each with its bound and whether it is met.
type table struct {
	out    io.Writer
	missed int
}

// begin tells where and when, and writes the head of the table.
func (t *table) begin() {
	load, _ := os.ReadFile("/proc/loadavg")
	kernel, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	_, _ = fmt.Fprintf(t.out, "%s, %d processors (%s), %s of memory, Linux %s, %s, load before %s\n\n| what | measured | bound | |\n|---|---|---|---|\n",
		time.Now().UTC().Format("2006-01-02 15:04 MST"), runtime.NumCPU(), field("/proc/cpuinfo", "model name"), field("/proc/meminfo", "MemTotal"),
		strings.TrimSpace(string(kernel)), runtime.Version(), strings.Join(strings.Fields(string(load))[:3], " "))
}

// field of one of the kernel's lists.
func field(file, name string) string {
	text, _ := os.ReadFile(file)
	for line := range strings.Lines(string(text)) {
		if key, value, found := strings.Cut(line, ":"); found && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return "?"
}

// tell writes a row that has no bound.
func (t *table) tell(what, format string, values ...any) {
	_, _ = fmt.Fprintf(t.out, "| %s | %s | | |\n", what, fmt.Sprintf(format, values...))
}

// holds writes a row.
func (t *table) holds(what string, met bool, measured, bound string) {
	verdict := "met"
	if !met {
		verdict = "**missed**"
		t.missed++
	}
	_, _ = fmt.Fprintf(t.out, "| %s | %s | %s | %s |\n", what, measured, bound, verdict)
}

// most writes a row with a value that may be no greater than its bound, with a unit.
func (t *table) most(what string, value, bound float64, unit string) {
	t.holds(what, value <= bound, fmt.Sprintf("%.2f%s", value, unit), fmt.Sprintf("≤ %g%s", bound, unit))
}

// least writes a row with a value that may be no less than its bound.
func (t *table) least(what string, value, bound float64, unit string) {
	t.holds(what, value >= bound, fmt.Sprintf("%.2f%s", value, unit), fmt.Sprintf("≥ %g%s", bound, unit))
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func mebibytes(n int64) float64 { return float64(n) / (1 << 20) }
