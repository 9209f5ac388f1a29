// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package recovery_test

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/utils/clock"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/healing"
	"github.com/ry-ops/cortex/internal/mcp"
	"github.com/ry-ops/cortex/internal/mcp/mcptest"
	"github.com/ry-ops/cortex/internal/mcpserver"
	"github.com/ry-ops/cortex/internal/panics"
	"github.com/ry-ops/cortex/internal/recovery"
)

// The failures that the tests meet.
var (
	refused = mcp.NewCallError(&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, "", "list_hosts")
	// lost is a call that was sent, and of which nothing was heard.
	lost      = mcp.NewCallError(&mcpserver.RequestError{Exchange: mcpserver.Exchange{Connected: true, Written: true}, Err: context.DeadlineExceeded}, "", "start_scan")
	complaint = &mcp.CallError{Class: v1alpha1.ErrorDependencyDown, Reason: mcpserver.DependencyDown, Sent: true, Tool: "list_hosts", Answered: true}
)

// healer is a Healer that a test scripts.
type healer struct {
	heals atomic.Int32
	heal  func(ctx context.Context, failure healing.Failure, progress func(v1alpha1.ProgressEntry)) (healing.Outcome, error)
}

func (h *healer) Heal(ctx context.Context, failure healing.Failure, progress func(v1alpha1.ProgressEntry)) (healing.Outcome, error) {
	h.heals.Add(1)
	return h.heal(ctx, failure, progress)
}

// until waits for a heal to be over, or for the test.
func until(ctx context.Context, over <-chan struct{}) {
	select {
	case <-over:
	case <-ctx.Done():
	}
}

func ends(outcome healing.Outcome, err error) *healer {
	return &healer{heal: func(context.Context, healing.Failure, func(v1alpha1.ProgressEntry)) (healing.Outcome, error) {
		return outcome, err
	}}
}

func fixed() healing.Outcome {
	return healing.Outcome{UID: "1", Result: healing.Result{Success: true, FixApplied: "Restarted it"}}
}

func notFixed() healing.Outcome {
	return healing.Outcome{Result: healing.Result{Diagnosis: "ImagePullBackOff", Recommendation: "Check the image."}}
}

// told is what one caller was told.
type told struct {
	mu    sync.Mutex
	lines []string
}

func (t *told) add(line string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lines = append(t.lines, line)
}

func (t *told) all() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]string(nil), t.lines...)
}

func (t *told) HealingStarted(_, issue string)          { t.add("start: " + issue) }
func (t *told) HealingProgress(_, message string)       { t.add("progress: " + message) }
func (t *told) HealingSucceeded(_, message string)      { t.add("complete: " + message) }
func (t *told) HealingFailed(_, message, advice string) { t.add("failed: " + message + " | " + advice) }
func (t *told) HealingEnded(result healing.Result)      { _ = result }

// world is a Recoverer with one server that nobody serves.
type world struct {
	*recovery.Recoverer
	backend  *mcptest.Backend
	registry *mcp.Registry
	server   *mcp.Server
	clock    *clocktesting.FakeClock
	metrics  *prometheus.Registry
}

// newWorld makes a world with a clock that stands still, unless the test wants the real one.
func newWorld(t *testing.T, h *healer, ticking bool) *world {
	t.Helper()
	w := &world{clock: clocktesting.NewFakeClock(time.Now()), metrics: prometheus.NewRegistry(), backend: mcptest.Stopped(t, "sandfly-mcp-server")}
	caught := panics.New(w.metrics, logr.Discard())
	w.registry = mcp.NewRegistry(mcp.Options{Log: logr.Discard(), Panics: caught})
	t.Cleanup(w.registry.Close)
	w.registry.OnAdd(w.backend.Service(), true)
	w.server = w.registry.Servers()[0]
	options := recovery.Options{Healer: h, Metrics: recovery.NewMetrics(w.metrics), Clock: w.clock, Panics: caught, Log: logr.Discard()}
	if ticking {
		options.Clock = clock.RealClock{}
	}
	w.Recoverer = recovery.New(options)
	t.Cleanup(func() {
		stop := make(chan struct{})
		go func() { // whoever waits for the clock that stands still
			for {
				select {
				case <-stop:
					return
				default:
					w.clock.Step(time.Second)
				}
			}
		}()
		w.Close()
		close(stop)
	})
	return w
}

// call makes a call of a tool that only reads.
func (w *world) call(ctx context.Context, do func(context.Context) error) (*told, error) {
	listener := &told{}
	return listener, w.Do(ctx, recovery.Call{Server: w.server, Tool: "list_hosts", Hints: mcp.Hints{ReadOnly: true}, Make: do}, listener)
}

// counting makes a call that answers with one error after the other, the last one for good.
func counting(errs ...error) (do func(context.Context) error, made *atomic.Int32) {
	made = &atomic.Int32{}
	return func(context.Context) error {
		n := int(made.Add(1))
		return errs[min(n, len(errs))-1]
	}, made
}

func atOnce(t *testing.T, err error) *recovery.Unhealed {
	t.Helper()
	var unhealed *recovery.Unhealed
	if !errors.As(err, &unhealed) {
		t.Fatalf("no Unhealed: %v", err)
	}
	return unhealed
}

func (w *world) metric(t *testing.T, name string) float64 {
	t.Helper()
	families, err := w.metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for _, family := range families {
		if family.GetName() == name {
			for _, metric := range family.GetMetric() {
				sum += metric.GetCounter().GetValue() + metric.GetGauge().GetValue()
			}
		}
	}
	return sum
}
