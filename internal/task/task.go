// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package task

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/ry-ops/cortex/internal/chat"
	"github.com/ry-ops/cortex/internal/panics"
)

// errNobody is why a task ended that nobody came back for.
var errNobody = errors.New("nobody was reading any more, and nobody came back; a heal that was begun goes on by itself")

// Event is one event of a task. Ids begin at 1 and grow by one.
type Event struct {
	ID int
	// Data is the event as JSON. It must not be changed.
	Data []byte

	// shared: the bytes are those of another log as well, which pays for them.
	shared bool
}

// cost is what an event takes in the log.
func (e Event) cost() int {
	if e.shared {
		return eventOverhead
	}
	return eventOverhead + len(e.Data)
}

// Task is a query that runs apart from the connection that asked it. Its events are kept in a log, from which any number of
// readers take them.
type Task struct {
	// ID of the task; whoever knows it and is its Caller may read it.
	ID      string
	Caller  string
	Started time.Time

	store  *Store
	cancel context.CancelCauseFunc
	give   func()

	mu     sync.Mutex
	events []Event // consecutive, the newest last; the oldest may be gone
	last   int     // id of the newest
	bytes  int
	// last words, kept until the outcome is known
	terminal []byte
	outcome  *chat.Outcome
	ended    time.Time
	// readers are another list after each change, so that whoever has one may go through it without the lock.
	readers []*Reader
	// left counts the times that the last reader left, so that a grace that has run out knows whether it was the last one.
	left int
}

// run runs the query to its end.
func (t *Task) run(ctx context.Context, query chat.Query) {
	t.end(t.guarded(ctx, query))
}

// guarded turns a panic into an outcome.
func (t *Task) guarded(ctx context.Context, query chat.Query) (outcome *chat.Outcome) {
	defer t.recovered(&outcome)
	return t.store.Loop.Run(ctx, query, t.emit)
}

// recovered must be deferred.
func (t *Task) recovered(outcome **chat.Outcome) {
	if value := recover(); value != nil {
		t.store.Panics.Caught(panics.Query, value, "task", t.ID)
		*outcome = &chat.Outcome{Status: chat.StatusFailed, Result: message(t.ID, "an internal error ended the task; the gateway's log has the details under task "+t.ID)}
	}
}

// emit takes an event from the loop. The last one waits until the outcome is there, so that whoever has read it finds the
// task ended.
func (t *Task) emit(event chat.Event) {
	data, shared := t.store.encode(event)
	_, last := event.(chat.ProcessingComplete)
	t.mu.Lock()
	if t.terminal != nil {
		t.mu.Unlock()
		t.store.Log.Error(nil, "an event came after the last one and is not told", "task", t.ID)
		return
	}
	if last {
		t.terminal = data
		t.mu.Unlock()
		return
	}
	t.append(Event{Data: data, shared: shared})
	readers := t.readers
	t.mu.Unlock()
	t.store.makeRoom(t)
	wake(readers)
}

// wake must be called without the lock held.
func wake(readers []*Reader) {
	for _, reader := range readers {
		reader.wake()
	}
}

// end closes the log with its one last event.
func (t *Task) end(outcome *chat.Outcome) {
	now := t.store.Clock.Now()
	t.mu.Lock()
	if t.terminal == nil {
		t.terminal = encode(chat.ProcessingComplete{ID: t.ID, Status: outcome.Status, Result: outcome.Result})
	}
	t.append(Event{Data: t.terminal})
	t.outcome, t.ended = outcome, now
	readers := t.readers
	t.mu.Unlock()
	t.cancel(nil)
	t.store.makeRoom(t)
	t.store.over(t)
	wake(readers)
}

// append must be called with the lock held.
func (t *Task) append(event Event) {
	t.last++
	event.ID = t.last
	t.events = append(t.events, event)
	t.grow(event.cost())
	t.trim(func() bool { return t.bytes > t.store.PerTask })
}

// trim must be called with the lock held. It forgets the oldest events while they are too many, and keeps the newest.
func (t *Task) trim(tooMany func() bool) {
	for len(t.events) > 1 && tooMany() {
		t.grow(-t.events[0].cost())
		t.events[0] = Event{}
		t.events = t.events[1:]
	}
}

// grow must be called with the lock held.
func (t *Task) grow(by int) {
	t.bytes += by
	t.store.bytes.Add(int64(by))
}

// State is what is known of a task at one moment.
type State struct {
	// First and Last are the ids of the oldest event that is kept and of the newest; 0 if there is none yet.
	First, Last int
	// Latest is the newest event as JSON.
	Latest []byte
	// Outcome is nil while the task runs.
	Outcome *chat.Outcome
	// Ended is when the task ended; zero while it runs.
	Ended time.Time
}

// State tells how far the task is.
func (t *Task) State() State {
	t.mu.Lock()
	defer t.mu.Unlock()
	state := State{Last: t.last, Outcome: t.outcome, Ended: t.ended}
	if n := len(t.events); n > 0 {
		state.First, state.Latest = t.events[0].ID, t.events[n-1].Data
	}
	return state
}

// Cancel ends the task with its last event, which tells the cause.
func (t *Task) Cancel(cause error) { t.cancel(cause) }

// Read begins to read the log after the event with an id; 0 is the beginning. What is there already is read with Next; wake is
// called whenever there is more, by whoever made it: it must not block, and may be called once more after Leave.
func (t *Task) Read(after int, wake func()) *Reader {
	r := &Reader{Task: t, next: after + 1, wake: wake}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.readers = append(slices.Clone(t.readers), r)
	return r
}

// leave starts the grace if it was the last reader of a task that still runs.
func (t *Task) leave(r *Reader) {
	t.mu.Lock()
	t.readers = slices.DeleteFunc(slices.Clone(t.readers), func(other *Reader) bool { return other == r })
	abandoned := len(t.readers) == 0 && t.outcome == nil
	if abandoned {
		t.left++
	}
	left := t.left
	t.mu.Unlock()
	if abandoned {
		t.store.Clock.AfterFunc(t.store.Grace, func() { t.expire(left) })
	}
}

// expire ends the task unless somebody has come back since the last reader left for the n-th time.
func (t *Task) expire(n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.readers) == 0 && t.left == n {
		t.cancel(errNobody)
	}
}

func encode(event chat.Event) []byte {
	data, err := json.Marshal(event)
	if err != nil {
		return []byte(`{"type":"processing_delay","message":"an event could not be written"}`)
	}
	return data
}

// Ending is the last event of a task that no loop has ended, with a text that says why.
func Ending(id, text string) chat.ProcessingComplete {
	return chat.ProcessingComplete{ID: id, Status: chat.StatusFailed, Result: message(id, text)}
}

func message(id, text string) chat.Message {
	return chat.Message{ID: "msg_" + id, Type: "message", Role: "assistant", Model: "cortex", StopReason: "end_turn", Content: []chat.Block{{Type: "text", Text: text}}}
}
