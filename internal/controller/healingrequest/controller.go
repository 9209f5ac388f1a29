// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

// Package healingrequest reconciles HealingRequests: diagnose, plan, remediate, verify, report.
//
// A reconcile runs the one step that is due, in memory, and writes the status once. What is to be done is in the status
// before it is done, so any replica can take over at any moment.
package healingrequest

import (
	"context"
	"fmt"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/remediation"
	"github.com/ry-ops/cortex/internal/verification"
)

// Gatherer reads all that a diagnosis needs.
type Gatherer interface {
	Gather(ctx context.Context, namespace string, target v1alpha1.TargetReference, observed *v1alpha1.ObservedError) (*snapshot.Snapshot, error)
}

// Applier makes a change at most once for a stamp.
type Applier interface {
	Apply(ctx context.Context, namespace string, stamp remediation.Stamp, action v1alpha1.PlannedAction) (v1alpha1.ActionResult, error)
	Applied(ctx context.Context, namespace string, stamp remediation.Stamp, action v1alpha1.PlannedAction) (*v1alpha1.ActionResult, error)
}

// Verifier tells whether a target works.
type Verifier interface {
	Verify(ctx context.Context, target verification.Target) (v1alpha1.Verification, error)
}

// Reconciler heals what HealingRequests ask for.
type Reconciler struct {
	// Client reads from the cache and writes.
	client.Client
	// Live reads past the cache, where a stale answer could do harm.
	Live     client.Reader
	Gatherer Gatherer
	Applier  Applier
	Verifier Verifier
	Recorder events.EventRecorder
	Metrics  *Metrics
	Clock    clock.PassiveClock
}

// +kubebuilder:rbac:groups=healing.cortex.dev,resources=healingrequests,verbs=list;watch
// +kubebuilder:rbac:groups=healing.cortex.dev,resources=healingrequests/status,verbs=patch
// +kubebuilder:rbac:groups=apps,resources=deployments;statefulsets;daemonsets,verbs=get;list;watch;patch
// +kubebuilder:rbac:groups="",resources=pods,verbs=list;watch
// +kubebuilder:rbac:groups="",resources=services,verbs=get;list
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch
// +kubebuilder:rbac:groups=discovery.k8s.io,resources=endpointslices,verbs=list;watch

// Reconcile takes one request one step further.
func (r *Reconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	var stored v1alpha1.HealingRequest
	if err := r.Get(ctx, req.NamespacedName, &stored); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if stored.Done() || !stored.DeletionTimestamp.IsZero() {
		return ctrl.Result{}, nil
	}
	h := newHeal(stored.DeepCopy(), r.Clock)
	// In the order of the phases. Each step leaves alone what is not in its phase.
	steps := []func(context.Context, *heal) error{r.expire, r.accept, r.diagnose, r.approve, r.remediate, r.verify}
	for _, step := range steps {
		if err := step(ctx, h); err != nil {
			return ctrl.Result{}, err
		}
		if h.stepped {
			break
		}
	}
	if err := r.persist(ctx, &stored, h); err != nil {
		return ctrl.Result{}, err
	}
	return ctrl.Result{RequeueAfter: h.requeueAfter()}, nil
}

// persist writes the status if it changed, and only then tells of it: an event, a log line or a metric of something
// that was not written could be told twice.
func (r *Reconciler) persist(ctx context.Context, stored *v1alpha1.HealingRequest, h *heal) error {
	h.seal()
	if equality.Semantic.DeepEqual(stored.Status, h.request.Status) {
		return nil
	}
	patch := client.MergeFromWithOptions(stored, client.MergeFromWithOptimisticLock{})
	err := r.Status().Patch(ctx, h.request, patch, client.FieldOwner(v1alpha1.FieldManager))
	if apierrors.IsConflict(err) || apierrors.IsNotFound(err) {
		// The cache was behind, or the request was deleted. What the cache gets next wakes the reconciler again.
		h.finished()
		return nil
	}
	if err != nil {
		return fmt.Errorf("writing the status: %w", err)
	}
	r.report(logr.FromContextOrDiscard(ctx), stored, h)
	return nil
}

// report tells people and machines what the write just made a fact.
func (r *Reconciler) report(log logr.Logger, stored *v1alpha1.HealingRequest, h *heal) {
	for _, entry := range h.request.Status.Progress[len(stored.Status.Progress):] {
		log.Info("[HEAL-WORKER] "+entry.Message, "target", h.request.Spec.TargetRef.Name, "phase", entry.Phase)
	}
	for _, note := range h.events {
		note.record(r.Recorder, h.request)
	}
	r.Metrics.observe(stored, h.request)
}

// remaining is the time until a moment, and at least a millisecond: zero would mean never.
func remaining(now, until time.Time) time.Duration {
	return max(until.Sub(now), time.Millisecond)
}
