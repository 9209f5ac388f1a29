// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// heard is told by the readers once all of them have come to a step: when each of them did, in nanoseconds since 1970.
type heard struct {
	Step string
	At   []int64
}

// tally counts the readers that have come to a step.
type tally struct {
	n    int
	out  *json.Encoder
	seen map[string]*heard
}

// terminal is how the one event begins that differs from stream to stream.
const terminal = `{"type":"processing_complete"`

// count takes an event as it came. The readers share the processors with the gateway: they decode nothing.
func (t *tally) count(event []byte, at time.Time) {
	step := t.seen[string(event)]
	if step == nil {
		step = &heard{Step: string(event), At: make([]int64, 0, t.n)}
		t.seen[step.Step] = step
	}
	step.At = append(step.At, at.UnixNano())
	if len(step.At) == t.n {
		_ = t.out.Encode(step)
	}
}

// questionOf is a request as it goes over the wire.
func questionOf(query, token string, streaming bool) string {
	body := fmt.Sprintf(`{"query":%q,"streaming":%t}`, query, streaming)
	return fmt.Sprintf("POST /api/tasks HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
		token, len(body), body)
}

// readers is the process that reads.
type readers struct {
	*process
	lines *bufio.Scanner
}

func startReaders(ctx context.Context, address string, n int, token, query string) (*readers, error) {
	p, err := start(ctx, "readers", address, strconv.Itoa(n), token, query)
	if err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(p.said)
	lines.Buffer(nil, 8<<20)
	return &readers{p, lines}, nil
}

// wait waits until all streams have come to a step, and gives the time at which each of them did.
func (r *readers) wait(step string) ([]int64, error) {
	for r.lines.Scan() {
		var h heard
		if err := json.Unmarshal(r.lines.Bytes(), &h); err != nil {
			return nil, err
		}
		if h.Step == step {
			return h.At, nil
		}
	}
	return nil, fmt.Errorf("the readers ended before all of them came to %q: %w", step, errors.Join(r.lines.Err(), r.cmd.Wait()))
}

// end waits for the last event of every stream.
func (r *readers) end() error {
	if _, err := r.wait(terminal); err != nil {
		return err
	}
	return r.cmd.Wait()
}
