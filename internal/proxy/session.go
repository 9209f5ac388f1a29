// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"

	"github.com/ry-ops/cortex/internal/mcpserver"
	"github.com/ry-ops/cortex/internal/proxy/wire"
)

// session is one MCP session with a server, shared by all clients with the same capabilities, with connections of its own: nothing of
// a dead session can be met again.
type session struct {
	backend  *backend
	caps     capabilities
	endpoint mcpserver.Endpoint
	pool     *wire.Pool
	ready    chan struct{}
	// ended: no new call begins on it. Guarded by the backend's lock.
	ended bool
	stop  context.CancelFunc

	// Set before ready, if the session was opened.
	err error
	id  string
	// post and get are the heads of requests.
	post, get []byte
	// hello is what the server said to initialize, and offers what of it matters here.
	hello  json.RawMessage
	offers offers
}

// offers of a server.
type offers struct {
	Version      string `json:"protocolVersion"`
	Capabilities struct {
		Tools *struct{} `json:"tools"`
	} `json:"capabilities"`
}

// session returns the session for a set of capabilities, opening it if there is none. Everybody who comes meanwhile waits for the same
// attempt, each as long as its own ctx allows. kept says that it was open before.
func (b *backend) session(ctx context.Context, caps capabilities) (s *session, kept bool, err error) {
	endpoint := b.server.Endpoint()
	b.mu.Lock()
	s = b.sessions[caps]
	if s == nil || s.endpoint != endpoint {
		if s != nil {
			s.close()
		}
		s = b.open(caps, endpoint) //nolint:contextcheck // a session outlives the call that opens it
	}
	b.mu.Unlock()
	select {
	case <-s.ready:
		return s, true, s.err
	default:
	}
	select {
	case <-s.ready:
		return s, false, s.err
	case <-ctx.Done():
		return nil, false, ctx.Err()
	}
}

// drop makes the next call open a new session. It does nothing if that has already happened.
func (b *backend) drop(s *session) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.sessions[s.caps] == s {
		b.sessions[s.caps] = nil
	}
	s.close()
	if s.caps == 0 {
		b.comeBack()
	}
}

// close must be called with the backend's lock held. Calls under way keep their connections.
func (s *session) close() {
	if s.ended {
		return
	}
	s.ended = true
	s.stop()
	s.pool.Close()
}

// open must be called with the backend's lock held. The attempt belongs to all who wait for it, and not to the one who came first.
func (b *backend) open(caps capabilities, endpoint mcpserver.Endpoint) *session {
	dial := b.server.Dialer(endpoint)
	ctx, stop := context.WithCancel(b.ctx)
	s := &session{
		backend: b, caps: caps, endpoint: endpoint, stop: stop, ready: make(chan struct{}),
		pool: &wire.Pool{Dial: dial, Silence: b.server.CallTimeout()},
	}
	b.sessions[caps] = s
	b.opened++
	again := b.opened > 1
	b.proxy.background(func(context.Context) {
		if s.begin(ctx); s.err != nil {
			return
		}
		if again {
			b.relist() // what is behind the Service may be another version by now
		}
		b.proxy.background(func(context.Context) { s.wishAgain(ctx) })
		s.listen(ctx)
	})
	return s
}

var errNotOpened = errors.New("the session could not be opened")

// begin opens the session for all who wait, whatever happens.
func (s *session) begin(ctx context.Context) {
	b, result := s.backend, "opened"
	s.err = errNotOpened
	defer close(s.ready)
	err := s.initialize(ctx)
	switch mcpserver.ReasonOf(err) {
	case mcpserver.FirstByteTimeout, mcpserver.AnswerTimeout:
		// It is the session that did not come in time, and no call.
		err = fmt.Errorf("opening a session: %w", context.DeadlineExceeded)
	}
	if s.err = err; err != nil {
		b.drop(s)
		result = "failed"
	}
	b.proxy.metrics.sessions.WithLabelValues(b.name(), result).Inc()
}

// initialize begins the session. An error is a *mcpserver.RequestError where a request was made.
func (s *session) initialize(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.backend.server.ConnectTimeout())
	defer cancel()
	b := s.backend
	if err := s.heads(); err != nil {
		return err
	}
	params := fmt.Appendf(nil, `{"protocolVersion":"%s","capabilities":%s,"clientInfo":{"name":"cortex-gateway","version":%s}}`,
		versions[0], s.caps.declare(), quoted(b.proxy.Version))
	hello, response, err := s.ask(ctx, "initialize", params)
	if err != nil {
		return fmt.Errorf("beginning a session: %w", err)
	}
	if err := json.Unmarshal(hello, &s.offers); err != nil || !plainWord(s.offers.Version) || !plainWord(response.SessionID) && response.SessionID != "" {
		return broken(response, errors.New("the answer to initialize is not MCP"))
	}
	s.hello, s.id = hello, response.SessionID
	if err := s.heads(); err != nil {
		return err
	}
	return s.tell(ctx, []byte(`{"jsonrpc":"2.0","method":"notifications/initialized"}`))
}

// heads makes the heads of requests, of what is known of the session.
func (s *session) heads() error {
	at, err := url.Parse(s.endpoint.URL)
	if err != nil {
		return fmt.Errorf("reading the endpoint: %w", err)
	}
	host := s.endpoint.Host
	if host == "" {
		host = at.Host
	}
	common := " " + at.EscapedPath() + " HTTP/1.1\r\nHost: " + host + "\r\nUser-Agent: cortex-gateway\r\n"
	if s.offers.Version != "" {
		common += versionHeader + ": " + s.offers.Version + "\r\n"
	}
	if s.id != "" {
		common += sessionHeader + ": " + s.id + "\r\n"
	}
	s.post = []byte("POST" + common + "Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n")
	s.get = []byte("GET" + common + "Accept: text/event-stream\r\n")
	return nil
}

