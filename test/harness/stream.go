// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// reconnects is the pause before a stream connects again, as the gateway asks for with "retry: 1000".
const reconnects = time.Second

// Heard is one event of a stream.
type Heard struct {
	Event
	// ID of the event; 0 if it has none.
	ID int
	// Connection that it came on; the first is 1.
	Connection int
}

// Stream is a client of the gateway that does not give up: it does as docs/api.md says of a browser's EventSource, and connects again
// with Last-Event-ID until an event has ended it. An MCP client has no such event ids: it calls again.
type Stream struct {
	// At is the base URL that it connects to at first, and Again the one that it comes back to.
	At, Again string
	// Path of the events. Where it is empty, the Location that Ask is answered with has it.
	Path string
	// Post is the path, and Ask the body, of a request that begins the stream. It is sent again until there is a Path.
	Post string
	Ask  []byte
	// Header goes with every request.
	Header http.Header
	// Ends reports whether an event ends the stream.
	Ends func(Event) bool

	mu          sync.Mutex
	heard       []Heard
	last        int
	connections int
	refusals    []string
	cut         context.CancelFunc
}

// Heard is all that has come so far.
func (s *Stream) Heard() []Heard {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Heard(nil), s.heard...)
}

// Connections is how often it was answered with events, and refusals are what other answers there were.
func (s *Stream) Connections() (connections int, refusals []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.connections, append([]string(nil), s.refusals...)
}

// Location is the path of the task, once it is known.
func (s *Stream) Location() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.TrimSuffix(s.Path, "/events")
}

// Cut breaks the connection, as a network does that changes.
func (s *Stream) Cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cut != nil {
		s.cut()
	}
}

// Run reads the stream to its end, and what comes after that on the same connection. An error is an answer that ends an EventSource's
// attempts, or the end of ctx.
func (s *Stream) Run(ctx context.Context, c *Cluster) error {
	// A connection for each request: what a Service chooses is chosen anew.
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for at, began := s.At, time.Now(); ; at = s.Again {
		over, pause, err := s.connect(ctx, c, client, at, began)
		if over || err != nil {
			return err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// connect makes one connection and reads it to its end, whatever that is.
func (s *Stream) connect(ctx context.Context, c *Cluster, client *http.Client, at string, began time.Time) (over bool, pause time.Duration, err error) {
	token, err := c.Token(ctx)
	if err != nil {
		return false, 0, err
	}
	ctx, cut := context.WithCancel(ctx)
	defer cut()
	request, err := s.request(ctx, at)
	if err != nil {
		return false, 0, err
	}
	request.Header.Set("Authorization", "Bearer "+token)
	response, err := client.Do(request)
	if err != nil {
		return false, reconnects, nil //nolint:nilerr // nobody is there; the next attempt may find somebody
	}
	defer response.Body.Close()
	switch response.StatusCode {
	case http.StatusOK:
		over, err = s.read(response, cut, began)
		return over, reconnects, err
	case http.StatusServiceUnavailable, http.StatusTooManyRequests:
		after, err := strconv.Atoi(response.Header.Get("Retry-After"))
		s.refused(response)
		if err != nil {
			return false, 0, fmt.Errorf("%s without a Retry-After", response.Status)
		}
		return false, time.Duration(after) * time.Second, nil
	default:
		text, _ := io.ReadAll(io.LimitReader(response.Body, 4096))
		return false, 0, fmt.Errorf("%s %s: %s: %s", request.Method, request.URL, response.Status, text)
	}
}

func (s *Stream) refused(response *http.Response) {
	text, _ := io.ReadAll(io.LimitReader(response.Body, 4096))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refusals = append(s.refusals, fmt.Sprintf("%s: %s", response.Status, text))
}

func (s *Stream) request(ctx context.Context, at string) (*http.Request, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	method, address, body := http.MethodGet, at+s.Path, io.Reader(http.NoBody)
	if s.Path == "" {
		method, address, body = http.MethodPost, at+s.Post, bytes.NewReader(s.Ask)
	}
	request, err := http.NewRequestWithContext(ctx, method, address, body)
	if err != nil {
		return nil, err
	}
	for name, values := range s.Header {
		request.Header[name] = values
	}
	if s.Path == "" {
		request.Header.Set("Content-Type", "application/json")
	} else if s.last > 0 {
		request.Header.Set("Last-Event-ID", strconv.Itoa(s.last))
	}
	return request, nil
}

// read reads one connection to its end. What is not followed by an empty line is no event yet (HTML, 9.2.6).
func (s *Stream) read(response *http.Response, cut context.CancelFunc, began time.Time) (over bool, err error) {
	s.mu.Lock()
	s.connections++
	s.cut = cut
	if location := response.Header.Get("Location"); location != "" {
		s.Path = location + "/events"
	}
	s.mu.Unlock()
	if strings.HasPrefix(response.Header.Get("Content-Type"), "application/json") {
		data, err := io.ReadAll(response.Body)
		if err != nil {
			return false, nil //nolint:nilerr // cut off: it comes again
		}
		return s.take(string(data), "", began)
	}
	lines := bufio.NewScanner(response.Body)
	lines.Buffer(nil, 4<<20)
	var data, id string
	for lines.Scan() {
		line := lines.Text()
		if text, ok := strings.CutPrefix(line, "data: "); ok {
			data = text
		} else if text, ok := strings.CutPrefix(line, "id: "); ok {
			id = text
		} else if line == "" && data != "" {
			ended, err := s.take(data, id, began)
			if err != nil {
				return false, err
			}
			over, data, id = over || ended, "", ""
		}
	}
	return over, nil // an error of the connection ends it, and nothing else
}

// take notes an event, and reports whether it ends the stream.
func (s *Stream) take(data, id string, began time.Time) (ends bool, err error) {
	event := Heard{Event: Event{At: time.Since(began)}}
	if err := json.Unmarshal([]byte(data), &event.Fields); err != nil {
		return false, fmt.Errorf("decoding event %q: %w", data, err)
	}
	if id != "" {
		if event.ID, err = strconv.Atoi(id); err != nil {
			return false, errors.Join(errors.New("an event's id is no number"), err)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	event.Connection = s.connections
	if event.ID > 0 {
		s.last = event.ID
	}
	s.heard = append(s.heard, event)
	return s.Ends(event.Event), nil
}

// Read gets a URL of the gateway, with the token of the one who asks.
func (c *Cluster) Read(ctx context.Context, url string) (status int, text string, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return 0, "", err
	}
	response, err := c.send(ctx, request)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	return response.StatusCode, string(raw), err
}

// PostWith is Post with headers.
func (c *Cluster) PostWith(ctx context.Context, url string, body []byte, header http.Header) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	for name, values := range header {
		request.Header[name] = values
	}
	request.Header.Set("Content-Type", "application/json")
	return c.send(ctx, request)
}

func (c *Cluster) send(ctx context.Context, request *http.Request) (*http.Response, error) {
	token, err := c.Token(ctx)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+token)
	return http.DefaultClient.Do(request)
}
