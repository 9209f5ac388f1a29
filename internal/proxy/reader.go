// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync"
	"time"

	"github.com/ry-ops/cortex/internal/mcpserver"
	"github.com/ry-ops/cortex/internal/proxy/envelope"
	"github.com/ry-ops/cortex/internal/proxy/wire"
)

const (
	// usual is the room that a message gets at first, and mostly needs. What is larger counts against Limits.Buffered.
	usual = 16 << 10
	// maxPooled bounds a buffer that is kept for the next message: one that takes 64 KiB and its surroundings.
	maxPooled = 256 << 10
)

var rooms = sync.Pool{New: func() any {
	room := make([]byte, usual)
	return &room
}}

// reader reads the messages of an answer, whole: a client can use no part of a message, and of one that breaks off nothing has been
// passed on, so that the call can be made again.
type reader struct {
	proxy    *Proxy
	response *wire.Response
	room     *[]byte
	// from and to bound what was read and not yet taken.
	from, to int
	taken    int64
	// lastEvent is the id of the last event that had one.
	lastEvent []byte
	// retry is how long the server asks to wait before its stream is asked for again.
	retry time.Duration
	ended bool
	// strange: there was an event that is no JSON-RPC. It is passed over, but if no answer comes, that is why.
	strange bool
}

func (p *Proxy) reader(response *wire.Response) *reader {
	room, _ := rooms.Get().(*[]byte)
	return &reader{proxy: p, response: response, room: room}
}

// close gives the room back. What was read is no longer valid.
func (r *reader) close() {
	r.proxy.buffers.give(r.taken)
	if cap(*r.room) <= maxPooled {
		rooms.Put(r.room)
	}
	r.room = nil
}

// message is one JSON-RPC message of a server.
type message struct {
	data []byte
	envelope.Envelope
}

// answer reads up to the answer with an id, and gives all else to other.
func (r *reader) answer(id []byte, other func(message) error) (message, error) {
	if r.response.ContentType == wire.JSON {
		return r.single(id)
	}
	if r.response.ContentType != wire.Events {
		return message{}, broken(r.response, fmt.Errorf("HTTP %d with content type %.80q instead of an answer", r.response.Status, r.response.ContentType))
	}
	for {
		data, err := r.event()
		if err != nil && r.ended && r.strange {
			return message{}, broken(r.response, errors.New("the stream has something that is no JSON-RPC, and no answer"))
		}
		if err != nil {
			return message{}, err
		}
		m := message{data, envelope.Head(data)}
		r.strange = r.strange || m.Kind == envelope.Unknown
		switch {
		case m.Kind == envelope.Response && bytes.Equal(m.ID.Of(data), id):
			return m, nil
		case other == nil || m.Kind != envelope.Request && m.Kind != envelope.Notification:
		default:
			if err := other(m); err != nil {
				return message{}, err
			}
		}
	}
}

func (r *reader) single(id []byte) (message, error) {
	for !r.ended {
		if err := r.more(); err != nil {
			return message{}, err
		}
	}
	data := (*r.room)[r.from:r.to]
	m := message{data, envelope.Head(data)}
	if m.Kind != envelope.Response || !bytes.Equal(m.ID.Of(data), id) {
		return message{}, broken(r.response, errors.New("the answer is no JSON-RPC answer to the request"))
	}
	return m, nil
}

// more reads some more. At the end of the answer it sets ended.
func (r *reader) more() error {
	if r.to == len(*r.room) {
		if err := r.grow(); err != nil {
			return err
		}
	}
	n, err := r.response.Read((*r.room)[r.to:])
	r.to += n
	if errors.Is(err, io.EOF) && !errors.As(err, new(*mcpserver.RequestError)) {
		r.ended = true
		return nil
	}
	return err
}

// grow makes room, first where messages were that have been taken.
func (r *reader) grow() error {
	if r.from > 0 {
		copy(*r.room, (*r.room)[r.from:r.to])
		r.from, r.to = 0, r.to-r.from
		return nil
	}
	most := r.proxy.Limits.Message + 1 // and one byte, to see the end, or that there is none
	size := min(int64(len(*r.room))*2, most)
	if want := r.response.Length; want > size && want < r.proxy.Limits.Message {
		size = want + 1
	}
	switch added := size - int64(len(*r.room)); {
	case added <= 0:
		r.response.Exchange.Flooded = true
		return broken(r.response, fmt.Errorf("a message of the server is larger than %d bytes", r.proxy.Limits.Message))
	case !r.proxy.buffers.take(added, r.proxy.Limits.Buffered):
		return errBusy
	default:
		r.taken += added
	}
	larger := make([]byte, size)
	copy(larger, (*r.room)[:r.to])
	*r.room = larger
	return nil
}

var errBusy = errors.New("too many large messages are on their way: try again")

// event reads the data of the next event that has any. It is valid until the next call.
func (r *reader) event() ([]byte, error) {
	// Counted from r.from, since what was read may move when there must be more room. Data is never at 0: its name is before it.
	at, from, to := 0, 0, 0
	for {
		end, err := r.line(at)
		if err != nil {
			return nil, err
		}
		event := (*r.room)[r.from:r.to]
		line := bytes.TrimSuffix(event[at:end], []byte("\r"))
		name, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimPrefix(value, []byte(" "))
		switch {
		case len(line) == 0:
			r.from += end + 1
			if to > from {
				return event[from:to], nil
			}
			at, from, to = 0, 0, 0
			continue
		case string(name) == "id":
			r.lastEvent = append(r.lastEvent[:0], value...)
		case string(name) == "retry":
			if ms, err := strconv.ParseUint(string(value), 10, 16); err == nil {
				r.retry = min(time.Duration(ms)*time.Millisecond, maxRetry)
			}
		case string(name) == "data" && to == 0:
			to = at + len(line)
			from = to - len(value)
		case string(name) == "data":
			// Of several lines one is made, in place: a line break between them is white space in JSON.
			event[to] = ' '
			to += 1 + copy(event[to+1:], value)
		}
		at = end + 1
	}
}

// line finds the end of the line that begins at a place after r.from.
func (r *reader) line(at int) (int, error) {
	for seen := at; ; {
		if i := bytes.IndexByte((*r.room)[r.from+seen:r.to], '\n'); i >= 0 {
			return seen + i, nil
		}
		if r.ended {
			r.response.Exchange.Cut = true
			return 0, broken(r.response, fmt.Errorf("the stream ended before the answer: %w", io.ErrUnexpectedEOF))
		}
		seen = r.to - r.from
		if err := r.more(); err != nil {
			return 0, err
		}
	}
}

// maxRetry bounds the pause that a server asks for.
const maxRetry = 10 * time.Second

// drainTime bounds the wait for the end of an answer whose message is there.
const drainTime = 50 * time.Millisecond

// drain reads what is left of an answer, which mostly is its end, so that the connection can be kept.
func (r *reader) drain() {
	if r.ended {
		return
	}
	r.response.Hurry(drainTime)
	for range 4 {
		r.from, r.to = 0, 0
		if r.more() != nil || r.ended {
			return
		}
	}
}
