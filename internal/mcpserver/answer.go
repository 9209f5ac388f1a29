// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package mcpserver

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// maxRefusal bounds what is looked at of an answer for a turned-down request, in bytes: the sentence is at its beginning.
const maxRefusal = 512

// answer is the body of an answer, which notes how it ended. The SDK turns that into text.
type answer struct {
	io.ReadCloser
	ctx    context.Context
	notes  *notes
	stream bool
}

// Read implements io.Reader. A stream of events has no length, so that one which ends politely and without the result is cut
// as well; whoever got the result does not ask.
func (a *answer) Read(p []byte) (int, error) {
	n, err := a.ReadCloser.Read(p)
	if err != nil && a.ctx.Err() == nil {
		var bound *http.MaxBytesError
		flooded := errors.As(err, &bound)
		cut := !flooded && (a.stream || !errors.Is(err, io.EOF))
		a.notes.write(func(x *Exchange) { x.Flooded, x.Cut = flooded, cut })
	}
	return n, err
}

// RetryAfter reads the value of the header of that name where it holds seconds (RFC 9110 §10.2.3), a day at most. A date is left to
// the caller's own pause.
func RetryAfter(value string) time.Duration {
	seconds, err := strconv.Atoi(strings.TrimSpace(value))
	if err != nil || seconds < 0 {
		return 0
	}
	return time.Duration(min(seconds, int(24*time.Hour/time.Second))) * time.Second
}

// turnsDownPlain is TurnsDownPlain of an answer, whose body is left as it was.
func turnsDownPlain(response *http.Response) bool {
	if response.StatusCode != http.StatusBadRequest {
		return false
	}
	head, _ := io.ReadAll(io.LimitReader(response.Body, maxRefusal))
	response.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(head), response.Body), response.Body}
	return TurnsDownPlain(response.StatusCode, head)
}

// TurnsDownPlain recognises the answer of a TLS server to plain HTTP: a 400 whose body begins with a sentence about it (net/http, nginx,
// Apache, HAProxy).
func TurnsDownPlain(status int, body []byte) bool {
	text := strings.ToLower(string(body[:min(len(body), maxRefusal)]))
	return status == http.StatusBadRequest && (strings.Contains(text, "http request to an https server") || strings.Contains(text, "http request was sent to https port") ||
		strings.Contains(text, "speaking plain http to an ssl-enabled server"))
}

// Broke reports whether a connection broke off, in the middle of whatever was read.
func Broke(err error) bool {
	return errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET)
}

// repeatable reports whether net/http would send a request again by itself after it may have been read: it takes a header of
// one of these names for a leave (http.Request.isReplayable), and an MCP client may send one through the gateway.
func repeatable(request *http.Request) bool {
	_, one := request.Header["Idempotency-Key"]
	_, other := request.Header["X-Idempotency-Key"]
	return one || other
}
