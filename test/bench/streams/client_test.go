// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package streams_test

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
	"os/exec"
	"strconv"
	"sync"
	"testing"
	"time"
)

// The readers are a process of their own: this test binary, started again. So what the gateway takes is not mixed with what its
// clients take.
const clientOf = "CORTEX_BENCH_CLIENT_OF"

func TestMain(m *testing.M) {
	if address := os.Getenv(clientOf); address != "" {
		n, _ := strconv.Atoi(os.Getenv("CORTEX_BENCH_STREAMS"))
		if err := readAll(address, n); err != nil {
			fmt.Fprintln(os.Stderr, "client:", err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// heard is told by the client once all of its streams have come to a step: when each of them did, in nanoseconds since 1970.
type heard struct {
	Step string
	At   []int64
}

// tally counts the streams that have come to a step.
type tally struct {
	n    int
	out  *json.Encoder
	mu   sync.Mutex
	seen map[string]*heard
}

// terminal is how the one event begins that differs from stream to stream.
const terminal = `{"type":"processing_complete"`

// count takes an event as it came. The client shares the processors with the gateway: it decodes nothing.
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

// readAll reads n streams to their ends. A step that a stream hears twice is counted twice, so that the counts never come out
// right, and one that it does not hear is never told.
func readAll(address string, n int) error {
	t := &tally{n: n, out: json.NewEncoder(os.Stdout), seen: map[string]*heard{}}
	var streams sync.WaitGroup
	errs := make(chan error, n)
	opening := make(chan struct{}, 64)
	for range n {
		streams.Go(func() {
			if err := readOne(address, t, opening); err != nil {
				errs <- err
			}
		})
	}
	streams.Wait()
	close(errs)
	return <-errs
}

// question is what every stream asks.
var question = func() string {
	body := `{"query":"list hosts","streaming":true}`
	return fmt.Sprintf("POST /api/tasks HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
}()

func readOne(address string, t *tally, opening chan struct{}) error {
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
	command *exec.Cmd
	lines   *bufio.Scanner
}

func startReaders(b *testing.B, address string, n int) *readers {
	b.Helper()
	command := exec.CommandContext(b.Context(), os.Args[0])
	command.Env = append(os.Environ(), clientOf+"="+address, "CORTEX_BENCH_STREAMS="+strconv.Itoa(n))
	command.Stderr = os.Stderr
	out, err := command.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := command.Start(); err != nil {
		b.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 4<<20)
	return &readers{command, lines}
}

// wait waits until all streams have come to a step, and gives the time at which each of them did.
func (c *readers) wait(b *testing.B, step string) []int64 {
	b.Helper()
	for c.lines.Scan() {
		var h heard
		if err := json.Unmarshal(c.lines.Bytes(), &h); err != nil {
			b.Fatal(err)
		}
		if h.Step == step {
			return h.At
		}
	}
	b.Fatalf("the client ended before all streams came to %q: %v", step, c.command.Wait())
	return nil
}
