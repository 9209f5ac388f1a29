// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package task

import (
	"context"

	"github.com/ry-ops/cortex/internal/chat"
)

// Reader is one reader's place in a log. It is for one goroutine. A reader holds up nobody: the log does not wait for it.
type Reader struct {
	*Task
	next int
	wake func()
}

// Batch is what a reader has not seen yet.
type Batch struct {
	// Lost is how many events before the first of these are gone from the log.
	Lost   int
	Events []Event
	// Rest says that there is more to read.
	Rest bool
	// Over says that the last of these events ends the task, or that it was read before.
	Over bool
}

// Next gives what there is to read now: events of up to most bytes, or one that is larger. They are appended to buffer.
func (r *Reader) Next(buffer []Event, most int) Batch {
	t := r.Task
	t.mu.Lock()
	defer t.mu.Unlock()
	batch := Batch{Events: buffer}
	if r.next <= t.last {
		first := t.events[0].ID
		if r.next < first {
			batch.Lost = first - r.next
			r.next = first
		}
		fresh := t.events[r.next-first:]
		n, size := 1, len(fresh[0].Data)
		for n < len(fresh) && size+len(fresh[n].Data) <= most {
			size += len(fresh[n].Data)
			n++
		}
		batch.Events = append(batch.Events, fresh[:n]...)
		r.next += n
	}
	batch.Rest = r.next <= t.last
	batch.Over = t.outcome != nil && !batch.Rest
	return batch
}

// Signal is for a reader that waits on a channel: it has something when there may be more to read.
func Signal() (wake func(), more <-chan struct{}) {
	signal := make(chan struct{}, 1)
	return func() {
		select {
		case signal <- struct{}{}:
		default:
		}
	}, signal
}

// End waits for the end of the task, and leaves. It returns nil if ctx ends first.
func (t *Task) End(ctx context.Context) *chat.Outcome {
	wake, more := Signal()
	reader := t.Read(0, wake)
	defer reader.Leave()
	for {
		if outcome := t.State().Outcome; outcome != nil {
			return outcome
		}
		select {
		case <-more:
		case <-ctx.Done():
			return nil
		}
	}
}

// Leave must be called once, when the reader reads no more.
func (r *Reader) Leave() { r.leave(r) }
