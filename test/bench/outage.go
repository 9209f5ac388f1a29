// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"
)

const (
	down    = 3 * time.Second
	holding = 60
	kills   = 5
)

// outages kills the server for a while, several times, and calls meanwhile. Nobody heals it but the one who starts it again.
func outages(ctx context.Context, w *world, t *table) error {
	server, gateway, err := reach(ctx, w)
	if err != nil {
		return err
	}
	defer w.forget(ctx, backend)
	o := &outage{world: w, way: way{"/mcp", gateway, "/mcp", backend + "__", w.token}, server: server}
	defer gateway.kill()
	defer func() { o.server.kill() }()
	for range kills {
		if err := o.happen(ctx); err != nil {
			return w.said(err)
		}
	}
	t.holds(fmt.Sprintf("server killed for %s, %d times: calls that only read, held and answered", down, kills), o.answered == kills*holding,
		fmt.Sprintf("%d of %d", o.answered, kills*holding), "all")
	t.most("first success after the server is ready again, median", milliseconds(median(o.first)), 25, " ms")
	t.tell("the same, worst; last of the calls, worst", "%.1f ms; %.1f ms", milliseconds(slices.Max(o.first)), milliseconds(slices.Max(o.last)))
	t.holds("sessions that are intact afterwards", o.intact == kills*holding, fmt.Sprintf("%d of %d", o.intact, kills*holding), "all")
	t.holds("the call under way that must not run twice: failed while the server was down, ran once", o.once == kills, fmt.Sprintf("%d of %d", o.once, kills), "all")
	return nil
}

type outage struct {
	world  *world
	way    way
	server *process

	mu                     sync.Mutex
	answered, intact, once int
	first, last            []time.Duration
	failure                error
}

func (o *outage) happen(ctx context.Context) error {
	clients := make([]*caller, holding+1)
	for i := range clients {
		var err error
		if clients[i], err = dial(ctx, o.way); err != nil {
			return err
		}
		defer func() { _ = clients[i].conn.Close() }()
	}
	before := ran(o.world.notes())
	writing := make(chan error, 1)
	go func() {
		_, err := clients[holding].do(clients[holding].call("write"))
		writing <- err
	}()
	if err := until(ctx, "the call to be under way", func() bool { return ran(o.world.notes()) > before }); err != nil {
		return err
	}
	o.server.kill()
	killed := time.Now()
	var done []time.Time
	var waiting sync.WaitGroup
	pace := time.NewTicker(down / (holding + 1))
	defer pace.Stop()
	for _, c := range clients[:holding] {
		<-pace.C
		waiting.Go(func() {
			_, err := c.do(c.call("small"))
			o.mu.Lock()
			defer o.mu.Unlock()
			if err != nil {
				o.failure = err
				return
			}
			done = append(done, time.Now())
		})
	}
	atOnce := false
	select {
	case err := <-writing:
		atOnce = err != nil
	default:
	}
	<-time.After(time.Until(killed.Add(down)))
	var err error
	if o.server, err = start(ctx, "server", o.world.notes(), backendAddress); err != nil {
		return err
	}
	waiting.Wait()
	if len(done) == 0 {
		return errors.Join(errors.New("no call was answered"), o.failure)
	}
	o.answered += len(done)
	o.first = append(o.first, slices.MinFunc(done, time.Time.Compare).Sub(o.server.ready))
	o.last = append(o.last, slices.MaxFunc(done, time.Time.Compare).Sub(o.server.ready))
	for _, c := range clients[:holding] {
		if _, err := c.do(c.call("small")); err == nil {
			o.intact++
		}
	}
	if atOnce && ran(o.world.notes()) == before+1 {
		o.once++
	}
	return nil
}

// ran counts what the server noted.
func ran(written string) int {
	notes, _ := os.ReadFile(written)
	return len(notes)
}
