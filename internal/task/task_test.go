// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package task_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/utils/clock"
	testclock "k8s.io/utils/clock/testing"

	"github.com/ry-ops/cortex/internal/chat"
	"github.com/ry-ops/cortex/internal/mcp/mcptest"
	"github.com/ry-ops/cortex/internal/quota"
	"github.com/ry-ops/cortex/internal/task"
	"github.com/ry-ops/cortex/test/steady"
)

func TestMain(m *testing.M) { steady.Main(m) }

// loop is scripted by the test. It tells the last event by itself, as chat.Loop does.
type loop func(ctx context.Context, emit func(chat.Event)) chat.Status

func (l loop) Run(ctx context.Context, query chat.Query, emit func(chat.Event)) *chat.Outcome {
	outcome := &chat.Outcome{Status: l(ctx, emit)}
	emit(chat.ProcessingComplete{ID: query.ID, Status: outcome.Status})
	return outcome
}

// steps tells n steps, each once next has a token.
func steps(n int, next <-chan struct{}) loop {
	return func(_ context.Context, emit func(chat.Event)) chat.Status {
		for i := range n {
			<-next
			emit(step(i + 1))
		}
		<-next
		return chat.StatusCompleted
	}
}

func step(i int) chat.Event {
	return chat.HealingProgress{Service: "sandfly", Message: fmt.Sprintf("step %d", i)}
}

func free() <-chan struct{} {
	open := make(chan struct{})
	close(open)
	return open
}

func store(l task.Loop, change func(*task.Options)) *task.Store {
	o := task.Options{Loop: l, Clock: clock.RealClock{}, Log: logr.Discard()}
	if change != nil {
		change(&o)
	}
	return task.NewStore(o)
}

// reader is a task.Reader with a channel that has something when there is more to read.
type reader struct {
	*task.Reader
	more <-chan struct{}
}

func start(t *testing.T, s *task.Store) *reader {
	t.Helper()
	started, err := s.Start(t.Context(), "alice", chat.Query{ID: task.NewID(time.Now())})
	if err != nil {
		t.Fatal(err)
	}
	return from(started, 0)
}

func from(t *task.Task, after int) *reader {
	wake, more := task.Signal()
	return &reader{t.Read(after, wake), more}
}

func (r *reader) next() task.Batch { return r.Next(nil, math.MaxInt) }

// read reads to the end, and checks that ids grow by one, that a step's number is its id, and that one terminal event is the
// last. It returns the first and the last id.
func read(reader *reader, steps int) (first, last int, err error) {
	for {
		batch := reader.next()
		if batch.Lost > 0 {
			return first, last, fmt.Errorf("%d events are lost", batch.Lost)
		}
		for _, event := range batch.Events {
			if first == 0 {
				first, last = event.ID, event.ID-1
			}
			if event.ID != last+1 {
				return first, last, fmt.Errorf("%d comes after %d", event.ID, last)
			}
			last = event.ID
			want := "processing_complete"
			if event.ID <= steps {
				want = fmt.Sprintf(`"step %d"`, event.ID)
			}
			if !strings.Contains(string(event.Data), want) {
				return first, last, fmt.Errorf("event %d is %s, want %s", event.ID, event.Data, want)
			}
		}
		switch {
		case batch.Over && last != steps+1 && first != 0:
			return first, last, fmt.Errorf("ended after %d", last)
		case batch.Over:
			return first, last, nil
		default:
			<-reader.more
		}
	}
}

func TestReadersGoOnAtEveryID(t *testing.T) {
	const n = 60
	s := store(steps(n, free()), nil)
	reader := start(t, s)
	defer reader.Leave()
	if reader.End(t.Context()) == nil {
		t.Fatal("no outcome")
	}
	for after := range n + 2 {
		again := from(s.Find(reader.ID, "alice"), after)
		first, last, err := read(again, n)
		if want := after + 1; err != nil || want <= n+1 && (first != want || last != n+1) || want > n+1 && first != 0 {
			t.Errorf("after %d: from %d to %d: %v", after, first, last, err)
		}
		again.Leave()
	}
}

// Readers come, leave in the middle and come back where they were, while the task goes on.
func TestAHundredReadersGetEveryEventOnceAndInOrder(t *testing.T) {
	const n, readers = 200, 100
	next := make(chan struct{})
	s := store(steps(n, next), nil)
	first := start(t, s)
	defer first.Leave()
	var all sync.WaitGroup
	for i := range readers {
		all.Go(func() {
			random := rand.New(rand.NewPCG(1, uint64(i)))
			seen := 0
			for over := false; !over; {
				reader := from(first.Task, seen)
				for range random.IntN(5) + 1 {
					batch := reader.next()
					for _, event := range batch.Events {
						if event.ID != seen+1 {
							t.Errorf("reader %d: %d after %d", i, event.ID, seen)
						}
						seen = event.ID
					}
					if over = batch.Over; over {
						break
					}
					<-reader.more
				}
				reader.Leave()
			}
			if seen != n+1 {
				t.Errorf("reader %d ended after %d", i, seen)
			}
		})
	}
	for range n + 1 {
		next <- struct{}{}
	}
	all.Wait()
}

