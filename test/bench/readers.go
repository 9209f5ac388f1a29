// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"sync"
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
	mu   sync.Mutex
	seen map[string]*heard
}

// terminal is how the one event begins that differs from stream to stream.
const terminal = `{"type":"processing_complete"`

// count takes an event as it came. The readers share the processors with the gateway: they decode nothing.
func (t *tally) count(event []byte, at time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
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

// readAll is a process of its own, so that what the gateway takes is not mixed with what its clients take. It reads n streams to their
// ends. A step that a stream hears twice is counted twice, so that the counts never come out right, and one that it does not hear is
// never told.
func readAll(address, number, token, query string) error {
	n, err := strconv.Atoi(number)
	if err != nil {
		return err
	}
	fmt.Println("ready", address, time.Now().UnixNano())
	t := &tally{n: n, out: json.NewEncoder(os.Stdout), seen: map[string]*heard{}}
	var streams sync.WaitGroup
	failed := make(chan error, n)
	opening := make(chan struct{}, 64)
	question := questionOf(query, token, true)
	for range n {
		streams.Go(func() {
			if err := readOne(address, question, t, opening); err != nil {
				failed <- err
			}
		})
	}
	go func() {
		streams.Wait()
		close(failed)
	}()
	return <-failed // the first one ends it: the others would wait for a step that does not come to all
}

// questionOf is a request as it goes over the wire.
func questionOf(query, token string, streaming bool) string {
	body := fmt.Sprintf(`{"query":%q,"streaming":%t}`, query, streaming)
	return fmt.Sprintf("POST /api/tasks HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
		token, len(body), body)
}

func readOne(address, question string, t *tally, opening chan struct{}) error {
	opening <- struct{}{}
	connection, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", address)
	if err == nil {
		_, err = io.WriteString(connection, question)
	}
	opened := sync.OnceFunc(func() { <-opening })
	defer opened()
	if err != nil {
		return err
	}
	defer connection.Close()
	in := bufio.NewReaderSize(connection, 1<<10)
	for {
		line, err := in.ReadSlice('\n')
		at := time.Now()
		switch {
		case err != nil && !errors.Is(err, bufio.ErrBufferFull):
			return fmt.Errorf("reading: %w", err)
		case bytes.HasPrefix(line, []byte("HTTP/1.1 ")) && !bytes.Contains(line, []byte(" 200 ")):
			return fmt.Errorf("refused: %s", line)
		case bytes.HasPrefix(line, []byte("data: ")):
			opened()
			event := bytes.TrimSpace(line[len("data: "):])
			last := bytes.HasPrefix(event, []byte(terminal))
			if last {
				event = event[:len(terminal)]
			}
			t.count(event, at)
			if last {
				return nil
			}
		}
	}
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