// head puts the server's credentials, which may have changed, to the head of a request.
func (s *session) head(plain []byte) ([]byte, error) {
	header, err := s.backend.server.Credentials()
	if err != nil || len(header) == 0 {
		return plain, err
	}
	head := bytes.NewBuffer(bytes.Clone(plain))
	if err := header.Write(head); err != nil {
		return nil, fmt.Errorf("writing the credentials: %w", err)
	}
	return head.Bytes(), nil
}

// send makes a request of the session.
func (s *session) send(ctx context.Context, head []byte, patient bool, body ...[]byte) (*wire.Response, error) {
	head, err := s.head(head)
	if err != nil {
		return nil, err
	}
	return s.pool.Do(ctx, wire.Request{Head: head, Body: body, Session: s.id != "", Patient: patient})
}

// ask makes a request of our own and returns its result.
func (s *session) ask(ctx context.Context, method string, params []byte) (json.RawMessage, *wire.Response, error) {
	id := s.backend.nextID.Add(1)
	body := fmt.Appendf(nil, `{"jsonrpc":"2.0","id":%d,"method":"%s","params":%s}`, id, method, params)
	response, err := s.send(ctx, s.post, false, body)
	if err != nil {
		return nil, nil, err
	}
	defer response.Discard()
	if err := s.refused(response); err != nil {
		return nil, nil, err
	}
	in := s.backend.proxy.reader(response)
	defer in.close()
	answer, err := in.answer(strconv.AppendInt(nil, id, 10), nil)
	if err != nil {
		return nil, nil, err
	}
	var message struct {
		Result json.RawMessage `json:"result"`
		Error  *jsonrpc.Error  `json:"error"`
	}
	switch err := json.Unmarshal(answer.data, &message); {
	case err != nil:
		return nil, nil, broken(response, fmt.Errorf("reading the answer to %s: %w", method, err))
	case message.Error != nil:
		return nil, nil, broken(response, fmt.Errorf("the server answers %s with the error %d: %w", method, message.Error.Code, message.Error))
	case len(message.Result) == 0:
		return nil, nil, broken(response, fmt.Errorf("the server answers %s without a result", method))
	}
	in.drain()
	return bytes.Clone(message.Result), response, nil
}

// tell sends what has no answer: a notification, or the answer to a server's request.
func (s *session) tell(ctx context.Context, body ...[]byte) error {
	response, err := s.send(ctx, s.post, false, body...)
	if err != nil {
		return err
	}
	defer response.Discard()
	if err := s.refused(response); err != nil {
		return err
	}
	in := s.backend.proxy.reader(response)
	defer in.close()
	in.drain()
	return nil
}

// tellLater sends in the background what nobody waits for, and does not mind if it does not arrive.
func (s *session) tellLater(body []byte) {
	s.backend.proxy.background(func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, courtesy)
		defer cancel()
		if err := s.tell(ctx, body); err != nil {
			s.backend.proxy.Log.V(1).Info("a message to a server did not arrive", "server", s.backend.server.Key(), "reason", err.Error())
		}
	})
}

// courtesy bounds the sending of what nobody waits for.
const courtesy = 5 * time.Second

// maxRefusal bounds what is read of an answer with an HTTP error.
const maxRefusal = 16 << 10

// refused turns an HTTP error into an error. Some servers say 400 and not 404 when they do not know a session; they are understood.
func (s *session) refused(response *wire.Response) error {
	if response.Status >= 200 && response.Status < 300 {
		return nil
	}
	body := make([]byte, maxRefusal)
	n := 0
	for n < len(body) {
		more, err := response.Read(body[n:])
		if n += more; err != nil {
			break
		}
	}
	response.Discard()
	body = body[:n]
	exchange := response.Exchange
	if response.Status == http.StatusBadRequest && s.id != "" && bytes.Contains(bytes.ToLower(body), []byte("session")) {
		exchange.Status = http.StatusNotFound
	}
	exchange.WantsTLS = mcpserver.TurnsDownPlain(response.Status, body)
	failure := &mcpserver.RequestError{Exchange: exchange, Err: fmt.Errorf("HTTP %d %s", response.Status, http.StatusText(response.Status))}
	if mcpserver.ReasonOf(failure) != mcpserver.BadStatus {
		return failure // the status says it all
	}
	var message struct {
		Error json.RawMessage `json:"error"`
	}
	if json.Unmarshal(body, &message) != nil || len(message.Error) == 0 || message.Error[0] != '{' {
		return failure
	}
	said := &jsonrpc.Error{}
	if json.Unmarshal(message.Error, said) == nil {
		failure.Err = fmt.Errorf("HTTP %d: %w", response.Status, said)
	}
	return &rejected{failure, message.Error}
}

// rejected is a request that the server understood and did not like: its client's matter.
type rejected struct {
	*mcpserver.RequestError
	// message is the JSON-RPC error that the server gave, with whatever id.
	message []byte
}

// Unwrap gives the failure that it is where nobody can be told.
func (r *rejected) Unwrap() error { return r.RequestError }

// broken is an answer that is not what was asked for.
func broken(response *wire.Response, err error) error {
	return &mcpserver.RequestError{Exchange: response.Exchange, Err: err}
}

// plainWord reports whether a server's word can stand in a header and in JSON (MCP, "Session Management": visible ASCII).
func plainWord(word string) bool {
	return word != "" && len(word) <= 1024 && strings.IndexFunc(word, func(r rune) bool { return r <= ' ' || r > '~' || r == '"' || r == '\\' }) < 0
}

func quoted(text string) []byte {
	raw, _ := json.Marshal(text)
	return raw
}
