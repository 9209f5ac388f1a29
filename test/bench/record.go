// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/types"
	toolscache "k8s.io/client-go/tools/cache"
	"k8s.io/utils/clock"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/healing"
	"github.com/ry-ops/cortex/internal/kube"
)

// record measures what is added to the API server's own create from a failure to the HealingRequest that is persisted. It runs the
// gateway's healer in this process, where the create can be told from the rest.
func record(ctx context.Context, w *world, t *table) error {
	const failures = 300
	ctx, cancel := context.WithCancel(ctx)
	defer w.forget(ctx, backend)
	defer cancel()
	api, err := kube.Client(w.config, v1alpha1.GroupVersion, &v1alpha1.HealingRequest{}, &v1alpha1.HealingRequestList{})
	if err != nil {
		return err
	}
	watch := kube.Informer(api, healing.Resource, &v1alpha1.HealingRequest{}, "", nil)
	c := &creates{Requests: healing.At(api), done: map[string]created{}}
	healer, err := healing.New(healing.Options{Requests: c, Watch: watch, TakeUp: time.Hour, Clock: clock.RealClock{}, Log: logr.Discard()})
	if err != nil {
		return err
	}
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	running.Go(func() { watch.RunWithContext(ctx) })
	if !toolscache.WaitFor(ctx, "", watch.HasSyncedChecker()) {
		return context.Cause(ctx)
	}
	var added, own []time.Duration
	for i := range failures {
		service := fmt.Sprintf("server-%03d", i)
		failed := time.Now()
		running.Go(func() { _, _ = healer.Heal(ctx, failure(service), func(v1alpha1.ProgressEntry) {}) })
		var made created
		if err := until(ctx, "the request", func() (ok bool) { made, ok = c.of(service + "-001"); return ok }); err != nil {
			return err
		}
		added, own = append(added, made.at.Sub(failed)-made.took), append(own, made.took)
	}
	t.most("failure → HealingRequest persisted, more than the API server's own create: p99", percentile(added, 99), 25, " ms")
	t.tell("the same: p50; the create itself", "%.2f ms; p50 %.2f ms, p99 %.2f ms", percentile(added, 50), percentile(own, 50), percentile(own, 99))
	return nil
}

func failure(service string) healing.Failure {
	return healing.Failure{
		Service: types.NamespacedName{Namespace: namespace, Name: service}, CallStarted: time.Now(), RequestedBy: "bench", Task: "task-bench",
		Error: v1alpha1.ObservedError{Class: v1alpha1.ErrorConnectionRefused, Message: "connection refused", Tool: "list_hosts"},
	}
}

// creates are what was created: when it was done, and how long it took at the API server.
type creates struct {
	healing.Requests
	mu   sync.Mutex
	done map[string]created
}

type created struct {
	at   time.Time
	took time.Duration
}

// Create implements healing.Requests.
func (c *creates) Create(ctx context.Context, request *v1alpha1.HealingRequest) (*v1alpha1.HealingRequest, error) {
	began := time.Now()
	made, err := c.Requests.Create(ctx, request)
	done := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	if err == nil {
		c.done[request.Name] = created{done, done.Sub(began)}
	}
	return made, err
}

func (c *creates) of(name string) (created, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	made, ok := c.done[name]
	return made, ok
}
