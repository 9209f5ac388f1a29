// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

const (
	// deadService has nobody at its address.
	deadService = "sandfly-mcp-server"
	deadAddress = "127.77.3.1:3000"
	question    = "list sandfly hosts"
)

// streams measures the time from a status write to the byte at every client.
func streams(ctx context.Context, w *world, t *table) error {
	f, err := follow(ctx, w, 1000, 50)
	if err != nil {
		return w.said(err)
	}
	t.most("status write → byte at the client, 1,000 streams: p50", percentile(f.wire, 50), 5, " ms")
	t.most("the same: p99", percentile(f.wire, 99), 25, " ms")
	t.tell("the least that can be done: plain writes to as many connections, in turn", "p50 %.2f ms, p99 %.2f ms", percentile(f.floor, 50), percentile(f.floor, 99))
	t.tell("status write sent (so with the API server's own time) → byte at the client", "p50 %.2f ms, p99 %.2f ms, first of the streams %.2f ms",
		percentile(f.sent, 50), percentile(f.sent, 99), percentile(f.first, 50))
	t.tell("CPU of the gateway per event and stream", "%.1f µs", float64(f.cpu.Microseconds())/float64(len(f.wire)))
	return nil
}

// manyStreams measures what a stream takes.
func manyStreams(ctx context.Context, w *world, t *table) error {
	const n = 9000
	f, err := follow(ctx, w, n, 10)
	if err != nil {
		return w.said(err)
	}
	each := func(bytes int64) float64 { return float64(bytes) / n / 1024 }
	t.most("9,000 streams on one gateway: resident memory of each, its task included, after 10 steps", each(f.after), 24, " KiB")
	t.tell("the same when they are all open; anonymous memory of each after the steps", "%.1f KiB; %.1f KiB", each(f.opened), each(f.anonymous))
	t.holds("streams that came to their end, each step once and in order", f.ended == n, fmt.Sprint(f.ended), "9000")
	t.tell("status write → byte at the client, 9,000 streams", "p50 %.1f ms, p99 %.1f ms (plain writes: %.1f, %.1f)",
		percentile(f.wire, 50), percentile(f.wire, 99), percentile(f.floor, 50), percentile(f.floor, 99))
	return nil
}

// followed is what was measured while many followed one heal. Memory is in bytes, above that of the gateway without streams.
type followed struct {
	floor, sent, wire, first []time.Duration
	cpu                      time.Duration
	opened, after, anonymous int64
	ended                    int
}

// progress is a step as it comes to a client.
func progress(message string) string {
	return fmt.Sprintf(`{"type":"healing_progress","service":%q,"message":%q}`, deadService, message)
}

func follow(ctx context.Context, w *world, streams, steps int) (*followed, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	gateway, err := w.dead(ctx)
	if err != nil {
		return nil, err
	}
	defer w.forget(ctx, deadService)
	defer gateway.kill()
	before, anonymous, err := gateway.memory()
	if err != nil {
		return nil, err
	}
	reading, err := startReaders(ctx, gateway.address, streams, w.token, question)
	if err != nil {
		return nil, err
	}
	if _, err := reading.wait(progress("Investigating issue with " + deadService + "...")); err != nil {
		return nil, err
	}
	key, err := w.only(ctx)
	if err != nil {
		return nil, err
	}
	f := &followed{}
	if f.opened, _, err = gateway.memory(); err != nil {
		return nil, err
	}
	f.opened -= before
	if err := f.steps(ctx, w, gateway, reading, key, streams, steps); err != nil {
		return nil, err
	}
	if f.after, f.anonymous, err = gateway.memory(); err != nil {
		return nil, err
	}
	f.after, f.anonymous = f.after-before, f.anonymous-anonymous
	if _, _, err := w.write(ctx, key, finish); err != nil {
		return nil, err
	}
	if err := reading.end(); err != nil {
		return nil, err
	}
	f.ended = streams
	return f, nil
}

