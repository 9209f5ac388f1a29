// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/go-logr/logr"
	kuberuntime "k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/healing"
)

// record measures what is added to the API server's own create from a failure to the HealingRequest that is persisted. It runs the
// gateway's healer in this process, where the create can be told from the rest.
func record(ctx context.Context, w *world, t *table) error {
	const failures = 300
	ctx, cancel := context.WithCancel(ctx)
	defer w.forget(ctx, backend)
	defer cancel()
	kinds := kuberuntime.NewScheme()
	if err := v1alpha1.AddToScheme(kinds); err != nil {
		return err
	}
	informers, err := cache.New(w.config, cache.Options{Scheme: kinds, DefaultTransform: cache.TransformStripManagedFields()})
	if err != nil {
		return err
	}
	c := &creates{done: map[string]created{}}
	withWatch, ok := w.admin.(client.WithWatch)
	if !ok {
		return errors.New("the client cannot watch")
	}
	healer, err := healing.New(ctx, healing.Options{
		Client: interceptor.NewClient(withWatch, interceptor.Funcs{Create: c.create}), Cache: informers, TakeUp: time.Hour, Clock: clock.RealClock{}, Log: logr.Discard(),
	})
	if err != nil {
		return err
	}
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	running.Go(func() { _ = informers.Start(ctx) })
	if !informers.WaitForCacheSync(ctx) {
		return errors.New("no cache")
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
	mu   sync.Mutex
	done map[string]created
}

type created struct {
	at   time.Time
	took time.Duration
}

func (c *creates) create(ctx context.Context, api client.WithWatch, obj client.Object, options ...client.CreateOption) error {
	began := time.Now()
	err := api.Create(ctx, obj, options...)
	done := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	if err == nil {
		c.done[obj.GetName()] = created{done, done.Sub(began)}
	}
	return err
}

func (c *creates) of(name string) (created, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	made, ok := c.done[name]
	return made, ok
}
