// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

// Package healingtest is an API server in memory with the HealingRequests that gateways create and follow. The test plays the
// operator. It tells its watch of each write before the write returns.
package healingtest

import (
	"context"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	toolscache "k8s.io/client-go/tools/cache"
	"k8s.io/utils/clock"
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
	watch *watch
	// Creates counts the requests that were created.
	Creates atomic.Int32
	// telling keeps the order of writes in the watch.
	telling sync.Mutex
}

// New makes an empty World.
func New() *World {
	scheme := runtime.NewScheme()
	must(v1alpha1.AddToScheme(scheme))
	w := &World{watch: &watch{controllertest.NewFakeInformer(), toolscache.NewIndexer(toolscache.MetaNamespaceKeyFunc, toolscache.Indexers{})}}
	w.Client = fake.NewClientBuilder().WithScheme(scheme).WithStatusSubresource(&v1alpha1.HealingRequest{}).
		WithInterceptorFuncs(interceptor.Funcs{Create: w.create}).Build()
	return w
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// Healer makes a gateway's Healer.
func (w *World) Healer() *healing.Healer {
	healer, err := healing.New(healing.Options{Requests: requests{w}, Watch: w.watch, Clock: clock.RealClock{}, Log: logr.Discard()})
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
	w.watch.update(before, after.DeepCopy())
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
	must(w.watch.Indexer.Delete(request))
	w.watch.FakeInformer.Delete(request)
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
	created := obj.DeepCopyObject().(*v1alpha1.HealingRequest)
	must(w.watch.Indexer.Add(created))
	w.watch.FakeInformer.Add(created)
	return nil
}

// requests are what a gateway has of the API server.
type requests struct{ *World }

// Create implements healing.Requests.
func (r requests) Create(ctx context.Context, request *v1alpha1.HealingRequest) (*v1alpha1.HealingRequest, error) {
	created := request.DeepCopy()
	return created, r.Client.Create(ctx, created)
}

// Get implements healing.Requests.
func (r requests) Get(ctx context.Context, key types.NamespacedName) (*v1alpha1.HealingRequest, error) {
	found := &v1alpha1.HealingRequest{}
	return found, r.Client.Get(ctx, key, found)
}

// Patch implements healing.Requests.
func (r requests) Patch(ctx context.Context, key types.NamespacedName, patch []byte) error {
	r.telling.Lock()
	defer r.telling.Unlock()
	before, err := r.Get(ctx, key)
	if err != nil {
		return err
	}
	after := before.DeepCopy()
	if err := r.Client.Patch(ctx, after, client.RawPatch(types.MergePatchType, patch)); err != nil {
		return err
	}
	r.watch.update(before, after)
	return nil
}

// watch tells of requests and keeps them, as an informer does.
type watch struct {
	*controllertest.FakeInformer
	toolscache.Indexer
}

// AddIndexers implements healing.Watch. Gateways of one World bring the same ones.
func (w *watch) AddIndexers(indexers toolscache.Indexers) error {
	if len(w.GetIndexers()) > 0 {
		return nil
	}
	return w.Indexer.AddIndexers(indexers)
}

// GetIndexer implements healing.Watch.
func (w *watch) GetIndexer() toolscache.Indexer { return w.Indexer }

func (w *watch) update(before, after *v1alpha1.HealingRequest) {
	must(w.Indexer.Update(after))
	w.FakeInformer.Update(before, after)
}
