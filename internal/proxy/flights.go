// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
)

// flight names a request under way: by its client's session, and by the id that the client gave it.
type flight struct{ session, id string }

// flights are the requests under way, so that they can be cancelled.
type flights struct {
	mu  sync.Mutex
	all map[flight]*call
}

// errCancelled is the end of a call that its client cancelled.
var errCancelled = errors.New("the client cancelled the request")

func (f *flights) begin(key flight, c *call) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.all == nil {
		f.all = map[flight]*call{}
	}
	f.all[key] = c
}

func (f *flights) end(key flight, c *call) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.all[key] == c {
		delete(f.all, key)
	}
}

func (f *flights) cancel(key flight) {
	f.mu.Lock()
	c := f.all[key]
	f.mu.Unlock()
	if c != nil {
		c.cancel(errCancelled)
	}
}

// question is a request of a server to a client, such as sampling, on the stream of a call. Its id is ours while the client has it:
// ids of several servers collide, and no other client may answer.
type question struct {
	session *session
	id      []byte
	client  string
}

// questions are those that wait for an answer.
type questions struct {
	mu  sync.Mutex
	all map[string]question
}

// ask gives a question an id. Its end is called when the call is over that it belongs to: then nobody waits any more.
func (q *questions) ask(one question) (id string, end func()) {
	id = `"cortex-` + rand.Text() + `"`
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.all == nil {
		q.all = map[string]question{}
	}
	q.all[id] = one
	return id, func() { _, _ = q.take(id, one.client) }
}

func (q *questions) take(id, client string) (question, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	one, ok := q.all[id]
	if !ok || one.client != client {
		return question{}, false
	}
	delete(q.all, id)
	return one, true
}

// answer passes the answer of a client on to the server that asked. One that nobody waits for is dropped.
func (q *questions) answer(r *request) {
	one, ok := q.take(string(r.ID.Of(r.data)), r.client.id)
	if !ok {
		return
	}
	body := make([]byte, 0, len(r.data)+len(one.id))
	body = append(body, r.data[:r.ID.From]...)
	body = append(body, one.id...)
	body = append(body, r.data[r.ID.To:]...)
	one.session.tellLater(body)
}

// maxQuestions bounds what a server may ask during one call.
const maxQuestions = 64

// asked is a question of this call.
type asked struct {
	id      string
	theirs  []byte
	session *session
	end     func()
}

// noted looks at a notification before it goes to the client: how far its progress went, so that ours goes on from there; and what
// question is cancelled, which the client knows under another id.
func (c *call) noted(s *session, m message) []byte {
	var params struct {
		Progress  float64         `json:"progress"`
		RequestID json.RawMessage `json:"requestId"`
	}
	switch {
	case m.Is(m.data, "notifications/progress"):
		if json.Unmarshal(m.Params.Of(m.data), &params) == nil {
			c.progress = max(c.progress, params.Progress)
		}
	case m.Is(m.data, "notifications/cancelled"):
		_ = json.Unmarshal(m.Params.Of(m.data), &params) // then it names no question
		for _, one := range c.questions {
			if one.session == s && bytes.Equal(one.theirs, params.RequestID) {
				return fmt.Appendf(nil, `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":%s}}`, one.id)
			}
		}
	}
	return m.data
}

// relayed passes a message of the server that is not the answer on to the client.
func (c *call) relayed(s *session, m message) error {
	if c.client.stateless() && !c.reaches(s, m) {
		return nil
	}
	if !m.ID.Given() {
		if concerns := c.backend.concerns(m); concerns != nil && !concerns(c.client.id) {
			return nil
		}
		return c.reply.message(c.noted(s, m))
	}
	if m.Is(m.data, "ping") {
		s.tellLater(append(append([]byte(`{"jsonrpc":"2.0","id":`), m.ID.Of(m.data)...), `,"result":{}}`...))
		return nil
	}
	if len(c.questions) == maxQuestions {
		return errors.New("the server asks too much during one call")
	}
	one := question{session: s, id: bytes.Clone(m.ID.Of(m.data)), client: c.client.id}
	id, end := c.proxy.questions.ask(one)
	c.questions = append(c.questions, asked{id: id, theirs: one.id, session: s, end: end})
	body := make([]byte, 0, len(m.data)+len(id))
	body = append(body, m.data[:m.ID.From]...)
	body = append(body, id...)
	body = append(body, m.data[m.ID.To:]...)
	return c.reply.message(body)
}
