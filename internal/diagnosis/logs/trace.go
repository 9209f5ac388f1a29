// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package logs

import (
	"cmp"
	"strings"
)

// Trace is a stack trace, or an error without one, by what it tells people.
type Trace struct {
	// Kind is the runtime that wrote it: Go, Java, Python, Node, DotNet, Ruby, Rust, Signal; empty for an error line.
	Kind string
	// First and Last are the numbers of its lines, from 1.
	First, Last int
	// Line is what went wrong: of a chain of causes the deepest.
	Line string
	// Exception is the type of it.
	Exception string
	// Frame is where: the frame nearest to the fault that is the program's own code and no library's, where that can be told.
	Frame string
}

// maxTraces bounds the result; the newest are kept.
const maxTraces = 16

// Reason is what a log says went wrong last: by its last trace, else by its last line that looks like an error. An error that is
// logged behind the trace tells more of the end, if the program gave one.
func Reason(text string) Trace {
	traces := Traces(text)
	if len(traces) > 0 {
		return traces[len(traces)-1]
	}
	lines := linesOf(text)
	for i := len(lines) - 1; i >= 0; i-- {
		if l := lines[i]; isLoud(cutTo(l.raw, maxLine)) {
			return Trace{First: l.number, Last: l.number, Line: cutTo(strings.TrimSpace(l.text), maxShown)}
		}
	}
	return Trace{}
}

// Traces finds the stack traces of a log, the newest last.
func Traces(text string) []Trace {
	var traces []Trace
	for _, found := range tracesOf(linesOf(text)) {
		traces = append(traces, found.Trace)
	}
	return traces[max(0, len(traces)-maxTraces):]
}

// block is a trace by the places of its lines.
type block struct {
	Trace
	from, to int
}

// tracesOf reads from one beginning of a trace to the end of it, and on from there.
func tracesOf(lines []line) []block {
	var found []block
	for i := 0; i < len(lines); {
		b, ok := traceAt(lines, i)
		if !ok {
			i++
			continue
		}
		b.First, b.Last = lines[b.from].number, lines[b.to].number
		b.Line, b.Frame, b.Exception = cutTo(strings.TrimSpace(b.Line), maxShown), cutTo(b.Frame, maxPart), cutTo(b.Exception, maxPart)
		found = append(found, b)
		i = b.to + 1
	}
	return found
}

// traceAt is the trace that begins with a line.
func traceAt(lines []line, i int) (block, bool) {
	for _, reader := range []func([]line, int) (block, bool){goTrace, pythonTrace, rustTrace, rubyTrace, atTrace, signalTrace} {
		if b, ok := reader(lines, i); ok {
			return b, true
		}
	}
	return block{}, false
}

// traceOf numbers the trace that each line belongs to; 0 is none.
func traceOf(lines []line) []int {
	owner := make([]int, len(lines))
	for n, b := range tracesOf(lines) {
		for i := b.from; i <= b.to; i++ {
			owner[i] = n + 1
		}
	}
	return owner
}

// nearest is the first of the frames that is the program's own, else the first.
func nearest(frames []string, library func(string) bool) string {
	first := ""
	for _, frame := range frames {
		if first = cmp.Or(first, frame); !library(frame) {
			return frame
		}
	}
	return first
}

// isLoud reports a line that ErrorLine would pick.
func isLoud(text string) bool {
	return loud.MatchString(text) && !calm.MatchString(text) && !frame.MatchString(text)
}
