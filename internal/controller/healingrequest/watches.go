// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package healingrequest

import (
	"context"
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/workload"
)

const (
	// indexAwaited finds the requests that wait for an object to change: "<kind>/<name>", for those that are verified, wait for a
	// person, or are held back until a time.
	indexAwaited = "awaited"
	// indexTarget finds the requests of a target or a workload that are not over: "<kind>/<name>".
	indexTarget = "target"
	// maxConcurrentHeals keeps heals apart: a step that waits for a hung server must not hold up the others.
	maxConcurrentHeals = 16
	// The pause after an error grows between these.
	minRetry, maxRetry = 10 * time.Millisecond, 5 * time.Second
)

// SetupWithManager registers the reconciler and what wakes it. Of pods, workloads and endpoint slices only metadata is
// watched: it wakes, the live state is read where it matters, and memory does not grow with what pods contain.
func (r *Reconciler) SetupWithManager(ctx context.Context, mgr ctrl.Manager) error {
	indexer := mgr.GetFieldIndexer()
	for field, index := range map[string]client.IndexerFunc{indexAwaited: awaited, indexTarget: target} {
		if err := indexer.IndexField(ctx, &v1alpha1.HealingRequest{}, field, index); err != nil {
			return fmt.Errorf("indexing HealingRequests by %s: %w", field, err)
		}
	}
	return ctrl.NewControllerManagedBy(mgr).
		Named("healingrequest").
		For(&v1alpha1.HealingRequest{}).
		Watches(&v1alpha1.HealingRequest{}, handler.EnqueueRequestsFromMapFunc(r.freed), builder.WithPredicates(gone)).
		Watches(&v1alpha1.HealingRequest{}, handler.EnqueueRequestsFromMapFunc(parent)).
		Watches(&v1alpha1.HealingRequest{}, handler.EnqueueRequestsFromMapFunc(r.steps), builder.WithPredicates(gone)).
		Watches(&v1alpha1.HealingPolicy{}, handler.EnqueueRequestsFromMapFunc(r.governed)).
		WatchesMetadata(&appsv1.Deployment{}, r.wake(named(v1alpha1.KindDeployment))).
		WatchesMetadata(&appsv1.StatefulSet{}, r.wake(named(v1alpha1.KindStatefulSet))).
		WatchesMetadata(&appsv1.DaemonSet{}, r.wake(named(v1alpha1.KindDaemonSet))).
		WatchesMetadata(&corev1.Pod{}, r.wake(owner)).
		WatchesMetadata(&discoveryv1.EndpointSlice{}, r.wake(service)).
		WithOptions(controller.Options{
			MaxConcurrentReconciles: maxConcurrentHeals,
			// A replica that stands by keeps its caches filled, so that it can take over at once.
			EnableWarmup: ptr.To(true),
			RateLimiter:  workqueue.NewTypedItemExponentialFailureRateLimiter[reconcile.Request](minRetry, maxRetry),
		}).
		Complete(r)
}

func awaited(obj client.Object) []string {
	request, ok := obj.(*v1alpha1.HealingRequest)
	if !ok {
		return nil
	}
	switch request.DerivePhase() {
	case v1alpha1.PhaseVerifying, v1alpha1.PhaseAwaitingApproval:
	case v1alpha1.PhaseBlocked:
		if request.Status.BlockedUntil == nil {
			return nil
		}
	default:
		return nil
	}
	var keys []string
	for _, ref := range []*v1alpha1.ObjectReference{request.Status.WorkloadRef, request.Status.ServiceRef} {
		if ref != nil {
			keys = append(keys, key(ref.Kind, ref.Name))
		}
	}
	return keys
}

func target(obj client.Object) []string {
	request, ok := obj.(*v1alpha1.HealingRequest)
	if !ok || request.Done() {
		return nil
	}
	return targetsOf(request)
}

// targetsOf are the names that a request has for what it heals.
func targetsOf(request *v1alpha1.HealingRequest) []string {
	keys := []string{key(string(request.Spec.TargetRef.Kind), request.Spec.TargetRef.Name)}
	if ref := request.Status.WorkloadRef; ref != nil && key(ref.Kind, ref.Name) != keys[0] {
		keys = append(keys, key(ref.Kind, ref.Name))
	}
	return keys
}

func key(kind, name string) string { return kind + "/" + name }

