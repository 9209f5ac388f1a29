// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package envelope

import "slices"

// Find tells where the values of some members stand in the object that data begins with; the zero Span is one that is not there. It
// reads the object to its end, and refuses of those members what Scan refuses: ErrAmbiguous.
func Find(data []byte, names ...string) ([]Span, error) {
	found := make([]Span, len(names))
	s := scan{b: data}
	if !s.is('{') {
		return nil, ErrSyntax
	}
	err := s.members(func(key []byte) error {
		from, at := s.at, slices.Index(names, string(key))
		switch {
		case at < 0 && unusual(key, names), at >= 0 && found[at].Given():
			return ErrAmbiguous
		}
		err := s.value()
		if at >= 0 {
			found[at] = Span{from, s.at}
		}
		return err
	})
	return found, err
}

// Blank takes some members out of an object that Find has read, in place: what stays moves to the front, and white space fills the room.
func Blank(object []byte, names ...string) {
	s := scan{b: object}
	to := 1
	put := func(text string) { to += copy(object[to:], text) }
	// What is written is never longer than what was read so far.
	_ = s.members(func(key []byte) error {
		from := s.at
		err := s.value()
		if err != nil || slices.Contains(names, string(key)) {
			return err
		}
		if to > 1 {
			put(",")
		}
		put(`"`)
		to += copy(object[to:], key)
		put(`":`)
		to += copy(object[to:], object[from:s.at])
		return nil
	})
	for last := len(object) - 1; to < last; to++ {
		object[to] = ' '
	}
}
