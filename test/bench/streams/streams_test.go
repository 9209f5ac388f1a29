// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

// Package streams_test measures the gateway's streams on a real API server: how soon a status write is on the wire at every
// client, what a stream takes, and what it costs to record a failure.
package streams_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kuberuntime "k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/chat"
	"github.com/ry-ops/cortex/internal/gateway"
	"github.com/ry-ops/cortex/internal/healing"
	"github.com/ry-ops/cortex/internal/mcp"
	"github.com/ry-ops/cortex/internal/mcp/mcptest"
	"github.com/ry-ops/cortex/internal/recovery"
)

// namespace is that of the servers of mcptest.
const namespace = "cortex-system"

// world is an API server and a gateway's view of it.
type world struct {
	// api is the bench's own client: it plays the operator.
	api    client.Client
	healer *healing.Healer
	// creating is how long each create took at the API server, and created when it was done.
	mu      sync.Mutex
	creates map[string]created
}

type created struct {
	at   time.Time
	took time.Duration
}

func start(b *testing.B) *world {
	b.Helper()
	if os.Getenv("KUBEBUILDER_ASSETS") == "" {
		b.Skip("KUBEBUILDER_ASSETS is not set: run `make bench`, which builds etcd and kube-apiserver and sets it")
	}
	ctrl.SetLogger(logr.Discard())
	kinds := kuberuntime.NewScheme()
	if err := errors.Join(corev1.AddToScheme(kinds), v1alpha1.AddToScheme(kinds)); err != nil {
		b.Fatal(err)
	}
	server := &envtest.Environment{CRDDirectoryPaths: []string{filepath.Join("..", "..", "..", "config", "crd", "bases")}, ErrorIfCRDPathMissing: true}
	b.Cleanup(func() { _ = server.Stop() }) // also of what a failed start leaves
	config, err := server.Start()
	if err != nil {
		b.Fatal(err)
	}
	config = rest.CopyConfig(config)
	config.QPS = -1
	direct, err := client.NewWithWatch(config, client.Options{Scheme: kinds})
	if err != nil {
		b.Fatal(err)
	}
	if err := direct.Create(b.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}); err != nil {
		b.Fatal(err)
	}
	w := &world{api: direct, creates: map[string]created{}}
	informers, err := cache.New(config, cache.Options{Scheme: kinds, DefaultTransform: cache.TransformStripManagedFields()})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	w.healer, err = healing.New(ctx, healing.Options{
		Client: interceptor.NewClient(direct, interceptor.Funcs{Create: w.create}), Cache: informers, TakeUp: time.Hour, Clock: clock.RealClock{}, Log: logr.Discard(),
	})
	if err != nil {
		b.Fatal(err)
	}
	watched := make(chan error, 1)
	go func() { watched <- informers.Start(ctx) }()
	b.Cleanup(func() { cancel(); b.Log("the watch:", <-watched) })
	if !informers.WaitForCacheSync(ctx) {
		b.Fatal("no cache")
	}
	return w
}

func (w *world) create(ctx context.Context, c client.WithWatch, obj client.Object, options ...client.CreateOption) error {
	began := time.Now()
	err := c.Create(ctx, obj, options...)
	done := time.Now()
	w.mu.Lock()
	defer w.mu.Unlock()
	if err == nil {
		w.creates[obj.GetName()] = created{done, done.Sub(began)}
	}
	return err
}

// only waits for the one request that there is.
func (w *world) only(b *testing.B) types.NamespacedName {
	b.Helper()
	var requests v1alpha1.HealingRequestList
	mcptest.Eventually(b, "the request", func() bool { return w.api.List(b.Context(), &requests) == nil && len(requests.Items) > 0 })
	if len(requests.Items) != 1 {
		b.Fatalf("%d requests", len(requests.Items))
	}
	return client.ObjectKeyFromObject(&requests.Items[0])
}

