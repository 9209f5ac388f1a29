// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

// Package retention deletes HealingRequests that are over and that nobody needs any longer, as the policy of their target says.
package retention

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/policy"
)

// Target is what requests are kept of: some of each.
type Target struct {
	Namespace string
	Ref       v1alpha1.TargetReference
}

// Reconciler keeps the requests of one target down to what its policy retains. The end of a request wakes it, and the moment at
// which the next one is too old: it never looks without need.
type Reconciler struct {
	// Client reads from the cache and deletes.
	client.Client
	// Live reads the Service, which is not cached.
	Live  client.Reader
	Clock clock.PassiveClock
}

// A request that is over is deleted when it is older, or one more, than its policy retains.
// +kubebuilder:rbac:groups=healing.cortex.dev,resources=healingrequests,verbs=delete

// Requests are counted a target, and the end of one wakes the count; the policies that match its Service say how many stay.
// +kubebuilder:rbac:groups=healing.cortex.dev,resources=healingrequests;healingpolicies,verbs=list;watch
// +kubebuilder:rbac:groups="",resources=services,verbs=get

// SetupWithManager registers the reconciler.
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager) error {
	over := predicate.NewPredicateFuncs(func(obj client.Object) bool {
		request, ok := obj.(*v1alpha1.HealingRequest)
		return ok && request.Done()
	})
	return builder.TypedControllerManagedBy[Target](mgr).
		Named("retention").
		Watches(&v1alpha1.HealingRequest{}, handler.TypedEnqueueRequestsFromMapFunc(targetOf), builder.WithPredicates(over)).
		Complete(r)
}

func targetOf(_ context.Context, obj client.Object) []Target {
	request, ok := obj.(*v1alpha1.HealingRequest)
	if !ok {
		return nil
	}
	return []Target{{Namespace: request.Namespace, Ref: request.Spec.TargetRef}}
}

// Reconcile deletes what is let go of one target.
func (r *Reconciler) Reconcile(ctx context.Context, target Target) (ctrl.Result, error) {
	all, err := r.requests(ctx, target.Namespace)
	if err != nil {
		return ctrl.Result{}, err
	}
	requests := of(target, all)
	if len(requests) == 0 {
		return ctrl.Result{}, nil
	}
	effective, err := r.policy(ctx, target, requests)
	if err != nil {
		return ctrl.Result{}, err
	}
	now := r.Clock.Now()
	var failed error
	for _, request := range effective.Expired(now, target.Ref, all) {
		failed = errors.Join(failed, r.delete(ctx, request))
	}
	return ctrl.Result{RequeueAfter: untilNext(now, effective.Retention.MaxAge, requests)}, failed
}

func (r *Reconciler) requests(ctx context.Context, namespace string) ([]v1alpha1.HealingRequest, error) {
	var all v1alpha1.HealingRequestList
	if err := r.List(ctx, &all, client.InNamespace(namespace), client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("listing the requests of %s: %w", namespace, err)
	}
	return all.Items, nil
}

// of are those of one target.
func of(target Target, all []v1alpha1.HealingRequest) []v1alpha1.HealingRequest {
	var requests []v1alpha1.HealingRequest
	for i := range all {
		if all[i].Spec.TargetRef == target.Ref {
			requests = append(requests, all[i])
		}
	}
	return requests
}

// policy of the Service that the requests are about, or the defaults where it is gone.
func (r *Reconciler) policy(ctx context.Context, target Target, requests []v1alpha1.HealingRequest) (policy.Effective, error) {
	name := target.Ref.Name
	for i := range requests {
		if ref := requests[i].Status.ServiceRef; ref != nil {
			name = ref.Name
		}
	}
	var service corev1.Service
	err := r.Live.Get(ctx, types.NamespacedName{Namespace: target.Namespace, Name: name}, &service)
	if client.IgnoreNotFound(err) != nil {
		return policy.Effective{}, fmt.Errorf("reading Service %s for its policy: %w", name, err)
	}
	if err != nil {
		return policy.Default(), nil
	}
	var policies v1alpha1.HealingPolicyList
	if err := r.List(ctx, &policies, client.InNamespace(target.Namespace)); err != nil {
		return policy.Effective{}, fmt.Errorf("listing the policies: %w", err)
	}
	effective, err := policy.For(&service, policies.Items)
	if err != nil {
		// A policy that cannot be read forbids changes. It keeps the record too.
		return policy.Effective{}, fmt.Errorf("keeping the requests of %s: %w", name, err)
	}
	return effective, nil
}

// delete removes the request as it was judged, and not another of its name.
func (r *Reconciler) delete(ctx context.Context, request *v1alpha1.HealingRequest) error {
	err := r.Client.Delete(ctx, request, client.Preconditions{UID: &request.UID, ResourceVersion: ptr.To(request.ResourceVersion)},
		client.PropagationPolicy(metav1.DeletePropagationBackground))
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("deleting request %s: %w", request.Name, err)
	}
	return nil
}

// untilNext is the time until the next request is too old, and zero if none will be.
func untilNext(now time.Time, maxAge time.Duration, requests []v1alpha1.HealingRequest) time.Duration {
	var next time.Duration
	for i := range requests {
		if completed := requests[i].Status.CompletedAt; completed != nil {
			if left := completed.Add(maxAge).Sub(now); left > 0 && (next == 0 || left < next) {
				next = left
			}
		}
	}
	return next
}
