// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

// Package envelope reads the outside of a JSON-RPC message: what it is, its id, its method and the name in its params. It tells where
// they stand, so that they can be replaced in place, and leaves all else alone.
package envelope

import (
	"bytes"
	"errors"
)

// Span is a part of a message: the bytes from From to To. The zero Span is nothing, since a message begins with a brace.
type Span struct{ From, To int }

// Given reports whether there is something.
func (s Span) Given() bool { return s.To > 0 }

// Of is the part of a message.
func (s Span) Of(message []byte) []byte { return message[s.From:s.To] }

// Kind of a message.
type Kind int

// Kinds of messages. Unknown is one that was cut off before it could be told.
const (
	Unknown Kind = iota
	Request
	Notification
	Response
)

// Envelope is the outside of a message. Each Span is the JSON of a value, the quotes of a string included.
type Envelope struct {
	Kind   Kind
	ID     Span
	Method Span
	Params Span
	// Name is params.name, a string.
	Name Span
	// Failed: a response that has an error and no result.
	Failed bool
	// Body is where the value of the result or of the error begins.
	Body int
}

// Is reports whether the method is the one named.
func (e Envelope) Is(message []byte, method string) bool {
	return e.Method.Given() && string(message[e.Method.From+1:e.Method.To-1]) == method
}

// What makes a message unreadable. The text is for whoever sent it.
var (
	ErrSyntax    = errors.New("the body is no JSON")
	ErrBatch     = errors.New("batches are not supported: send each message by itself")
	ErrInvalid   = errors.New(`the body is no JSON-RPC 2.0 message: it needs "jsonrpc":"2.0", and a method, or an id with a result or an error`)
	ErrAmbiguous = errors.New("a member of the message is there twice, or its name is written in an unusual way")
	ErrID        = errors.New("the id must be a string or a number")
	ErrName      = errors.New("params must be an object, and params.name a string without escapes")
	ErrDeep      = errors.New("the body is nested too deep")
)

// Scan reads a message from a client, to its end. What a reader behind could understand in another way it refuses: a member that is
// there twice, of which one reader takes the first and another one the last, or an escaped or capital letter in the name of one.
func Scan(message []byte) (Envelope, error) {
	s := scan{b: message, strict: true}
	err := s.message()
	return s.found, err
}

// Head reads a message of a server, only as far as it must: until its kind and its id are known. Of a message that is cut off it tells
// what it saw.
func Head(message []byte) Envelope {
	s := scan{b: message}
	_ = s.message()
	return s.found
}

// Name finds the name of a tool in the object that describes it.
func Name(object []byte) (Span, bool) {
	s := scan{b: object, strict: true}
	s.space()
	if !s.is('{') || s.params() != nil || !s.found.Name.Given() {
		return Span{}, false
	}
	return s.found.Name, true
}

type scan struct {
	b      []byte
	at     int
	strict bool
	found  Envelope

	version, response bool
}

// message reads the whole. The end of the loop is in members.
func (s *scan) message() error {
	s.space()
	if s.is('[') {
		return ErrBatch
	}
	if !s.is('{') {
		return ErrSyntax
	}
	if err := s.members(s.member); err != nil {
		return err
	}
	if s.space(); s.at < len(s.b) {
		return ErrSyntax
	}
	return s.judge()
}

func (s *scan) judge() error {
	id, method := s.found.ID.Given(), s.found.Method.Given()
	switch {
	case !s.version || method == s.response:
		return ErrInvalid
	case s.response && !id:
		return ErrID
	case s.response:
		s.found.Kind = Response
	case id:
		s.found.Kind = Request
	default:
		s.found.Kind = Notification
	}
	return nil
}

// errEnough ends the reading of a server's message.
var errEnough = errors.New("enough is known")

// enough is called after each member of a message.
func (s *scan) enough() error {
	switch {
	case s.strict || !s.found.ID.Given():
	case s.response:
		s.found.Kind = Response
		return errEnough
	case s.found.Method.Given():
		s.found.Kind = Request
		return errEnough
	}
	return nil
}

func (s *scan) member(key []byte) error {
	var err error
	switch string(key) {
	case "jsonrpc":
		err = s.jsonrpc()
	case "id":
		err = s.id()
	case "method":
		err = s.text(&s.found.Method, ErrInvalid)
	case "params":
		err = s.whole()
	case "result", "error":
		if s.response && s.strict {
			return ErrAmbiguous
		}
		s.found.Failed, s.found.Body = string(key) == "error", s.at
		if s.response = true; s.found.ID.Given() {
			if err := s.enough(); err != nil {
				return err
			}
		}
		err = s.value()
	default:
		if s.strict && unusual(key, topLevel) {
			return ErrAmbiguous
		}
		err = s.value()
	}
	if err != nil {
		return err
	}
	return s.enough()
}

// topLevel are the names that mean something in a message, and inParams in its params.
var (
	topLevel = []string{"jsonrpc", "id", "method", "params", "result", "error"}
	inParams = []string{"name"}
)

// unusual reports whether some reader might take a key for one of the names: Go's encoding/json folds case, and all undo escapes.
func unusual(key []byte, names []string) bool {
	if bytes.IndexByte(key, '\\') >= 0 {
		return true
	}
	for _, name := range names {
		if bytes.EqualFold(key, []byte(name)) {
			return true
		}
	}
	return false
}

func (s *scan) jsonrpc() error {
	from := s.at
	if s.version && s.strict {
		return ErrAmbiguous
	}
	if err := s.value(); err != nil {
		return err
	}
	if s.version = string(s.b[from:s.at]) == `"2.0"`; !s.version {
		return ErrInvalid
	}
	return nil
}

func (s *scan) id() error {
	from := s.at
	if s.found.ID.Given() && s.strict {
		return ErrAmbiguous
	}
	if err := s.value(); err != nil {
		return err
	}
	if c := s.b[from]; c != '"' && c != '-' && (c < '0' || c > '9') {
		return ErrID
	}
	s.found.ID = Span{from, s.at}
	return nil
}

// text reads a string that means itself.
func (s *scan) text(into *Span, otherwise error) error {
	from := s.at
	if into.Given() {
		return ErrAmbiguous
	}
	if !s.is('"') {
		return otherwise
	}
	if err := s.value(); err != nil {
		return err
	}
	*into = Span{from, s.at}
	if bytes.IndexByte(s.b[from:s.at], '\\') >= 0 {
		return otherwise
	}
	return nil
}

// whole reads the params of a message.
func (s *scan) whole() error {
	from := s.at
	if s.found.Params.Given() && s.strict {
		return ErrAmbiguous
	}
	read := s.value
	if s.strict && s.is('{') {
		read = s.params
	}
	if err := read(); err != nil {
		return err
	}
	s.found.Params = Span{from, s.at}
	return nil
}

func (s *scan) params() error {
	return s.members(func(key []byte) error {
		switch {
		case string(key) == "name":
			return s.text(&s.found.Name, ErrName)
		case unusual(key, inParams):
			return ErrAmbiguous
		default:
			return s.value()
		}
	})
}
