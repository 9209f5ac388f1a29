// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

// Package task lets queries run apart from the connections that asked them: a connection that breaks, or a reader that does
// not read, costs nobody the answer. What a query tells goes into a log, bounded in bytes and in time, from which readers take
// every event once and in order, and go on where they were.
package task

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/utils/clock"

	"github.com/ry-ops/cortex/internal/chat"
	"github.com/ry-ops/cortex/internal/panics"
	"github.com/ry-ops/cortex/internal/quota"
)

const (
	// DefaultGrace is how long a task goes on that nobody reads any more: see docs/adr/0020.
	DefaultGrace = time.Minute
	// DefaultKeep is how long a task can be read after its end: long enough for a laptop that was closed for a moment.
	DefaultKeep = 10 * time.Minute
	// DefaultPerTask bounds the log of one task, in bytes: some thousand steps, or the longest answers with all that led to them.
	DefaultPerTask = 1 << 20
	// DefaultTotal bounds all logs together, in bytes: a twelfth of the pod's memory.
	DefaultTotal = 32 << 20
	// DefaultRunning bounds the tasks that run at once.
	DefaultRunning = 10_000
	// DefaultRunningEach bounds those of one caller: more than one page opens, or a script that does not wait for its answers
	// should need.
	DefaultRunningEach = 100

	// eventOverhead and taskOverhead are about what an event and a task take beside the event's bytes, so that very many small
	// ones are bounded as well.
	eventOverhead = 48
	taskOverhead  = 1 << 10
)

// Loop answers queries. See chat.Loop.
type Loop interface {
	Run(ctx context.Context, query chat.Query, emit func(chat.Event)) *chat.Outcome
}

// Options of a Store. Zero means the defaults.
type Options struct {
	Loop        Loop
	Grace, Keep time.Duration
	// PerTask and Total bound the logs in bytes.
	PerTask, Total int
	// Running and RunningEach bound the tasks that run, in all and of one caller.
	Running, RunningEach int
	// Panics of the loop are counted here. Nil counts none.
	Panics *panics.Catcher
	// Ended is told of every task that ended, once it may make room for others; may be nil.
	Ended func(chat.Status)
	Clock clock.WithDelayedExecution
	Log   logr.Logger
}

// Store runs tasks and keeps them. It is safe for concurrent use. No clock is asked with a lock held.
type Store struct {
	Options
	running *quota.Quota
	bytes   atomic.Int64
	// step is the last step of a heal that was encoded. Thousands may wait for one heal, and hear the same at the same moment.
	step atomic.Pointer[encoded]
	// runs are the goroutines of tasks that run.
	runs sync.WaitGroup

	mu    sync.Mutex
	tasks map[string]*Task
	// finished are those of them that are over, the first that ended first. They are what makes room.
	finished []*Task
	// ending is why tasks are not taken any more.
	ending error
}

// NewStore makes a Store.
func NewStore(o Options) *Store {
	set(&o.Grace, DefaultGrace)
	set(&o.Keep, DefaultKeep)
	set(&o.PerTask, DefaultPerTask)
	set(&o.Total, DefaultTotal)
	set(&o.Running, DefaultRunning)
	set(&o.RunningEach, DefaultRunningEach)
	if o.Ended == nil {
		o.Ended = func(chat.Status) {}
	}
	return &Store{Options: o, running: quota.New(o.Running, o.RunningEach), tasks: map[string]*Task{}}
}

func set[T comparable](value *T, otherwise T) {
	var zero T
	if *value == zero {
		*value = otherwise
	}
}

// Start runs a query as a task of a caller, which goes on until its last reader has left for the time of the grace. The task has the
// values of ctx and not its end. The error is one of package quota, or what End was given.
func (s *Store) Start(ctx context.Context, caller string, query chat.Query) (*Task, error) {
	give, err := s.running.Take(caller)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	t := &Task{ID: query.ID, Caller: caller, Started: s.Clock.Now(), store: s, cancel: cancel, give: give, bytes: taskOverhead}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ending != nil {
		give()
		cancel(nil)
		return nil, s.ending
	}
	s.tasks[t.ID] = t
	s.bytes.Add(taskOverhead)
	s.runs.Go(func() { t.run(ctx, query) })
	return t, nil
}

// Find gives a task of a caller; nil if there is none, or none any more.
func (s *Store) Find(id, caller string) *Task {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.tasks[id]; t != nil && t.Caller == caller {
		return t
	}
	return nil
}

// End ends all tasks that run, each with its last event, and takes no others.
func (s *Store) End(cause error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ending = cause
	for _, t := range s.tasks {
		t.cancel(cause)
	}
}

// Wait returns when no task runs any more, or when ctx ends.
func (s *Store) Wait(ctx context.Context) {
	idle := make(chan struct{})
	go func() {
		defer close(idle)
		s.runs.Wait()
	}()
	select {
	case <-idle:
	case <-ctx.Done():
	}
}

// encoded is an event with its JSON.
type encoded struct {
	event chat.HealingProgress
	data  []byte
}

// encode gives an event as JSON, and whether another log has these very bytes. If that one is forgotten first, nobody pays for
// them: a step is short (status.progress bounds its text).
func (s *Store) encode(event chat.Event) (data []byte, shared bool) {
	step, ok := event.(chat.HealingProgress)
	if !ok {
		return encode(event), false
	}
	if last := s.step.Load(); last != nil && last.event == step {
		return last.data, true
	}
	data = encode(event)
	s.step.Store(&encoded{step, data})
	return data, false
}

// over is called when a task has ended.
func (s *Store) over(t *Task) {
	t.give()
	s.mu.Lock()
	s.finished = append(s.finished, t)
	s.mu.Unlock()
	s.Ended(t.outcome.Status)
	s.Clock.AfterFunc(s.Keep, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		for len(s.finished) > 0 && s.finished[0].ended.Sub(t.ended) <= 0 {
			s.forgetOldest()
		}
	})
}

// forgetOldest must be called with the lock held, and with a task that is over.
func (s *Store) forgetOldest() {
	t := s.finished[0]
	s.finished[0] = nil
	s.finished = s.finished[1:]
	delete(s.tasks, t.ID)
	t.mu.Lock()
	defer t.mu.Unlock()
	s.bytes.Add(int64(-t.bytes))
}

// makeRoom is called when a log grew. If all logs together are too large, tasks that are over make room, the oldest first; if
// that is not enough, the log that grew forgets its oldest events.
func (s *Store) makeRoom(t *Task) {
	tooLarge := func() bool { return s.bytes.Load() > int64(s.Total) }
	if !tooLarge() {
		return
	}
	s.mu.Lock()
	for len(s.finished) > 0 && tooLarge() {
		s.forgetOldest()
	}
	s.mu.Unlock()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.trim(tooLarge)
}
