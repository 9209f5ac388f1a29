// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package logs

import (
	"regexp"
	"slices"
	"strings"
)

// level is how bad a line says that it is.
type level int

const (
	// unsaid: most programs' output has no level.
	unsaid level = iota
	mild
	warning
	severe
)

// line is one line of a log, read.
type line struct {
	number int
	// raw is the line as it was written, text what it says: without the time, of JSON and logfmt the message and the error.
	raw, text string
	level     level
}

// linesOf are the newest lines of a text. What a structured line says in several lines becomes several, under its number.
func linesOf(text string) []line {
	cut := max(0, len(text)-maxText)
	before := strings.Count(text[:cut], "\n")
	all := strings.Split(text[cut:], "\n")
	first := max(0, len(all)-maxLines)
	var lines []line
	for i, raw := range all[first:] {
		raw = strings.TrimRight(cutTo(raw, maxJSON), " \t\r")
		if l, stack := read(raw); l.text != "" {
			l.number, l.raw, l.text = before+first+i+1, cutTo(l.raw, maxLine), cutTo(l.text, maxLine)
			lines = append(lines, l)
			for _, frame := range stack {
				frame = cutTo(frame, maxLine)
				lines = append(lines, line{number: l.number, raw: frame, text: frame, level: l.level})
			}
		}
	}
	return lines[max(0, len(lines)-maxLines):]
}

// read understands a line, and gives the further lines that a structured line carries.
func read(raw string) (line, []string) {
	bare, mark := withoutTime(raw)
	l := line{raw: raw, text: bare, level: levelNamed(mark)}
	if f, ok := jsonFields(bare); ok {
		said := strings.Split(f.said(bare), "\n")
		l.text, l.level = said[0], levelNamed(f.level())
		return l, append(said[1:], f.stack()...)
	}
	if f := logfmt(bare); f != nil {
		said := strings.Split(f.said(bare), "\n")
		l.text, l.level = said[0], levelNamed(f.level())
		return l, said[1:]
	}
	l.text = cutTo(bare, maxLine)
	if found := leveled.FindStringSubmatch(cutTo(bare, 160)); found != nil && l.level == unsaid {
		l.level = levelNamed(found[1] + found[2])
	}
	return l, nil
}

var (
	// stamp is a time at the beginning of a line, as loggers, docker and kubectl write it. klog's has the level in front, and
	// the place in the code behind.
	stamp = regexp.MustCompile(`^\[?(?:\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d| UTC)?|[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d|\d\d? [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d(?:\.\d+)?|\d\d:\d\d:\d\d(?:[.,]\d+)?)\]? ?(?:- )?`)
	klog  = regexp.MustCompile(`^([IWEF])\d{4} \d\d:\d\d:\d\d\.\d+\s+\d+ [\w.-]+:\d+\] `)
	// leveled finds a level where loggers put it: in capitals among the first words, or in brackets or before a colon.
	leveled = regexp.MustCompile(`(?:^|[\s\[(|:<])(TRACE|DEBUG|INFO|NOTICE|LOG|WARN|WARNING|ERROR|ERR|FATAL|CRITICAL|SEVERE|PANIC|EMERG|ALERT)(?:[\s\])|:>]|$)|^\[?(?:\S+ )?\[?(trace|debug|info|notice|warn|warning|dbug|fail|crit|error|fatal|emerg)[\]:]`)
)

// withoutTime is a line without the times at its beginning, and klog's letter for the level. There may be two times:
// kubectl's and the program's own.
func withoutTime(raw string) (bare, mark string) {
	bare = raw
	for range 2 {
		if at := stamp.FindStringIndex(bare); at != nil {
			bare = bare[at[1]:]
		}
	}
	if at := klog.FindStringSubmatchIndex(bare); at != nil {
		return bare[at[1]:], bare[at[2]:at[3]]
	}
	if strings.TrimSpace(raw) == "" {
		return "", ""
	}
	return bare, ""
}

var levels = map[level][]string{
	mild:    {"trace", "debug", "dbug", "info", "information", "notice", "log", "verbose", "i", "d", "10", "20", "30"},
	warning: {"warn", "warning", "w", "40"},
	severe:  {"error", "err", "fatal", "fail", "crit", "critical", "severe", "panic", "emerg", "alert", "dpanic", "e", "f", "50", "60"},
}

func levelNamed(name string) level {
	for of, names := range levels {
		if slices.Contains(names, strings.ToLower(name)) {
			return of
		}
	}
	return unsaid
}

var (
	// comment begins a line of a script or of SQL that was printed.
	comment = regexp.MustCompile(`^\s*(?:#(?:\s|$)|--\s|//|/\*|\*\s)`)
	// statement is SQL that was logged: what stands in it happened to nobody.
	statement = regexp.MustCompile(`(?i)\bstatement: |^\s*(?:select|insert|update|delete|create|alter|explain)\s`)
	inline    = regexp.MustCompile(`/\*.*?\*/`)
	// framed is a line of a stack.
	framed = regexp.MustCompile(`^\s+at |^\s+File "|^\t+\S+\.go:\d+|^\s+from \S+:\d+:in |^\s+\.\.\. \d+ more|^\s+\d+: |^goroutine \d+ \[`)
)

func (l line) isFrame() bool { return framed.MatchString(l.text) }

// isQuiet: what the line says happened to nobody.
func (l line) isQuiet() bool { return comment.MatchString(l.text) || statement.MatchString(l.text) }
