// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/watch"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

// TestNobodyThere: an operator that does not answer is told of in time, and how to look.
func TestNobodyThere(t *testing.T) {
	for name, line := range map[string]string{"asked": "heal ", "answered": "cancel "} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			if name == "answered" { // it was there when it asked, and is not any more
				w.request(sandfly+"-001", with(awaitsApproval))
			}
			w.nobodyThere(line)
		})
	}
}

func (w *world) nobodyThere(line string) {
	clock := clocktesting.NewFakeClock(noon)
	result := w.command(w.Context(), clock, w.args(line+sandfly))
	for {
		select {
		case e := <-result:
			w.check(e, 2, "The Cortex operator has not taken up "+sandfly+"-001 within 15s. Does it run? kubectl get pods -l app=cortex-operator -A",
				"error: the Cortex operator has not taken up "+sandfly+"-001 within 1m0s", "kubectl cortex cancel "+sandfly+"-001")
			return
		case <-time.After(time.Millisecond):
			if clock.HasWaiters() {
				clock.Step(5 * time.Second)
			}
		}
	}
}

// TestNeverEnds: an operator that falls silent is given up after what it had given itself.
func TestNeverEnds(t *testing.T) {
	w := newWorld(t)
	w.request(sandfly+"-001", with(say("one")))
	clock := clocktesting.NewFakeClock(noon)
	result := w.command(w.Context(), clock, w.args("heal "+sandfly))
	for {
		select {
		case e := <-result:
			w.check(e, 2, sandfly+"-001 did not end within 2m10s, and nothing more is heard of it")
			if clock.Since(noon) < 130*time.Second {
				t.Errorf("after %s", clock.Since(noon))
			}
			return
		case <-time.After(time.Millisecond):
			if clock.HasWaiters() {
				clock.Step(10 * time.Second)
			}
		}
	}
}

// TestInterrupted: who leaves is told that the heal goes on.
func TestInterrupted(t *testing.T) {
	w := newWorld(t)
	ctx, leave := context.WithCancel(t.Context())
	out := &awaited{wanted: "created in namespace", seen: make(chan struct{})}
	var notes strings.Builder
	result := make(chan ended, 1)
	go func() {
		code := run(ctx, w.args("heal "+sandfly), streams{strings.NewReader(""), out, &notes}, clocktesting.NewFakeClock(noon))
		result <- ended{code: code, told: notes.String()}
	}()
	<-out.seen
	leave()
	w.check(w.await(result), 2, "The heal goes on without you.", "kubectl cortex cancel "+sandfly+"-001 -n "+w.namespace, "error: interrupted")
	r := w.appears()
	w.write(r, say("one"))
	if r.Done() || r.DeletionTimestamp != nil {
		t.Error("the heal does not go on")
	}
}

func TestDeleted(t *testing.T) {
	w := newWorld(t)
	result := w.start("heal " + sandfly)
	if err := w.api.Delete(t.Context(), w.appears()); err != nil {
		t.Fatal(err)
	}
	w.check(w.await(result), 2, "the request was deleted before it ended")
}

// oneEvent is a watch that breaks after its first event.
type oneEvent struct {
	watch.Interface
	events chan watch.Event
}

func (o oneEvent) ResultChan() <-chan watch.Event { return o.events }

// TestBrokenWatch: each step is told once and in order, though the watch breaks after each.
func TestBrokenWatch(t *testing.T) {
	w := newWorld(t)
	r := w.request(sandfly+"-001", with(say("one")))
	watches := make(chan struct{})
	breaking := interceptor.NewClient(w.api, interceptor.Funcs{
		Watch: func(ctx context.Context, c client.WithWatch, list client.ObjectList, options ...client.ListOption) (watch.Interface, error) {
			broken, err := c.Watch(ctx, list, options...)
			one := oneEvent{broken, make(chan watch.Event, 1)}
			go func() {
				defer close(one.events)
				watches <- struct{}{}
				one.events <- <-broken.ResultChan()
			}()
			return one, err
		},
	})
	clock := clocktesting.NewFakeClock(noon)
	q := &requests{client: breaking, clock: clock, namespace: w.namespace}
	var told []string
	result := make(chan error, 1)
	go func() {
		_, err := q.follow(t.Context(), r.DeepCopy(), io.Discard, func(entry v1alpha1.ProgressEntry) { told = append(told, entry.Message) })
		result <- err
	}()
	writes := [][]func(*v1alpha1.HealingRequestStatus){{say("two")}, {say("three", "four")}, {say("five"), over(v1alpha1.ReasonHealed)}}
	for {
		select {
		case <-watches:
			w.write(r, writes[0]...)
			writes = writes[1:]
		case err := <-result:
			if want := []string{"one", "two", "three", "four", "five"}; err != nil || !slices.Equal(told, want) {
				t.Errorf("told %v: %v", told, err)
			}
			return
		case <-time.After(time.Millisecond):
			// The pause before the next try waits beside the limit, which must not pass while the API server is asked.
			if clock.Waiters() > 1 {
				clock.Step(lostPause)
			}
		}
	}
}
