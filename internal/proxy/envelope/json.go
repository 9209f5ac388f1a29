// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package envelope

import "bytes"

// maxDepth bounds the nesting of a message. Readers that recurse do not like more, and no tool needs it.
const maxDepth = 512

// is reports whether the next byte is c.
func (s *scan) is(c byte) bool { return s.at < len(s.b) && s.b[s.at] == c }

func (s *scan) space() {
	for s.at < len(s.b) {
		switch s.b[s.at] {
		case ' ', '\t', '\n', '\r':
			s.at++
		default:
			return
		}
	}
}

// members reads an object. It calls member with each key, at the value, which member reads.
func (s *scan) members(member func(key []byte) error) error {
	s.at++
	if s.space(); s.is('}') {
		s.at++
		return nil
	}
	for {
		s.space()
		from := s.at
		if !s.is('"') {
			return ErrSyntax
		}
		if err := s.quoted(); err != nil {
			return err
		}
		key := s.b[from+1 : s.at-1]
		if s.space(); !s.is(':') {
			return ErrSyntax
		}
		s.at++
		s.space()
		if err := member(key); err != nil {
			return err
		}
		s.space()
		switch {
		case s.is(','):
			s.at++
		case s.is('}'):
			s.at++
			return nil
		default:
			return ErrSyntax
		}
	}
}

// value reads over a value.
func (s *scan) value() error {
	switch {
	case s.at >= len(s.b):
		return ErrSyntax
	case s.b[s.at] == '"':
		return s.quoted()
	case s.b[s.at] == '{', s.b[s.at] == '[':
		return s.nested()
	default:
		return s.literal()
	}
}

// quoted reads over a string. It looks for quotes and not at each byte: most of a large message is text.
func (s *scan) quoted() error {
	for i := s.at + 1; ; {
		n := bytes.IndexByte(s.b[i:], '"')
		if n < 0 {
			return ErrSyntax
		}
		i += n
		escapes := i
		for s.b[escapes-1] == '\\' {
			escapes--
		}
		i++
		if (i-1-escapes)%2 == 0 {
			s.at = i
			return nil
		}
	}
}

// nested reads over an object or an array. It minds strings and brackets, and leaves the rest to the reader behind.
func (s *scan) nested() error {
	var open [maxDepth / 64]uint64 // a bit for each level: whether it is an object
	depth := 0
	for s.at < len(s.b) {
		switch c := s.b[s.at]; c {
		case '"':
			if err := s.quoted(); err != nil {
				return err
			}
			continue
		case '{', '[':
			if depth == maxDepth {
				return ErrDeep
			}
			bit := uint64(1) << (depth % 64)
			if c == '{' {
				open[depth/64] |= bit
			} else {
				open[depth/64] &^= bit
			}
			depth++
		case '}', ']':
			depth--
			if object := open[depth/64]&(1<<(depth%64)) != 0; object != (c == '}') {
				return ErrSyntax
			}
			if depth == 0 {
				s.at++
				return nil
			}
		}
		s.at++
	}
	return ErrSyntax
}

// literal reads over a number, true, false or null. What ends with the bytes may go on.
func (s *scan) literal() error {
	from := s.at
	for s.at < len(s.b) && !ends[s.b[s.at]] {
		s.at++
	}
	if s.at == len(s.b) {
		return ErrSyntax
	}
	switch word := s.b[from:s.at]; string(word) {
	case "true", "false", "null":
		return nil
	default:
		if !number(word) {
			return ErrSyntax
		}
		return nil
	}
}

// ends holds what may follow a number or a word, and what cannot be part of one.
var ends = [256]bool{' ': true, '\t': true, '\n': true, '\r': true, ',': true, '}': true, ']': true, ':': true, '"': true, '{': true, '[': true}

// number reports whether a word is a number of JSON (RFC 8259, 6).
func number(word []byte) bool {
	word = bytes.TrimPrefix(word, []byte("-"))
	whole := digits(word)
	if whole == 0 || whole > 1 && word[0] == '0' {
		return false
	}
	word = word[whole:]
	if len(word) > 0 && word[0] == '.' {
		fraction := digits(word[1:])
		if fraction == 0 {
			return false
		}
		word = word[1+fraction:]
	}
	if len(word) > 0 && (word[0] == 'e' || word[0] == 'E') {
		word = word[1:]
		if len(word) > 0 && (word[0] == '+' || word[0] == '-') {
			word = word[1:]
		}
		exponent := digits(word)
		return exponent > 0 && exponent == len(word)
	}
	return len(word) == 0
}

// digits counts the digits that a word begins with.
func digits(word []byte) int {
	n := 0
	for n < len(word) && word[n] >= '0' && word[n] <= '9' {
		n++
	}
	return n
}