// wake enqueues the requests that wait for what an object stands for.
func (r *Reconciler) wake(standsFor func(client.Object) string) handler.EventHandler {
	return handler.EnqueueRequestsFromMapFunc(func(ctx context.Context, obj client.Object) []reconcile.Request {
		return r.find(ctx, obj.GetNamespace(), indexAwaited, standsFor(obj))
	})
}

// freed enqueues those for which a request that is over has made room: the others of its target or workload, and in each namespace
// the one that has waited longest for its turn. That one, when it goes on, makes room for the next.
func (r *Reconciler) freed(ctx context.Context, obj client.Object) []reconcile.Request {
	request, ok := obj.(*v1alpha1.HealingRequest)
	if !ok {
		return nil
	}
	var others []reconcile.Request
	for _, target := range targetsOf(request) {
		others = append(others, r.find(ctx, request.Namespace, indexTarget, target)...)
	}
	return append(others, r.nextInLine(ctx)...)
}

// nextInLine are the requests that have waited longest for their turn, one a namespace.
func (r *Reconciler) nextInLine(ctx context.Context) []reconcile.Request {
	requests, err := r.requests(ctx, r.Client, "")
	if err != nil {
		ctrl.LoggerFrom(ctx).Error(err, "Finding the requests whose turn it is")
		return nil
	}
	first := map[string]*v1alpha1.HealingRequest{}
	for i := range requests {
		request := &requests[i]
		if waitsForTurn(request) && (first[request.Namespace] == nil || before(request, first[request.Namespace])) {
			first[request.Namespace] = request
		}
	}
	var next []reconcile.Request
	for _, request := range first {
		next = append(next, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(request)})
	}
	return next
}

func waitsForTurn(request *v1alpha1.HealingRequest) bool {
	reason := blockedBy(request)
	return reason == v1alpha1.ReasonConcurrencyLimited || reason == v1alpha1.ReasonStormBrake
}

// governed enqueues the requests that wait, when a policy of their namespace is changed: it may hold them no longer.
func (r *Reconciler) governed(ctx context.Context, policy client.Object) []reconcile.Request {
	requests, err := r.requests(ctx, r.Client, policy.GetNamespace())
	if err != nil {
		ctrl.LoggerFrom(ctx).Error(err, "Finding the requests that a policy governs")
		return nil
	}
	var waiting []reconcile.Request
	for i := range requests {
		if phase := requests[i].DerivePhase(); phase == v1alpha1.PhaseBlocked || phase == v1alpha1.PhaseAwaitingApproval {
			waiting = append(waiting, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(&requests[i])})
		}
	}
	return waiting
}

func (r *Reconciler) find(ctx context.Context, namespace, field, value string) []reconcile.Request {
	if value == "" {
		return nil
	}
	var requests v1alpha1.HealingRequestList
	if err := r.List(ctx, &requests, client.InNamespace(namespace), client.MatchingFields{field: value}); err != nil {
		ctrl.LoggerFrom(ctx).Error(err, "Finding the requests to wake", "field", field, "value", value)
		return nil
	}
	found := make([]reconcile.Request, 0, len(requests.Items))
	for i := range requests.Items {
		found = append(found, reconcile.Request{NamespacedName: types.NamespacedName{Namespace: namespace, Name: requests.Items[i].Name}})
	}
	return found
}

// gone lets through what makes room for another request: an end, a deletion, or that it goes on after it had waited for its turn.
var gone = predicate.Funcs{
	CreateFunc:  func(event.CreateEvent) bool { return false },
	GenericFunc: func(event.GenericEvent) bool { return false },
	UpdateFunc: func(e event.UpdateEvent) bool {
		before, _ := e.ObjectOld.(*v1alpha1.HealingRequest)
		request, ok := e.ObjectNew.(*v1alpha1.HealingRequest)
		return ok && (request.Done() || !request.DeletionTimestamp.IsZero() || before != nil && waitsForTurn(before) && !waitsForTurn(request))
	},
}

func named(kind v1alpha1.TargetKind) func(client.Object) string {
	return func(obj client.Object) string { return key(string(kind), obj.GetName()) }
}

func owner(pod client.Object) string {
	kind, name, ok := workload.OwnerOf(pod)
	if !ok {
		return ""
	}
	return key(kind, name)
}

func service(slice client.Object) string {
	name := slice.GetLabels()[discoveryv1.LabelServiceName]
	if name == "" {
		return ""
	}
	return key(string(v1alpha1.KindService), name)
}
