// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package logs

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
)

var (
	goHead  = regexp.MustCompile(`^(panic|fatal error): (.*)`)
	goFile  = regexp.MustCompile(`^\s*(\S+\.go:\d+)(?: \+0x[0-9a-f]+)?$`)
	goFunc  = regexp.MustCompile(`^(?:created by )?([\w./*()-]+[\w)])(?:\(.*\)|\s+in goroutine \d+)?$`)
	goOther = regexp.MustCompile(`^goroutine \d+|^\[signal |^\s*$|^\tpanic: |^exit status \d|^\[recovered|^rax |^\.\.\.`)
	goLib   = regexp.MustCompile(`/usr/local/go/|/go/src/|/pkg/mod/|/vendor/|\bruntime/|^panic`)
)

// goTrace reads a panic or a fatal error of the runtime.
func goTrace(lines []line, i int) (block, bool) {
	head := goHead.FindStringSubmatch(lines[i].text)
	if head == nil {
		return block{}, false
	}
	b := block{Trace{Kind: "Go", Line: lines[i].text, Exception: head[1]}, i, i}
	var frames []string
	for j := i + 1; j < len(lines); j++ {
		text := lines[j].text
		if file := goFile.FindStringSubmatch(text); file != nil {
			frames = append(frames, file[1])
		} else if !goOther.MatchString(text) && !goFunc.MatchString(text) {
			break
		}
		b.to = j
	}
	b.Frame = nearest(frames, goLib.MatchString)
	return b, true
}

var (
	pyHead = regexp.MustCompile(`Traceback \(most recent call last\):|^\s*\+ Exception Group Traceback`)
	pyFile = regexp.MustCompile(`^\s*\|?\s*File "([^"]+)", line (\d+)(?:, in (.+))?`)
	pyMore = regexp.MustCompile(`^(?:During handling of the above exception|The above exception was the direct cause)`)
	pyLast = regexp.MustCompile(`^\s*\|?\s*((?:[A-Za-z_]\w*\.)*[A-Za-z_]\w*)(?::\s|:?$)`)
	pyLib  = regexp.MustCompile(`site-packages/|dist-packages/|/lib/python\d|<frozen |<string>`)
)

// pythonTrace reads tracebacks up to the line that ends the last of a chain. The frame nearest to the fault is the last.
func pythonTrace(lines []line, i int) (block, bool) {
	if !pyHead.MatchString(lines[i].text) {
		return block{}, false
	}
	b := block{Trace{Kind: "Python"}, i, i}
	var frames []string
	for j := i + 1; j < len(lines); j++ {
		text := lines[j].text
		if file := pyFile.FindStringSubmatch(text); file != nil {
			frames = append(frames, file[1]+":"+file[2]+inFunc(file[3]))
		} else if !strings.HasPrefix(text, " ") && !strings.HasPrefix(text, "\t") {
			last := pyLast.FindStringSubmatch(text)
			if last == nil {
				break
			}
			b.Line, b.Exception, b.to = text, last[1], j
			if next := chained(lines, j+1); next > 0 {
				frames, j = nil, next
				continue
			}
			break
		}
		b.to = j
	}
	slices.Reverse(frames)
	b.Frame = nearest(frames, pyLib.MatchString)
	b.Line = cmp.Or(b.Line, lines[b.to].text)
	return b, true
}

// chained is the place of the next traceback of a chain, or 0.
func chained(lines []line, i int) int {
	if i < len(lines) && pyMore.MatchString(lines[i].text) {
		for j := i + 1; j < min(len(lines), i+3); j++ {
			if pyHead.MatchString(lines[j].text) {
				return j
			}
		}
	}
	return 0
}

func inFunc(name string) string {
	if name == "" || name == "<module>" {
		return ""
	}
	return " in " + name
}

var (
	rustHead = regexp.MustCompile(`^thread '[^']*'(?: \(\d+\))? panicked at (?:'(.*)', )?(\S+?:\d+:\d+):?$`)
	rustMore = regexp.MustCompile(`^note: |^stack backtrace:|^\s+\d+: |^\s+at `)
)

// rustTrace reads a panic, whose message stands in the line or on the next.
func rustTrace(lines []line, i int) (block, bool) {
	head := rustHead.FindStringSubmatch(lines[i].text)
	if head == nil {
		return block{}, false
	}
	b := block{Trace{Kind: "Rust", Line: head[1], Frame: head[2], Exception: "panic"}, i, i}
	if b.Line == "" && i+1 < len(lines) {
		b.Line, b.to = lines[i+1].text, i+1
	}
	for b.to+1 < len(lines) && rustMore.MatchString(lines[b.to+1].text) {
		b.to++
	}
	b.Line = cmp.Or(b.Line, lines[i].text)
	return b, true
}

var (
	rubyHead = regexp.MustCompile("^(\\S+\\.rb:\\d+|<internal:[^>]+>:\\d+):in [`'][^']*': (.*) \\(([A-Z][\\w:]*)\\)$")
	rubyFrom = regexp.MustCompile(`^\s+(?:\d+: )?from (\S+:\d+)(?::in .*)?$`)
	rubyLib  = regexp.MustCompile(`/gems/|/lib/ruby/|<internal:`)
)

// rubyTrace reads an exception that nobody rescued.
func rubyTrace(lines []line, i int) (block, bool) {
	head := rubyHead.FindStringSubmatch(lines[i].text)
	if head == nil {
		return block{}, false
	}
	b := block{Trace{Kind: "Ruby", Line: head[2], Exception: head[3]}, i, i}
	frames := []string{head[1]}
	for b.to+1 < len(lines) {
		from := rubyFrom.FindStringSubmatch(lines[b.to+1].text)
		if from == nil {
			break
		}
		frames = append(frames, from[1])
		b.to++
	}
	b.Frame = nearest(frames, rubyLib.MatchString)
	return b, true
}

var signalHead = regexp.MustCompile(`(?i)^(?:.*: )?(?:line \d+: +\d+ )?(segmentation fault|illegal instruction|bus error|aborted)(?: +\(core dumped\).*)?$|\b(SIGSEGV|SIGABRT|SIGBUS|SIGILL)\b.*(?:fault|signal|violation|received|\(0x)`)

// signalTrace reads the one line of a process that a signal ended.
func signalTrace(lines []line, i int) (block, bool) {
	head := signalHead.FindStringSubmatch(lines[i].text)
	if head == nil {
		return block{}, false
	}
	return block{Trace{Kind: "Signal", Line: lines[i].text, Exception: cmp.Or(head[1], head[2])}, i, i}, true
}