func TestExactlyOneLastEvent(t *testing.T) {
	for name, tc := range map[string]struct {
		run  rawLoop
		want string
	}{
		"told twice": {func(emit func(chat.Event)) *chat.Outcome {
			emit(chat.ProcessingComplete{ID: "first"})
			emit(chat.ProcessingComplete{ID: "second"})
			emit(step(9))
			return &chat.Outcome{}
		}, `"first"`},
		"not told": {func(func(chat.Event)) *chat.Outcome { return &chat.Outcome{Status: chat.StatusCompleted} }, `"status":"completed"`},
		"a panic":  {func(func(chat.Event)) *chat.Outcome { panic("boom") }, `an internal error ended the task`},
		"a panic after the last event": {func(emit func(chat.Event)) *chat.Outcome {
			emit(chat.ProcessingComplete{ID: "first"})
			panic("boom")
		}, `"first"`},
	} {
		t.Run(name, func(t *testing.T) {
			reader := start(t, store(tc.run, nil))
			defer reader.Leave()
			if reader.End(t.Context()) == nil {
				t.Fatal("no outcome")
			}
			batch := from(reader.Task, 0).next()
			if len(batch.Events) != 1 || !batch.Over || !strings.Contains(string(batch.Events[0].Data), tc.want) {
				t.Errorf("%d events: %s", len(batch.Events), batch.Events[0].Data)
			}
		})
	}
}

type rawLoop func(emit func(chat.Event)) *chat.Outcome

func (l rawLoop) Run(_ context.Context, _ chat.Query, emit func(chat.Event)) *chat.Outcome {
	return l(emit)
}

// Whoever has read the last event finds the task ended.
func TestTheOutcomeIsThereWithTheLastEvent(t *testing.T) {
	s := store(steps(1, free()), nil)
	for range 200 {
		reader := start(t, s)
		if _, _, err := read(reader, 1); err != nil {
			t.Fatal(err)
		}
		if reader.State().Outcome == nil {
			t.Fatal("read to the end, and still running")
		}
		reader.Leave()
	}
}

func TestALogIsBounded(t *testing.T) {
	big := strings.Repeat("x", 1000)
	flood := loop(func(_ context.Context, emit func(chat.Event)) chat.Status {
		for i := range 100 {
			emit(chat.HealingProgress{Message: fmt.Sprint(big, i)})
		}
		return chat.StatusCompleted
	})
	for name, change := range map[string]func(*task.Options){
		"of one task": func(o *task.Options) { o.PerTask = 10_000 },
		"in all":      func(o *task.Options) { o.Total = 11_000 },
	} {
		t.Run(name, func(t *testing.T) {
			reader := start(t, store(flood, change))
			defer reader.Leave()
			reader.End(t.Context())
			behind := from(reader.Task, 3)
			defer behind.Leave()
			batch := behind.next()
			total := 0
			for _, event := range batch.Events {
				total += len(event.Data)
			}
			if total > 10_000 || len(batch.Events) < 8 {
				t.Errorf("%d events with %d bytes are kept", len(batch.Events), total)
			}
			if first := batch.Events[0].ID; batch.Lost != first-4 || first+len(batch.Events)-1 != 101 {
				t.Errorf("lost %d, and then from %d on %d", batch.Lost, first, len(batch.Events))
			}
		})
	}
}

// Thousands may wait for one heal. What it tells is kept once.
func TestWhatManyHearIsKeptOnce(t *testing.T) {
	big := chat.HealingProgress{Message: strings.Repeat("x", 10_000)}
	var told sync.WaitGroup
	told.Add(100)
	s := store(loop(func(_ context.Context, emit func(chat.Event)) chat.Status {
		emit(step(1))
		told.Done()
		told.Wait()
		emit(big)
		return chat.StatusCompleted
	}), func(o *task.Options) { o.Total = 300_000 })
	readers := make([]*reader, 100)
	for i := range readers {
		readers[i] = start(t, s)
	}
	for _, reader := range readers {
		reader.End(t.Context())
		reader.Leave()
		batch := reader.next()
		if batch.Lost > 0 || len(batch.Events) > 3 {
			t.Fatalf("%d lost", batch.Lost)
		}
		if s.Find(reader.ID, "alice") == nil {
			t.Fatal("a task had to make room")
		}
	}
}