// write changes a status as the operator does, with one patch. It returns when the patch was sent and when it was acknowledged.
func (w *world) write(b *testing.B, key types.NamespacedName, change func(*v1alpha1.HealingRequestStatus)) (sent, done time.Time) {
	b.Helper()
	var request v1alpha1.HealingRequest
	if err := w.api.Get(b.Context(), key, &request); err != nil {
		b.Fatal(err)
	}
	before := request.DeepCopy()
	change(&request.Status)
	sent = time.Now()
	if err := w.api.Status().Patch(b.Context(), &request, client.MergeFrom(before)); err != nil {
		b.Fatal(err)
	}
	return sent, time.Now()
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

func finish(status *v1alpha1.HealingRequestStatus) {
	now := metav1.NowMicro()
	status.CompletedAt, status.Diagnosis = &now, "image not found"
	meta.SetStatusCondition(&status.Conditions, metav1.Condition{Type: v1alpha1.ConditionComplete, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonManualFixNeeded})
}

// planner calls one tool of the one server, and answers with what comes of it.
type planner struct{ server types.NamespacedName }

func (p planner) Plan([]chat.Exchange, func(chat.Event)) chat.Plan { return p }

func (planner) Model() string { return "bench" }

func (p planner) Next(_ context.Context, c chat.Conversation) (chat.Turn, error) {
	if len(c.Results) > 0 {
		return chat.Turn{Answer: &chat.Answer{Status: chat.StatusFailed, Texts: []string{fmt.Sprint(c.Results[0].Err)}}}, nil
	}
	return chat.Turn{Calls: []chat.Call{{Server: p.server, Tool: mcp.Tool{Name: "list_hosts", Hints: mcp.Hints{ReadOnly: true}}}}}, nil
}

// serve runs a gateway whose one server refuses connections.
func (w *world) serve(b *testing.B) (address string) {
	b.Helper()
	servers := mcp.NewRegistry(mcp.Options{Log: logr.Discard()})
	b.Cleanup(servers.Close)
	down := mcptest.Stopped(b, "sandfly").Service()
	servers.OnAdd(down, true)
	metrics := prometheus.NewRegistry()
	loop := chat.NewLoop(chat.Options{
		Planner: planner{client.ObjectKeyFromObject(down)}, Servers: func(context.Context) ([]*mcp.Server, error) { return servers.Servers(), nil }, Metrics: chat.NewMetrics(metrics), Clock: clock.RealClock{}, Log: logr.Discard(),
		Recoverer: recovery.New(recovery.Options{Healer: w.healer, Metrics: recovery.NewMetrics(metrics), Clock: clock.RealClock{}, Log: logr.Discard()}),
	})
	listener, err := (&net.ListenConfig{}).Listen(b.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	server := gateway.New(gateway.Options{
		Loop: loop, Heals: w.healer, Ready: func() bool { return true }, Registry: metrics, ShutdownGrace: time.Second, Clock: clock.RealClock{}, Log: logr.Discard(),
	})
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- server.Serve(ctx, listener) }()
	b.Cleanup(func() { cancel(); b.Log("the gateway:", <-served) })
	return listener.Addr().String()
}

// taken is what this process takes: live memory (heap and stacks) and what the kernel has given it. A stack that was deep once
// shrinks by half with each collection, so several are made, as they come by themselves while a heal goes on.
func taken() (live, resident int64) {
	for range 4 {
		runtime.GC()
	}
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	status, _ := os.ReadFile("/proc/self/status")
	for line := range strings.Lines(string(status)) {
		if fields := strings.Fields(line); len(fields) > 1 && fields[0] == "VmRSS:" {
			resident, _ = strconv.ParseInt(fields[1], 10, 64)
		}
	}
	return int64(stats.HeapAlloc + stats.StackInuse), resident << 10
}

// cpu is the processor time of this process.
func cpu() time.Duration {
	var used syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &used)
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// BenchmarkStatusToWire is the main figure: from a status write to the byte at each of so many clients.
func BenchmarkStatusToWire(b *testing.B) {
	for _, streams := range []int{1, 100, 1000, 9000} {
		b.Run(fmt.Sprintf("streams=%d", streams), func(b *testing.B) {
			steps := 50
			if streams > 1000 {
				steps = 10
			}
			for range b.N {
				follow(b, streams, steps)
			}
		})
	}
}

// progress is a step as it comes to the client.
func progress(message string) string {
	return fmt.Sprintf(`{"type":"healing_progress","service":"sandfly","message":%q}`, message)
}

func follow(b *testing.B, streams, steps int) {
	w := start(b)
	address := w.serve(b)
	live, resident := taken()
	reading := startReaders(b, address, streams)
	reading.wait(b, progress("Investigating issue with sandfly..."))
	key := w.only(b)
	liveNow, residentNow := taken()

	floor, address := startFloor(b)
	floorReading := startReaders(b, address, streams)
	floorReading.wait(b, opened)
	var fromSent, fromDone, fromFloor []time.Duration
	var used time.Duration
	for i := range steps {
		message := fmt.Sprintf("Checking pod status of replica %d of the deployment: waiting for the container to start", i)
		began := time.Now()
		floor.tell(i, progress(message))
		for _, at := range floorReading.wait(b, progress(message)) {
			fromFloor = append(fromFloor, time.Unix(0, at).Sub(began))
		}
		before := cpu()
		sent, done := w.write(b, key, say(message))
		for _, at := range reading.wait(b, progress(message)) {
			fromSent = append(fromSent, time.Unix(0, at).Sub(sent))
			fromDone = append(fromDone, max(0, time.Unix(0, at).Sub(done)))
		}
		used += cpu() - before
	}
	floor.tell(steps, terminal+"}")
	floorReading.wait(b, terminal)
	if err := floorReading.command.Wait(); err != nil {
		b.Fatal(err)
	}
	w.write(b, key, finish)
	reading.wait(b, terminal)
	if err := reading.command.Wait(); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(ms(fromFloor, 50), "ms-p50-floor")
	b.ReportMetric(ms(fromFloor, 99), "ms-p99-floor")
	b.ReportMetric(ms(fromSent, 50), "ms-p50-from-sent")
	b.ReportMetric(ms(fromSent, 99), "ms-p99-from-sent")
	b.ReportMetric(ms(fromDone, 50), "ms-p50")
	b.ReportMetric(ms(fromDone, 99), "ms-p99")
	b.ReportMetric(float64(used.Microseconds())/float64(len(fromSent)), "µs-cpu/event")
	b.ReportMetric(float64(liveNow-live)/float64(streams)/1024, "KiB-live/stream")
	b.ReportMetric(float64(residentNow-resident)/float64(streams)/1024, "KiB-resident/stream")
}

func ms(all []time.Duration, percentile int) float64 {
	slices.Sort(all)
	return float64(all[min(len(all)-1, len(all)*percentile/100)].Microseconds()) / 1000
}

// BenchmarkRecord is what is added to the API server's own create from a failure to the HealingRequest that is persisted.
func BenchmarkRecord(b *testing.B) {
	const failures = 300
	for range b.N {
		w := start(b)
		ctx, cancel := context.WithCancel(b.Context())
		var waiting sync.WaitGroup
		var added, creates []time.Duration
		for i := range failures {
			service := fmt.Sprintf("server-%03d", i)
			failed := time.Now()
			waiting.Go(func() { _, _ = w.healer.Heal(ctx, failure(service), func(v1alpha1.ProgressEntry) {}) })
			var c created
			mcptest.Eventually(b, "the request", func() (ok bool) {
				w.mu.Lock()
				defer w.mu.Unlock()
				c, ok = w.creates[service+"-001"]
				return ok
			})
			added, creates = append(added, c.at.Sub(failed)-c.took), append(creates, c.took)
		}
		cancel()
		waiting.Wait()
		b.ReportMetric(0, "ns/op")
		b.ReportMetric(ms(added, 50), "ms-added-p50")
		b.ReportMetric(ms(added, 99), "ms-added-p99")
		b.ReportMetric(ms(creates, 50), "ms-create-p50")
		b.ReportMetric(ms(creates, 99), "ms-create-p99")
	}
}

func failure(service string) healing.Failure {
	return healing.Failure{
		Service: types.NamespacedName{Namespace: namespace, Name: service}, CallStarted: time.Now(), RequestedBy: "bench", Task: "task-bench",
		Error: v1alpha1.ObservedError{Class: v1alpha1.ErrorConnectionRefused, Message: "connection refused", Tool: "list_hosts"},
	}
}

// BenchmarkStorm lets 10,000 calls of one server fail at once.
func BenchmarkStorm(b *testing.B) {
	const calls, steps = 10_000, 10
	for range b.N {
		w := start(b)
		live, resident := taken()
		var answered, told atomic.Int64
		var all sync.WaitGroup
		gate := make(chan struct{})
		for range calls {
			all.Go(func() {
				<-gate
				outcome, err := w.healer.Heal(b.Context(), failure("sandfly"), func(v1alpha1.ProgressEntry) { told.Add(1) })
				if err == nil && outcome.Diagnosis == "image not found" {
					answered.Add(1)
				}
			})
		}
		began := time.Now()
		close(gate)
		key := w.only(b)
		for i := range steps {
			w.write(b, key, say(fmt.Sprint("step ", i)))
			mcptest.Eventually(b, "the step at every caller", func() bool { return told.Load() == int64(calls*(i+1)) })
		}
		liveNow, residentNow := taken()
		w.write(b, key, finish)
		all.Wait()
		if answered.Load() != calls || told.Load() != calls*steps || len(w.creates) != 1 {
			b.Fatalf("%d answered, %d steps told, %d requests", answered.Load(), told.Load(), len(w.creates))
		}
		w.only(b)
		b.ReportMetric(0, "ns/op")
		b.ReportMetric(time.Since(began).Seconds(), "s")
		b.ReportMetric(float64(liveNow-live)/calls/1024, "KiB-live/call")
		b.ReportMetric(float64(residentNow-resident)/calls/1024, "KiB-resident/call")
	}
}