// steps writes steps of the heal, in turn with the floor.
func (f *followed) steps(ctx context.Context, w *world, gateway *process, reading *readers, key types.NamespacedName, streams, steps int) error {
	floor, address, err := startFloor(ctx)
	if err != nil {
		return err
	}
	floorReading, err := startReaders(ctx, address, streams, "none", question)
	if err != nil {
		return err
	}
	if _, err := floorReading.wait(opened); err != nil {
		return err
	}
	for i := range steps {
		message := fmt.Sprintf("Checking pod status of replica %d of the deployment: waiting for the container to start", i)
		began := time.Now()
		floor.tell(i, progress(message))
		at, err := floorReading.wait(progress(message))
		if err != nil {
			return err
		}
		f.floor = append(f.floor, since(at, began)...)
		used := gateway.cpu()
		sent, done, err := w.write(ctx, key, say(message))
		if err != nil {
			return err
		}
		if at, err = reading.wait(progress(message)); err != nil {
			return err
		}
		f.cpu += gateway.cpu() - used
		f.sent, f.wire = append(f.sent, since(at, sent)...), append(f.wire, since(at, done)...)
		f.first = append(f.first, slices.Min(since(at, sent)))
	}
	floor.tell(steps, terminal+"}")
	return floorReading.end()
}

// since is how long after a moment each of some things was; 0 for what was before.
func since(at []int64, moment time.Time) []time.Duration {
	all := make([]time.Duration, len(at))
	for i, nanos := range at {
		all[i] = max(0, time.Unix(0, nanos).Sub(moment))
	}
	return all
}

// percentile in milliseconds.
func percentile(all []time.Duration, percent int) float64 {
	sorted := slices.Sorted(slices.Values(all))
	return milliseconds(sorted[min(len(all)-1, len(all)*percent/100)])
}

// dead makes a server that nobody is at, and a gateway that knows it.
func (w *world) dead(ctx context.Context, env ...string) (*process, error) {
	if err := w.addServer(ctx, deadService, deadAddress); err != nil {
		return nil, err
	}
	gateway, _, err := w.gateway(ctx, env...)
	return gateway, err
}

// only waits for the one request that there is.
func (w *world) only(ctx context.Context) (types.NamespacedName, error) {
	var requests v1alpha1.HealingRequestList
	if err := until(ctx, "the request", func() bool { return w.admin.List(ctx, &requests) == nil && len(requests.Items) > 0 }); err != nil {
		return types.NamespacedName{}, err
	}
	if len(requests.Items) != 1 {
		return types.NamespacedName{}, fmt.Errorf("%d requests where one was expected", len(requests.Items))
	}
	return client.ObjectKeyFromObject(&requests.Items[0]), nil
}

// write changes a status as the operator does, with one patch. It returns when the patch was sent and when it was acknowledged.
func (w *world) write(ctx context.Context, key types.NamespacedName, change func(*v1alpha1.HealingRequestStatus)) (sent, done time.Time, err error) {
	var request v1alpha1.HealingRequest
	if err := w.admin.Get(ctx, key, &request); err != nil {
		return sent, done, err
	}
	before := request.DeepCopy()
	change(&request.Status)
	sent = time.Now()
	err = w.admin.Status().Patch(ctx, &request, client.MergeFrom(before))
	return sent, time.Now(), err
}

func say(message string) func(*v1alpha1.HealingRequestStatus) {
	return func(status *v1alpha1.HealingRequestStatus) {
		now := metav1.NowMicro()
		if status.StartedAt == nil {
			deadline := metav1.NewMicroTime(now.Add(time.Hour))
			status.StartedAt, status.Deadline = &now, &deadline
		}
		status.Progress = append(status.Progress, v1alpha1.ProgressEntry{Time: now, Phase: v1alpha1.PhaseDiagnosing, Message: message})
	}
}

// diagnosis is what the heals of the benchmark find.
const diagnosis = "image not found"

func finish(status *v1alpha1.HealingRequestStatus) {
	now := metav1.NowMicro()
	status.CompletedAt, status.Diagnosis = &now, diagnosis
	meta.SetStatusCondition(&status.Conditions, metav1.Condition{Type: v1alpha1.ConditionComplete, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonManualFixNeeded})
}
