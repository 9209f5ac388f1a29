// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

// Package retention deletes HealingRequests that are over and that nobody needs any longer, as the policy of their target says.
package retention

import (
	"context"
	"errors"
	"fmt"
	"slices"

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

// Reconciler keeps the requests of one target down to what its policy retains. The end of a request wakes it, a policy that is
// changed, and the moment at which the next one is too old or no limit counts it any longer: it never looks without need.
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
		Watches(&v1alpha1.HealingRequest{}, handler.TypedEnqueueRequestsFromMapFunc(r.targetsOf), builder.WithPredicates(over)).
		Watches(&v1alpha1.HealingPolicy{}, handler.TypedEnqueueRequestsFromMapFunc(r.governed)).
		Complete(r)
}

// targetsOf are the target of a request that is over, and that of the one that it was a step of, which was kept for it until now.
func (r *Reconciler) targetsOf(ctx context.Context, obj client.Object) []Target {
	request, ok := obj.(*v1alpha1.HealingRequest)
	if !ok {
		return nil
	}
	targets := []Target{{Namespace: request.Namespace, Ref: request.Spec.TargetRef}}
	for _, owner := range request.OwnerReferences {
		var kept v1alpha1.HealingRequest
		if err := r.Get(ctx, types.NamespacedName{Namespace: request.Namespace, Name: owner.Name}, &kept); err == nil && kept.UID == owner.UID {
			targets = append(targets, Target{Namespace: kept.Namespace, Ref: kept.Spec.TargetRef})
		}
	}
	return targets
}

// governed are the targets in the namespace of a policy: it may retain less than before.
func (r *Reconciler) governed(ctx context.Context, policy client.Object) []Target {
	all, err := r.requests(ctx, policy.GetNamespace())
	if err != nil {
		ctrl.LoggerFrom(ctx).Error(err, "Finding the targets that a policy governs")
		return nil
	}
	var targets []Target
	for i := range all { // the queue holds each once
		targets = append(targets, Target{Namespace: all[i].Namespace, Ref: all[i].Spec.TargetRef})
	}
	return targets
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
	expired := effective.Expired(now, target.Ref, all)
	var failed error
	for _, request := range expired {
		failed = errors.Join(failed, r.delete(ctx, request))
	}
	var result ctrl.Result
	if next := effective.NextExpired(now, target.Ref, without(expired, all)); !next.IsZero() {
		result.RequeueAfter = next.Sub(now)
	}
	return result, failed
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

// without are those that stay.
func without(expired []*v1alpha1.HealingRequest, all []v1alpha1.HealingRequest) []v1alpha1.HealingRequest {
	var left []v1alpha1.HealingRequest
	for i := range all {
		if !slices.Contains(expired, &all[i]) { // the same ones, and not copies of them
			left = append(left, all[i])
		}
	}
	return left
}