// An event that is larger than all there may be is still told: it is the answer.
func TestTheNewestEventIsAlwaysKept(t *testing.T) {
	huge := rawLoop(func(emit func(chat.Event)) *chat.Outcome {
		emit(step(1))
		return &chat.Outcome{Result: chat.Message{Content: []chat.Block{{Text: strings.Repeat("x", 100_000)}}}}
	})
	reader := start(t, store(huge, func(o *task.Options) { o.PerTask, o.Total = 100, 100 }))
	defer reader.Leave()
	reader.End(t.Context())
	if batch := from(reader.Task, 0).next(); len(batch.Events) != 1 || len(batch.Events[0].Data) < 100_000 || batch.Lost != 1 {
		t.Errorf("%d events, %d lost", len(batch.Events), batch.Lost)
	}
}

func TestTasksThatAreOverMakeRoomTheOldestFirst(t *testing.T) {
	text := loop(func(_ context.Context, emit func(chat.Event)) chat.Status {
		emit(chat.ProcessingDelay{Message: strings.Repeat("x", 10_000)})
		return chat.StatusCompleted
	})
	over := make(chan chat.Status, 1)
	s := store(text, func(o *task.Options) {
		o.Total = 50_000
		o.Ended = func(status chat.Status) { over <- status }
	})
	var ids []string
	for range 20 {
		reader := start(t, s)
		reader.End(t.Context())
		reader.Leave()
		<-over // its outcome is known before
		ids = append(ids, reader.ID)
	}
	kept := 0
	for i, id := range ids {
		if s.Find(id, "alice") != nil {
			kept++
		} else if kept > 0 {
			t.Errorf("%d is gone and an older one is not", i)
		}
	}
	if kept != 4 {
		t.Errorf("%d are kept", kept)
	}
}

// untilTheEnd waits to be cancelled, and tells why it was.
func untilTheEnd(causes chan<- error) loop {
	return func(ctx context.Context, _ func(chat.Event)) chat.Status {
		<-ctx.Done()
		causes <- context.Cause(ctx)
		return chat.StatusFailed
	}
}

func TestATaskThatNobodyReadsGoesOnForTheGrace(t *testing.T) {
	alive, causes := make(chan struct{}), make(chan error, 1)
	fake := testclock.NewFakeClock(time.Now())
	s := store(loop(func(ctx context.Context, _ func(chat.Event)) chat.Status {
		for {
			select {
			case <-alive:
			case <-ctx.Done():
				causes <- context.Cause(ctx)
				return chat.StatusFailed
			}
		}
	}), func(o *task.Options) { o.Clock = fake })
	goesOn := func(when string) {
		t.Helper()
		for range 100 { // one that was cancelled does not answer so often
			select {
			case alive <- struct{}{}:
			case err := <-causes:
				t.Fatalf("%s: %v", when, err)
			}
		}
	}
	reader := start(t, s)
	reader.Leave()
	fake.Step(task.DefaultGrace - time.Second)
	goesOn("within the grace")
	from(s.Find(reader.ID, "alice"), 0).Leave()
	fake.Step(task.DefaultGrace - time.Second)
	goesOn("somebody looked in, which begins the grace anew")
	back := from(s.Find(reader.ID, "alice"), 0)
	fake.Step(time.Hour)
	goesOn("while it is read")
	back.Leave()
	fake.Step(task.DefaultGrace)
	if err := <-causes; err == nil || !strings.Contains(err.Error(), "nobody came back") {
		t.Error(err)
	}
}

func TestOneReaderOfTwoMayLeave(t *testing.T) {
	causes := make(chan error, 1)
	fake := testclock.NewFakeClock(time.Now())
	s := store(untilTheEnd(causes), func(o *task.Options) { o.Clock = fake })
	first := start(t, s)
	second := from(first.Task, 0)
	first.Leave()
	fake.Step(time.Hour)
	if second.State().Outcome != nil || len(causes) != 0 {
		t.Fatal("ended while it was read")
	}
	second.Cancel(errors.New("enough"))
	second.End(t.Context())
	second.Leave()
}

