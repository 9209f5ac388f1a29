// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package healingrequest_test

import (
	"bufio"
	"io"
	"net/http"
	"strings"
	"sync"
	"syscall"

	"k8s.io/client-go/rest"
)

// roundTripper is a function that carries requests.
type roundTripper func(*http.Request) (*http.Response, error)

func (r roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return r(req) }

// line is the way between an operator and the API server.
type line interface {
	// send carries a request, to be carried on by next.
	send(req *http.Request, next http.RoundTripper) (*http.Response, error)
}

// by is a config whose requests all go by a line.
func by(l line, config *rest.Config) *rest.Config {
	config = rest.CopyConfig(config)
	config.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(req *http.Request) (*http.Response, error) { return l.send(req, next) })
	})
	return config
}

// gone410 is how the API server ends a watch that asks for what it no longer has.
const gone410 = `{"type":"ERROR","object":{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure",` +
	`"message":"too old resource version","reason":"Expired","code":410}}` + "\n"

// watches are those of one operator. They can be made to expire: then only a new list tells what has happened since.
type watches struct {
	// gaps come one by one.
	gaps sync.Mutex
	// written: the operator has made its first write.
	written sync.Once

	mutex sync.Mutex
	open  map[*watched]bool
	// shut is closed at the end of a gap, and nil outside of any.
	shut chan struct{}
	// ended counts the watches that have expired.
	ended int
}

// watched is the body of an open watch, as the operator reads it.
type watched struct {
	*io.PipeReader
	from io.Closer
	over chan struct{}
}

func (w *watched) Close() error {
	w.PipeReader.Close()
	return w.from.Close()
}

// gap lets all watches expire, and lets none begin until do is done.
func (w *watches) gap(do func()) {
	w.gaps.Lock()
	defer w.gaps.Unlock()
	w.mutex.Lock()
	opened := make(chan struct{})
	w.shut = opened
	open := w.open
	w.open = nil
	w.mutex.Unlock()
	for watch := range open {
		watch.from.Close()
		<-watch.over
	}
	defer func() {
		w.mutex.Lock()
		w.shut = nil
		w.ended += len(open)
		w.mutex.Unlock()
		close(opened)
	}()
	do()
}

// send lets the watches expire after the operator's first write too: of the plan, it hears by a list alone.
func (w *watches) send(req *http.Request, next http.RoundTripper) (*http.Response, error) {
	if req.Method != http.MethodGet {
		resp, err := next.RoundTrip(req)
		w.written.Do(func() { w.gap(func() {}) })
		return resp, err
	}
	if req.URL.Query().Get("watch") == "" {
		return next.RoundTrip(req)
	}
	for shut := w.isShut(); shut != nil; shut = w.isShut() {
		select {
		case <-shut:
		case <-req.Context().Done():
			return nil, req.Context().Err()
		}
	}
	req = req.Clone(req.Context())
	// In JSON an event is a line.
	req.Header.Set("Accept", strings.ReplaceAll(req.Header.Get("Accept"), "application/vnd.kubernetes.protobuf", "application/json"))
	resp, err := next.RoundTrip(req)
	if err == nil && resp.StatusCode == http.StatusOK {
		resp.Body = w.relay(resp.Body)
	}
	return resp, err
}

// expired is how many watches have expired so far.
func (w *watches) expired() int {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return w.ended
}

func (w *watches) isShut() chan struct{} {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return w.shut
}

// relay hands on whole events, and ends as an expired watch does.
func (w *watches) relay(body io.ReadCloser) *watched {
	reader, writer := io.Pipe()
	watch := &watched{PipeReader: reader, from: body, over: make(chan struct{})}
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if w.shut != nil { // it was asked for before
		body.Close()
	} else {
		if w.open == nil {
			w.open = map[*watched]bool{}
		}
		w.open[watch] = true
	}
	go func() {
		defer close(watch.over)
		lines := bufio.NewReader(body)
		for {
			line, err := lines.ReadString('\n')
			if err != nil {
				break
			}
			if _, err := io.WriteString(writer, line); err != nil {
				break
			}
		}
		_, _ = io.WriteString(writer, gone410) // the operator may have ended it itself
		writer.Close()
	}()
	return watch
}

// standstill is a line that stands still at one moment of a heal, until it is cut: the operator is about to send its nth write, which is
// sent then, or that was committed, and its answer never comes.
type standstill struct {
	n     int
	after bool
	// reached, cut and well are closed when it is so. After the cut, the API server is well again.
	reached, cut, well chan struct{}

	mutex  sync.Mutex
	writes int
	// told are the Events that the operator has an answer for.
	told int
}

func newStandstill(n int, after bool) *standstill {
	return &standstill{n: n, after: after, reached: make(chan struct{}), cut: make(chan struct{}), well: make(chan struct{})}
}

func (s *standstill) send(req *http.Request, next http.RoundTripper) (*http.Response, error) {
	if req.Method == http.MethodGet {
		return next.RoundTrip(req)
	}
	s.mutex.Lock()
	s.writes++
	here := s.writes == s.n
	s.mutex.Unlock()
	if here && s.after {
		resp, err := next.RoundTrip(req)
		if err != nil {
			return nil, err
		}
		resp.Body.Close()
	}
	if here {
		close(s.reached)
		select {
		case <-s.cut:
		case <-req.Context().Done():
			return nil, req.Context().Err()
		}
	}
	if here && s.after {
		return nil, syscall.ECONNRESET
	}
	event := strings.HasSuffix(req.URL.Path, "/events")
	if event && closed(s.cut) && !closed(s.well) {
		return nil, syscall.ECONNREFUSED // an Event that is answered with an error, as in the first moments, is given up by client-go
	}
	resp, err := next.RoundTrip(req)
	if err == nil && event {
		s.mutex.Lock()
		s.told++
		s.mutex.Unlock()
	}
	return resp, err
}

func closed(c chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// answered is how many Events the operator has an answer for.
func (s *standstill) answered() int {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.told
}
