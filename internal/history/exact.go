// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package history

import (
	"fmt"
	"strings"

	"github.com/ry-ops/cortex/internal/foreign"
)

// Exact shows a text that is to be approved or copied as it is: nothing is shortened or hidden, since one would be approved and the
// other done. What is not seen, or would break the line, is written as JSON does: \u202e.
func Exact(text string) string {
	var shown strings.Builder
	for _, r := range text {
		switch {
		case r == '\n', r == '\t', foreign.Visible(string(r)) == "":
			writeEscaped(&shown, r)
		default:
			shown.WriteRune(r)
		}
	}
	return shown.String()
}

// writeEscaped writes a character beyond the first 65536 as the pair of UTF-16.
func writeEscaped(to *strings.Builder, r rune) {
	if r > 0xffff {
		r -= 0x10000
		fmt.Fprintf(to, `\u%04x`, 0xd800+r>>10)
		r = 0xdc00 + r&0x3ff
	}
	fmt.Fprintf(to, `\u%04x`, r)
}