func TestATaskIsKeptForAWhileAfterItsEnd(t *testing.T) {
	fake := testclock.NewFakeClock(time.Now())
	s := store(steps(1, free()), func(o *task.Options) { o.Clock = fake })
	early := start(t, s)
	early.End(t.Context())
	early.Leave()
	mcptest.Eventually(t, "the timer", fake.HasWaiters)
	fake.Step(task.DefaultKeep - time.Second)
	late := start(t, s)
	late.End(t.Context())
	late.Leave()
	s.End(nil)
	s.Wait(t.Context()) // until its timer is set
	if s.Find(early.ID, "alice") == nil {
		t.Error("forgotten too early")
	}
	fake.Step(time.Second)
	if s.Find(early.ID, "alice") != nil || s.Find(late.ID, "alice") == nil {
		t.Error("the one that ended first must be forgotten, and no other")
	}
	fake.Step(task.DefaultKeep)
	if s.Find(late.ID, "alice") != nil {
		t.Error("not forgotten")
	}
}

func TestATaskIsItsCallersAlone(t *testing.T) {
	s := store(steps(1, free()), nil)
	reader := start(t, s)
	defer reader.Leave()
	if s.Find(reader.ID, "bob") != nil || s.Find(reader.ID, "") != nil || s.Find("task-x", "alice") != nil || s.Find(reader.ID, "alice") == nil {
		t.Error("found by another, or not by its own caller")
	}
	reader.End(t.Context())
}

func TestTasksThatRunAreBounded(t *testing.T) {
	release := make(chan struct{})
	s := store(steps(0, release), func(o *task.Options) { o.Running, o.RunningEach = 3, 2 })
	ask := func(caller string) error {
		_, err := s.Start(t.Context(), caller, chat.Query{ID: task.NewID(time.Now())})
		return err
	}
	for i, tc := range []struct {
		caller string
		want   error
	}{{"alice", nil}, {"alice", nil}, {"alice", quota.ErrTooManyOfCaller}, {"bob", nil}, {"carol", quota.ErrTooMany}} {
		if err := ask(tc.caller); !errors.Is(err, tc.want) {
			t.Errorf("%d: %v, want %v", i, err, tc.want)
		}
	}
	close(release)
	mcptest.Eventually(t, "room for alice", func() bool { return ask("alice") == nil })
}

func TestTheEndOfTheGatewayEndsTasks(t *testing.T) {
	causes := make(chan error, 50)
	s := store(untilTheEnd(causes), nil)
	readers := make([]*reader, 50)
	for i := range readers {
		readers[i] = start(t, s)
	}
	ending := errors.New("the gateway ends")
	s.End(ending)
	s.Wait(t.Context())
	for _, reader := range readers {
		if err := <-causes; !errors.Is(err, ending) {
			t.Error(err)
		}
		if _, _, err := read(reader, 0); err != nil {
			t.Error(err)
		}
		reader.Leave()
	}
	if _, err := s.Start(t.Context(), "alice", chat.Query{ID: "task"}); !errors.Is(err, ending) {
		t.Errorf("took another one: %v", err)
	}
}

// What outlives its connection still has the values of its context.
func TestATaskOutlivesItsConnection(t *testing.T) {
	type key struct{}
	next := make(chan struct{})
	var value atomic.Value
	s := store(loop(func(ctx context.Context, _ func(chat.Event)) chat.Status {
		<-next
		if ctx.Err() == nil {
			value.Store(ctx.Value(key{}))
		}
		return chat.StatusCompleted
	}), nil)
	connection, lose := context.WithCancel(context.WithValue(t.Context(), key{}, "trace"))
	started, err := s.Start(connection, "", chat.Query{ID: "task"})
	if err != nil {
		t.Fatal(err)
	}
	lose()
	close(next)
	started.End(t.Context())
	if value.Load() != "trace" {
		t.Error(value.Load())
	}
}

func TestIDsTellWhenTheTaskBegan(t *testing.T) {
	now := time.Now()
	id := task.NewID(now)
	if began, ok := task.Begun(id); !ok || began.Unix() != now.Unix() || task.NewID(now) == id {
		t.Errorf("%s began %s", id, began)
	}
	random := id[strings.LastIndex(id, "-")+1:]
	for _, other := range []string{"", "task-", "task-" + random, "t-1-" + random, "task-1-" + random[1:], "task-1-" + random + "a", "task--1-" + random,
		"task-01-" + random, "task-1-" + strings.ToUpper(random), "task-zzzzzzzz-" + random, "task-1!-" + random, "task-1-" + random[1:] + "é"} {
		if _, ok := task.Begun(other); ok {
			t.Errorf("%q was never made", other)
		}
	}
}

func TestTheLatestEventIsShown(t *testing.T) {
	s := store(steps(2, free()), nil)
	reader := start(t, s)
	defer reader.Leave()
	reader.End(t.Context())
	state := reader.State()
	if state.First != 1 || state.Last != 3 || !json.Valid(state.Latest) || state.Ended.IsZero() || state.Outcome.Status != chat.StatusCompleted {
		t.Errorf("%+v", state)
	}
}
