// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package logs

import (
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
)

// fields are what a structured line holds.
type fields map[string]string

var (
	// saying are the fields that say something to people, in the order in which it is said.
	saying   = []string{"msg", "message", "@m", "event", "err", "error", "error.message", "exception", "exception.message", "reason", "cause"}
	leveling = []string{"level", "severity", "lvl", "loglevel", "levelname", "log.level", "@l", "s"}
	stacking = []string{"stack", "stack_trace", "stacktrace", "error.stack", "error.stack_trace", "exception.stacktrace", "exc_info", "@x"}
)

// maxDepth is how deep a JSON line is read: {"error":{"message":…}}.
const maxDepth = 2

func jsonFields(text string) (fields, bool) {
	text = strings.TrimSpace(text)
	if !strings.HasPrefix(text, "{") {
		return nil, false
	}
	var object map[string]any
	if json.Unmarshal([]byte(text), &object) != nil {
		return nil, false
	}
	f := fields{}
	f.put("", object, maxDepth)
	return f, true
}

func (f fields) put(prefix string, object map[string]any, depth int) {
	for name, value := range object {
		switch v := value.(type) {
		case string:
			f[prefix+name] = v
		case float64:
			f[prefix+name] = strconv.FormatFloat(v, 'f', -1, 64)
		case map[string]any:
			if depth > 1 {
				f.put(prefix+name+".", v, depth-1)
			}
		}
	}
}

// pairs of logfmt: name=value and name="a value".
var pairs = regexp.MustCompile(`(?:^|\s)"?([A-Za-z_][\w.]*)"?=("(?:[^"\\]|\\.)*"|\S*)`)

// logfmt is nil for a line that has no message, which the format always has. klog's message stands in quotes in front.
func logfmt(text string) fields {
	if !strings.Contains(text, "=") {
		return nil
	}
	f := fields{}
	for _, m := range pairs.FindAllStringSubmatch(text, -1) {
		value := m[2]
		if unquoted, err := strconv.Unquote(value); err == nil {
			value = unquoted
		}
		f[m[1]] = value
	}
	if rest, ok := strings.CutPrefix(text, `"`); ok && f["msg"] == "" {
		f["msg"], _, _ = strings.Cut(rest, `"`)
	}
	if f["msg"] == "" && f["message"] == "" {
		return nil
	}
	return f
}

// said is what the fields say, or the line itself where they are no log's.
func (f fields) said(text string) string {
	if f["msg"]+f["message"]+f["@m"]+f["event"]+f["err"]+f["error"]+f["error.message"] == "" {
		return strings.TrimSpace(text)
	}
	var parts []string
	for _, name := range saying {
		if part := strings.TrimSpace(f[name]); part != "" {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, ": ")
}

func (f fields) level() string {
	for _, name := range leveling {
		if f[name] != "" {
			return f[name]
		}
	}
	return ""
}

func (f fields) stack() []string {
	for _, name := range stacking {
		if strings.Contains(f[name], "\n") {
			return strings.Split(f[name], "\n")
		}
	}
	return nil
}
