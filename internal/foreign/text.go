// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

// Package foreign makes text that comes from outside fit to store and to show: logs, events, errors, what servers say of
// themselves. Such text is data. It is stripped of what is not seen, of secrets, and of its length before it goes anywhere,
// and it never chooses an action.
package foreign

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// maxRaw bounds what is read of one foreign text, maxBytes what is looked at of it once the invisible is gone, so that no
	// regexp runs over megabytes.
	maxRaw   = 256 << 10
	maxBytes = 32 << 10
	// edge is dropped where a text was cut, after its secrets were hidden. The cut can leave half a secret, which no rule
	// knows, as the last (or first) thing in the text; a secret longer than this is a private key, which is hidden from its
	// beginning to the end of the text, and from the beginning of the text to its end.
	edge = 4 << 10
	// ellipsis ends a text that was cut. It is ASCII because status fields are read in all kinds of terminals.
	ellipsis = "..."
)

// ansi matches the escape sequences that colour a log.
var ansi = regexp.MustCompile(`\x1b\[[0-9;?]*[A-Za-z]`)

// lineEnds makes every line end the same. A lone carriage return would let a terminal write over what it has shown.
var lineEnds = strings.NewReplacer("\r\n", "\n", "\r", "\n")

// Line makes one line of a text: no invisible characters, no secrets, at most limit characters.
func Line(text string, limit int) string {
	// No more than can be shown: a character has at most four bytes.
	window := min(maxBytes, 4*limit+edge)
	seen := Visible(Head(text, maxRaw))
	shown := redact(Head(seen, window))
	if len(text) > maxRaw || len(seen) > window {
		shown = Head(shown, max(0, len(shown)-edge))
	}
	return cut(strings.Join(strings.Fields(shown), " "), limit)
}

// Log is Line for many lines, of at most limit bytes. It keeps the end of the text, since that is where a crash is told.
func Log(text string, limit int) string {
	seen := Visible(end(text, maxRaw))
	shown := redact(end(seen, maxBytes))
	if len(text) > maxRaw || len(seen) > maxBytes {
		shown = tail(shown, max(0, len(shown)-edge))
	}
	lines := strings.Split(shown, "\n")
	for i, line := range lines {
		lines[i] = strings.TrimRightFunc(line, unicode.IsSpace)
	}
	return tail(strings.Trim(strings.Join(lines, "\n"), "\n"), limit)
}

// Block is the beginning of a text with its lines, of at most limit bytes, as it may go to a language model: no invisible
// characters, no secrets. whole reports that nothing was cut off. limit is at most 28 KiB.
func Block(text string, limit int) (shown string, whole bool) {
	window := min(maxBytes, limit+edge)
	seen := Visible(Head(text, maxRaw))
	shown = redact(Head(seen, window))
	if len(text) > maxRaw || len(seen) > window {
		return Head(Head(shown, max(0, len(shown)-edge)), limit), false
	}
	return Head(shown, limit), len(shown) <= limit
}

// Visible drops what a person cannot see but a terminal, a browser or a language model may obey: control characters,
// bidirectional overrides, zero-width and tag characters, and bytes that are no UTF-8. Line breaks and tabs stay.
func Visible(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case ' ' <= r && r <= '~', r == '\n', r == '\t':
			return r
		case r == utf8.RuneError, hidden(r):
			return -1
		default:
			return r
		}
	}, ansi.ReplaceAllString(lineEnds.Replace(text), ""))
}

// hidden reports characters without a shape of their own. Cf holds the bidi, zero-width and tag characters;
// the supplementary variation selectors can carry any bytes unseen.
func hidden(r rune) bool {
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Cs) || unicode.Is(unicode.Variation_Selector, r)
}

// cut keeps the first limit characters of text, the ellipsis included.
func cut(text string, limit int) string {
	if utf8.RuneCountInString(text) <= limit {
		return text
	}
	return strings.TrimRight(string([]rune(text)[:limit-len(ellipsis)]), " ") + ellipsis
}

// Head keeps at most limit bytes from the beginning, and no half character at the end.
func Head(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	return strings.ToValidUTF8(text[:limit], "")
}

// end keeps at most limit bytes from the end, and no half character at the beginning.
func end(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	return strings.ToValidUTF8(text[len(text)-limit:], "")
}

// tail is end beginning with a whole line, where there is one.
func tail(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	text = end(text, limit)
	if _, rest, found := strings.Cut(text, "\n"); found {
		return rest
	}
	return text
}
