// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

// Package healingtest is an API server in memory with the HealingRequests that gateways create and follow. The test plays the
// operator. It tells its watch of each write before the write returns.
package healingtest

import (
	"context"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	toolscache "k8s.io/client-go/tools/cache"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache/informertest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllertest"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/healing"
)

// World holds HealingRequests. It is safe for concurrent use.
type World struct {
	client.Client
	scheme *runtime.Scheme
	watch  *controllertest.FakeInformer
	// Creates counts the requests that were created.
	Creates atomic.Int32
	// telling keeps the order of writes in the watch.
	telling sync.Mutex
}

// New makes an empty World.
func New() *World {
	w := &World{scheme: runtime.NewScheme(), watch: controllertest.NewFakeInformer(controllertest.Synced)}
	must(v1alpha1.AddToScheme(w.scheme))
	w.Client = fake.NewClientBuilder().WithScheme(w.scheme).WithStatusSubresource(&v1alpha1.HealingRequest{}).
		WithInterceptorFuncs(interceptor.Funcs{Create: w.create}).Build()
	return w
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// Healer makes a gateway's Healer.
func (w *World) Healer(ctx context.Context) *healing.Healer {
	informers := &watched{Cache: &informertest.FakeInformers{Scheme: w.scheme, InformersByGVK: map[schema.GroupVersionKind]toolscache.SharedIndexInformer{
		v1alpha1.GroupVersion.WithKind("HealingRequest"): w.watch,
	}}, reader: w.Client, indexes: map[string]client.IndexerFunc{}}
	healer, err := healing.New(ctx, healing.Options{Client: w.Client, Cache: informers, Clock: clock.RealClock{}, Log: logr.Discard()})
	must(err)
	return healer
}

// Read reads a request; nil if there is none.
func (w *World) Read(key types.NamespacedName) *v1alpha1.HealingRequest {
	var request v1alpha1.HealingRequest
	if w.Get(context.Background(), key, &request) != nil {
		return nil
	}
	return &request
}

// Write changes the status of a request as the operator does.
func (w *World) Write(key types.NamespacedName, change func(*v1alpha1.HealingRequestStatus)) {
	w.telling.Lock()
	defer w.telling.Unlock()
	before := w.Read(key)
	after := before.DeepCopy()
	change(&after.Status)
	must(w.Status().Update(context.Background(), after))
	w.watch.Update(before, after.DeepCopy())
}

// Say writes steps of the progress, all with one write.
func (w *World) Say(key types.NamespacedName, messages ...string) {
	w.Write(key, func(status *v1alpha1.HealingRequestStatus) {
		now := metav1.NowMicro()
		if status.StartedAt == nil {
			status.StartedAt = &now
		}
		for _, message := range messages {
			status.Progress = append(status.Progress, v1alpha1.ProgressEntry{Time: now, Phase: v1alpha1.PhaseDiagnosing, Message: message})
		}
	})
}

// Finish ends a request with a reason.
func (w *World) Finish(key types.NamespacedName, reason string) {
	w.Write(key, func(status *v1alpha1.HealingRequestStatus) {
		now := metav1.NowMicro()
		status.CompletedAt = &now
		status.Diagnosis, status.FixApplied = "scaled to zero", "Scaled Deployment from 0 to 1"
		meta.SetStatusCondition(&status.Conditions, metav1.Condition{Type: v1alpha1.ConditionComplete, Status: metav1.ConditionTrue, Reason: reason})
	})
}

// Remove deletes a request.
func (w *World) Remove(key types.NamespacedName) {
	w.telling.Lock()
	defer w.telling.Unlock()
	request := w.Read(key)
	must(w.Delete(context.Background(), request))
	w.watch.Delete(request)
}

func (w *World) create(ctx context.Context, c client.WithWatch, obj client.Object, options ...client.CreateOption) error {
	w.telling.Lock()
	defer w.telling.Unlock()
	obj.SetUID(types.UID("uid-" + strconv.Itoa(int(w.Creates.Add(1)))))
	if created := obj.GetCreationTimestamp(); created.IsZero() {
		obj.SetCreationTimestamp(metav1.Now())
	}
	if err := c.Create(ctx, obj, options...); err != nil {
		return err
	}
	w.watch.Add(obj.DeepCopyObject().(*v1alpha1.HealingRequest))
	return nil
}

// watched is the cache of a gateway: it shows what the API server has.
type watched struct {
	cache.Cache
	reader  client.Reader
	indexes map[string]client.IndexerFunc
}

// IndexField implements cache.Cache.
func (c *watched) IndexField(_ context.Context, _ client.Object, field string, function client.IndexerFunc) error {
	c.indexes[field] = function
	return nil
}

// Get implements cache.Cache.
func (c *watched) Get(ctx context.Context, key client.ObjectKey, obj client.Object, options ...client.GetOption) error {
	return c.reader.Get(ctx, key, obj, options...)
}

// List implements cache.Cache for lists of requests, with at most one indexed field.
func (c *watched) List(ctx context.Context, list client.ObjectList, options ...client.ListOption) error {
	wanted := (&client.ListOptions{}).ApplyOptions(options)
	if err := c.reader.List(ctx, list, client.InNamespace(wanted.Namespace)); err != nil || wanted.FieldSelector == nil {
		return err
	}
	by := wanted.FieldSelector.Requirements()[0]
	requests := list.(*v1alpha1.HealingRequestList)
	requests.Items = slices.DeleteFunc(requests.Items, func(r v1alpha1.HealingRequest) bool {
		return !slices.Contains(c.indexes[by.Field](&r), by.Value)
	})
	return nil
}
