// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"
)

const (
	down  = 3 * time.Second
	calls = 60
)

// outage kills the server for a while, and calls meanwhile.
func outage(ctx context.Context, server, gateway *process, written string) error {
	var clients []*client
	for range calls + 1 {
		c, err := dial(ctx, gateway.address, "/mcp", "bench__")
		if err != nil {
			return err
		}
		clients = append(clients, c)
	}
	writing := make(chan string, 1)
	go func() {
		begun := time.Now()
		_, err := clients[calls].do(clients[calls].call("write"))
		writing <- fmt.Sprintf("after %s: %v", time.Since(begun).Round(time.Millisecond), err)
	}()
	if err := until(func() bool { return ran(written) == 1 }); err != nil {
		return err
	}
	server.kill()
	killed := time.Now()
	fmt.Printf("\nThe server is killed for %s.\nThe call that was under way and must not run twice ended %s\n", down, <-writing)

	var mu sync.Mutex
	var answered []time.Time
	var failures []error
	var waiting sync.WaitGroup
	pace := time.NewTicker(down / (calls + 1))
	defer pace.Stop()
	for _, c := range clients[:calls] {
		<-pace.C
		waiting.Go(func() {
			_, err := c.do(c.call("small"))
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				failures = append(failures, err)
				return
			}
			answered = append(answered, time.Now())
		})
	}
	<-time.After(time.Until(killed.Add(down)))
	again, err := start(ctx, "server", server.address, written)
	if err != nil {
		return err
	}
	defer again.kill()
	waiting.Wait()
	if len(failures) > 0 {
		return fmt.Errorf("%d calls failed, such as: %w", len(failures), failures[0])
	}
	slices.SortFunc(answered, time.Time.Compare)
	fmt.Printf("%d of %d calls that only read were held and answered, the first %s and the last %s after the server was ready again (a stand-in heals: it sees that the server accepts connections).\n",
		len(answered), calls, answered[0].Sub(again.ready).Round(100*time.Microsecond), answered[calls-1].Sub(again.ready).Round(100*time.Microsecond))
	if _, err := clients[0].do(clients[0].call("small")); err != nil {
		return fmt.Errorf("the session is not intact: %w", err)
	}
	fmt.Printf("The clients' sessions are intact. The call that must not run twice ran %d time(s).\n", ran(written))
	return nil
}

// ran counts what the server noted.
func ran(written string) int {
	notes, _ := os.ReadFile(written)
	return len(notes)
}

func until(holds func() bool) error {
	again := time.NewTicker(time.Millisecond)
	defer again.Stop()
	limit := time.After(10 * time.Second)
	for !holds() {
		select {
		case <-again.C:
		case <-limit:
			return fmt.Errorf("waited in vain for the server")
		}
	}
	return nil
}
