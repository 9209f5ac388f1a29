// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// storm lets 10,000 questions fail at once, all of one server.
func storm(ctx context.Context, w *world, t *table) error {
	const n, podMemory = 10_000, 768                 // MiB, the limit in config/gateway
	gateway, err := w.dead(ctx, "GOMEMLIMIT=640MiB") // as in config/gateway
	if err != nil {
		return err
	}
	defer w.forget(ctx, deadService)
	defer gateway.kill()
	began := time.Now()
	s := &asked{question: questionOf(question, w.token, false), address: gateway.address}
	for range n {
		s.all.Go(func() { s.ask(ctx) })
	}
	key, err := w.only(ctx)
	if err != nil {
		return w.said(err)
	}
	// Each has a goroutine for its connection, one for its task, and one that looks for the connection's end.
	if err := until(ctx, "all to wait for the heal", func() bool {
		running, err := gateway.metric(ctx, "go_goroutines")
		return err == nil && running >= 3*n || s.over() > 0
	}); err != nil {
		return w.said(err)
	}
	for i := range 10 {
		if _, _, err := w.write(ctx, key, say(fmt.Sprint("step ", i))); err != nil {
			return err
		}
	}
	waiting := time.Since(began)
	if _, _, err := w.write(ctx, key, finish); err != nil {
		return err
	}
	s.all.Wait()
	if s.failure != nil {
		return w.said(s.failure)
	}
	if _, err := w.only(ctx); err != nil {
		return err
	}
	resident, err := gateway.peak()
	if err != nil {
		return err
	}
	t.holds("10,000 questions that fail together: answered, with the diagnosis", s.diagnosed == n, fmt.Sprint(s.diagnosed), fmt.Sprint(n))
	t.holds("HealingRequests of them", true, "1", "1")
	t.most("resident memory of the gateway at its peak (the pod's limit is the bound)", mebibytes(resident), podMemory, " MiB")
	t.tell("all of them asked and waiting after; answered after the end of the heal within", "%.1f s; %.1f s", waiting.Seconds(), time.Since(began).Seconds()-waiting.Seconds())
	return nil
}

// asked is a crowd that asks one question.
type asked struct {
	question, address string
	all               sync.WaitGroup

	mu                 sync.Mutex
	answers, diagnosed int
	failure            error
}

func (a *asked) over() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.answers
}

func (a *asked) ask(ctx context.Context) {
	status, answer, err := a.answer(ctx)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.answers++
	switch {
	case err != nil:
		a.failure = err
	case status == http.StatusOK && bytes.Contains(answer, []byte(diagnosis)):
		a.diagnosed++
	default:
		a.failure = fmt.Errorf("HTTP %d: %.300s", status, answer)
	}
}

func (a *asked) answer(ctx context.Context) (int, []byte, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", a.address)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = conn.Close() }()
	if _, err := io.WriteString(conn, a.question); err != nil {
		return 0, nil, err
	}
	response, err := http.ReadResponse(bufio.NewReaderSize(conn, 1<<10), nil)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	return response.StatusCode, body, err
}
