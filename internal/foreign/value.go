// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package foreign

import (
	"regexp"
	"strings"
)

// valueAt is the value that begins at a place, without its quotes, and the quote that opened it.
func valueAt(text string, at int, p pair) (value span, quote string) {
	rest := text[at:]
	if n := slashes(rest); n < len(rest) && strings.IndexByte("\"'`", rest[n]) >= 0 {
		begin := at + n + 1
		return span{begin, begin + quotedEnd(text[begin:], rest[n], n)}, rest[:n+1]
	}
	switch {
	case strings.HasPrefix(rest, redacted):
		return span{at, at + bareEnd(rest, p.sign)}, ""
	case strings.HasPrefix(rest, "{"), strings.HasPrefix(rest, "[{"), strings.HasPrefix(rest, "map["):
		return span{}, "" // the names inside speak for themselves
	case strings.HasPrefix(rest, "["):
		return span{at + 1, at + 1 + upTo(rest[1:], "]\n")}, ""
	case p.sign == ":" && block.MatchString(rest):
		return blockAt(text, at, p.name.start), ""
	}
	return span{at, at + bareEnd(rest, p.sign)}, ""
}

func slashes(s string) int { return len(s) - len(strings.TrimLeft(s, `\`)) }

func upTo(s, stops string) int {
	if i := strings.IndexAny(s, stops); i >= 0 {
		return i
	}
	return len(s)
}

// quotedEnd is where a quoted value ends: at the same quote behind no more backslashes than the one that opened it, or at
// the end of the line.
func quotedEnd(s string, quote byte, opened int) int {
	run := 0
	for i := range len(s) {
		switch {
		case s[i] == '\\':
			run++
			continue
		case s[i] == '\n':
			return i
		case s[i] == quote && (run <= opened && (opened > 0 || run%2 == 0)):
			return i - run
		}
		run = 0
	}
	return len(s)
}

// follows matches what shows that a separator is one: the next pair, or nothing.
var follows = regexp.MustCompile(`^[,;&|](?:[\s"'\x60]|$|[ ]?\\*["']?[A-Za-z_][\w .-]{0,40}\\*["']?(?:=|:\S))`)

// bareEnd is where a value without quotes ends. A password may hold any character, so a separator counts only where
// something is separated.
func bareEnd(s, sign string) int {
	for i := range len(s) {
		switch c := s[i]; {
		case c <= ' ', c == '<' && sign == "element":
			return i
		case c == '\\' && i+1 < len(s) && strings.IndexByte("nrtu\"'\\", s[i+1]) >= 0:
			return i
		case strings.IndexByte("\"'`", c) >= 0 && !isWordByte(s, i+1):
			return i
		case strings.IndexByte(",;&|", c) >= 0 && follows.MatchString(s[i:min(len(s), i+64)]):
			return i
		case strings.IndexByte(")]}>", c) >= 0 && !strings.HasPrefix(s, redacted) && onlyClosing(s[i:]):
			return i
		}
	}
	return len(s)
}

func isWordByte(s string, i int) bool { return i < len(s) && inName(s[i]) }

// onlyClosing reports whether nothing but punctuation follows up to the next space.
func onlyClosing(s string) bool {
	word := s[:upTo(s[:min(len(s), 64)], " \t\n")]
	return strings.Trim(word, ")]}>\"'`,;.:\\") == ""
}

// block matches a value that YAML writes on the lines below.
var block = regexp.MustCompile(`^(?:[|>][+-]?)?[ \t]*\n`)

// blockAt are the lines below that are indented more than the line of the name.
func blockAt(text string, at, name int) span {
	begin := lineEnd(text, at)
	if plainBlock(text[at:begin], text[begin:lineEnd(text, begin)]) {
		return span{}
	}
	return indented(text, begin, indentOf(text[lineStart(text, name):]))
}

// indented are the lines from begin on that are indented by more than so much.
func indented(text string, begin, than int) span {
	end := begin
	for end < len(text) {
		line := text[end:lineEnd(text, end)]
		if strings.TrimSpace(line) != "" && indentOf(line) <= than {
			break
		}
		end += len(line)
	}
	body := strings.TrimRight(text[begin:end], " \t\n")
	return span{begin + indentOf(body), begin + len(body)}
}

// plainBlock reports a block that is none: without | or >, a line with a colon, a dash or a space in it is another pair,
// a list, or prose.
func plainBlock(mark, line string) bool {
	return strings.TrimSpace(mark) == "" && strings.ContainsAny(strings.TrimSpace(line), ": \t")
}

func indentOf(line string) int { return len(line) - len(strings.TrimLeft(line, " \t")) }
