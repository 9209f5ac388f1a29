// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"bytes"
	"io"
	"net/http"
	"sync"
	"time"

	"k8s.io/utils/clock"
)

const (
	// keysTime is how long what an issuer published is the answer to all questions for it: each token with a key id that nobody knows,
	// which anybody can make up, would have the keys fetched again. A new key is known so much later.
	keysTime = 10 * time.Second
	// maxKeys bounds what an issuer publishes, in bytes.
	maxKeys = 1 << 20
)

// brief remembers the good answers of an issuer for keysTime. There are two: where its keys are, and its keys.
type brief struct {
	next  http.RoundTripper
	clock clock.PassiveClock

	mu    sync.Mutex
	known map[string]published
}

type published struct {
	header http.Header
	body   []byte
	at     time.Time
}

// briefly is a client that asks an issuer as seldom.
func briefly(client *http.Client, now clock.PassiveClock) *http.Client {
	asks := *client
	next := client.Transport
	if next == nil {
		next = http.DefaultTransport
	}
	asks.Transport = &brief{next: next, clock: now, known: map[string]published{}}
	return &asks
}

// RoundTrip implements http.RoundTripper. The one question is asked for all who come meanwhile.
func (b *brief) RoundTrip(r *http.Request) (*http.Response, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	key := r.URL.String()
	if was, ok := b.known[key]; ok && b.clock.Since(was.at) < keysTime {
		return &http.Response{
			Status: "200 OK", StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
			Header: was.header.Clone(), Body: io.NopCloser(bytes.NewReader(was.body)), ContentLength: int64(len(was.body)),
		}, nil
	}
	response, err := b.next.RoundTrip(r)
	if err != nil || response.StatusCode != http.StatusOK {
		return response, err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxKeys))
	if err != nil {
		return nil, err
	}
	b.known[key] = published{header: response.Header, body: body, at: b.clock.Now()}
	response.Body = io.NopCloser(bytes.NewReader(body))
	return response, nil
}
