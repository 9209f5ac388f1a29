// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package logs

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
)

var (
	// loud matches a line that tells an error in the words of most languages' runtimes and loggers.
	loud = regexp.MustCompile(`(?i)\b(?:panic|fatal|emerg|critical|error|exception|traceback|fail(?:ed|ure)?|denied|refused|cannot|could not|unable to)\b|\b\w+(?:Error|Exception)\b`)
	// calm matches a line whose level says that it is none.
	calm = regexp.MustCompile(`(?i)\blevel=(?:info|debug|trace|warn)|"level":\s*"(?:info|debug|trace|warn)|^\S*\s*\[?(?:INFO|DEBUG|TRACE)\b`)
	// frame matches a line of a stack trace.
	frame = regexp.MustCompile(`^\s+|^goroutine \d|^at |^exit status `)
)

// ErrorLine picks the last line that looks like an error, or "" if none does. It is shown to people; nothing is decided
// by it.
func ErrorLine(log string) string {
	lines := strings.Split(log, "\n")
	for i := len(lines) - 1; i >= 0; i-- {
		line := lines[i]
		if loud.MatchString(line) && !calm.MatchString(line) && !frame.MatchString(line) {
			return spoken(line)
		}
	}
	return ""
}

// LastLine is the last line of a log.
func LastLine(log string) string { return spoken(log[strings.LastIndex(log, "\n")+1:]) }

// spoken is what a line says to people: of a JSON line the message and the error, of any other all of it.
func spoken(line string) string {
	line = strings.TrimSpace(line)
	var fields struct {
		Msg     string `json:"msg"`
		Message string `json:"message"`
		Err     string `json:"err"`
		Error   string `json:"error"`
	}
	if !strings.HasPrefix(line, "{") || json.Unmarshal([]byte(line), &fields) != nil {
		return line
	}
	said := slices.DeleteFunc([]string{fields.Msg, fields.Message, fields.Err, fields.Error}, func(part string) bool { return part == "" })
	if len(said) == 0 {
		return line
	}
	return strings.Join(said, ": ")
}
