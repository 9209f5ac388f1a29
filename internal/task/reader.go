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
}

// Batch is what a reader has not seen yet.
type Batch struct {
	// Lost is how many events before the first of these are gone from the log.
	Lost   int
	Events []Event
	// Over says that the last of these events ends the task, or that it was read before.
	Over bool
	// More is closed when there is more to read. It is nil if there are events here, or if it is over.
	More <-chan struct{}
}

// Next gives what there is to read now. Its events are appended to buffer.
func (r *Reader) Next(buffer []Event) Batch {
	t := r.Task
	t.mu.Lock()
	defer t.mu.Unlock()
	batch := Batch{Events: buffer, Over: t.outcome != nil}
	if r.next > t.last {
		if !batch.Over {
			if t.more == nil {
				t.more = make(chan struct{})
			}
			batch.More = t.more
		}
		return batch
	}
	first := t.events[0].ID
	if r.next < first {
		batch.Lost = first - r.next
		r.next = first
	}
	batch.Events = append(batch.Events, t.events[r.next-first:]...)
	r.next = t.last + 1
	return batch
}

// End waits for the end of the task. It returns nil if ctx ends first.
func (r *Reader) End(ctx context.Context) *chat.Outcome {
	for {
		batch := r.Next(nil)
		if batch.Over {
			return r.State().Outcome
		}
		if batch.More == nil {
			continue
		}
		select {
		case <-batch.More:
		case <-ctx.Done():
			return nil
		}
	}
}

// Leave must be called once, when the reader reads no more.
func (r *Reader) Leave() { r.leave() }
