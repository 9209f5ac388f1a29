// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
)

// floor is the least that can be done: a server that keeps its connections in a list and writes the same bytes to one after the
// other. It knows nothing of tasks, deadlines or who has read what. Measured in turn with the gateway, in one run, it tells what
// the kernel and the readers take of this machine at this moment.
type floor struct {
	mu    sync.Mutex
	conns []net.Conn
}

func startFloor(ctx context.Context) (f *floor, address string, err error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, "", err
	}
	f = &floor{}
	context.AfterFunc(ctx, func() {
		_ = listener.Close()
		f.mu.Lock()
		defer f.mu.Unlock()
		for _, conn := range f.conns {
			_ = conn.Close()
		}
	})
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			request, err := http.ReadRequest(bufio.NewReader(conn))
			if err != nil {
				_ = conn.Close() // its reader says so
				continue
			}
			_, _ = io.Copy(io.Discard, request.Body)
			f.mu.Lock()
			f.conns = append(f.conns, conn)
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"+chunk(0, opened))
			f.mu.Unlock()
		}
	}()
	return f, listener.Addr().String(), nil
}

// opened is the event that a stream of the floor begins with.
const opened = `{"type":"opened"}`

func chunk(id int, event string) string {
	text := fmt.Sprintf("id: %d\ndata: %s\n\n", id, event)
	return fmt.Sprintf("%x\r\n%s\r\n", len(text), text)
}

func (f *floor) tell(id int, event string) {
	raw := []byte(chunk(id, event))
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, conn := range f.conns {
		_, _ = conn.Write(raw)
	}
}
