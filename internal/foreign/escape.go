// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package foreign

import (
	"strconv"
	"strings"
)

// unescaped writes out the line breaks and signs that a JSON string escapes, so that what was a YAML file, a URL or XML
// before it was logged is read as such. places tells where each byte stood, and is nil where nothing is escaped. Quotes
// stay as they are: they tell where the string itself ends.
func unescaped(text string) (plain string, places []int) {
	if !strings.Contains(text, `\n`) && !strings.Contains(text, `\u00`) {
		return text, nil
	}
	out := make([]byte, 0, len(text))
	places = make([]int, 0, len(text)+1)
	for i := 0; i < len(text); {
		c, n := escape(text[i:])
		out, places = append(out, c), append(places, i)
		i += n
	}
	return string(out), append(places, len(text))
}

// escape is the byte that a text begins with, and how many bytes write it.
func escape(s string) (c byte, n int) {
	if s[0] != '\\' || len(s) < 2 {
		return s[0], 1
	}
	switch s[1] {
	case 'n':
		return '\n', 2
	case 'r', 't':
		return ' ', 2
	case 'u':
		if len(s) >= 6 {
			if code, err := strconv.ParseUint(s[2:6], 16, 8); err == nil && ' ' < code && code <= '~' && code != '"' && code != '\\' {
				return byte(code), 6
			}
		}
	}
	return s[0], 1
}
