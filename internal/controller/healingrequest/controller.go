// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

// Package healingrequest reconciles HealingRequests: diagnose, plan, remediate, verify, report.
//
// A reconcile goes as far as it can in memory and writes the status once. What is to be done is in the status in the API
// server before it is done, so any replica can take over at any moment.
package healingrequest

import (
	"context"
	"errors"
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
	"github.com/ry-ops/cortex/internal/telemetry"
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
	HealDependency(ctx context.Context, parent *v1alpha1.HealingRequest, attempt int, action v1alpha1.PlannedAction) (v1alpha1.ActionResult, error)
	DependencyHealed(ctx context.Context, parent *v1alpha1.HealingRequest, attempt int, action v1alpha1.PlannedAction) (*v1alpha1.ActionResult, error)
}

// Verifier tells whether a target works.
type Verifier interface {
	Verify(ctx context.Context, target verification.Target) (verification.Outcome, error)
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
	// Tracer of heals and their steps. Nil makes no spans.
	Tracer *telemetry.Tracer
	Clock  clock.PassiveClock

	slots   slots
	written written
	health  health
}

// Reconcile takes one request as far as it goes without waiting.
func (r *Reconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	var stored v1alpha1.HealingRequest
	err := r.Get(ctx, req.NamespacedName, &stored)
	if client.IgnoreNotFound(err) != nil {
		return ctrl.Result{}, err
	}
	if h := r.written.madeAfterAll(req.NamespacedName, &stored); h != nil {
		r.report(logr.FromContextOrDiscard(ctx), h)
	}
	if err != nil || stored.Done() || !stored.DeletionTimestamp.IsZero() {
		r.slots.free(req.NamespacedName)
		r.written.forget(req.NamespacedName)
		return ctrl.Result{}, nil
	}
	if r.written.ahead(req.NamespacedName, &stored) {
		return ctrl.Result{}, nil
	}
	h := newHeal(&stored, r.Clock)
	stepErr := r.advance(ctx, h)
	if stepErr != nil && stored.Status.Deadline != nil {
		return ctrl.Result{}, stepErr
	}
	// Of a request that was just taken up, even a step that failed leaves the deadline: there is an end, come what may.
	if err := r.persist(ctx, h); err != nil || stepErr != nil {
		return ctrl.Result{}, errors.Join(stepErr, err)
	}
	return ctrl.Result{RequeueAfter: h.requeueAfter()}, nil
}

// maxSteps bounds one reconcile. A heal with the most attempts that there can be does not take as many.
const maxSteps = 64

// advance takes the steps that are due, until one needs the status to be written or has to wait.
func (r *Reconciler) advance(ctx context.Context, h *heal) error {
	// A crash may have come between a change and the record of it. Nothing goes on, and nothing ends, without knowing.
	if err := r.recall(ctx, h); err != nil || h.due {
		return err
	}
	if err := r.heed(ctx, h); err != nil {
		return err
	}
	for range maxSteps {
		if err := r.step(ctx, h); err != nil || h.due || h.request.Done() {
			return err
		}
	}
	return fmt.Errorf("no end after %d steps in phase %s", maxSteps, h.phase())
}

// step takes the one step of the phase that the request is in.
func (r *Reconciler) step(ctx context.Context, h *heal) error {
	if h.interrupt() {
		return nil
	}
	switch h.phase() {
	case v1alpha1.PhaseDiagnosing:
		return r.diagnose(ctx, h)
	case v1alpha1.PhaseAwaitingApproval:
		return r.approve(ctx, h)
	case v1alpha1.PhaseRemediating:
		return r.remediate(ctx, h)
	case v1alpha1.PhaseVerifying:
		return r.verify(ctx, h)
	default:
		return r.accept(ctx, h)
	}
}

// persist writes the status if it changed, and only then tells of it: an event, a log line or a metric of something
// that was not written could be told twice.
func (r *Reconciler) persist(ctx context.Context, h *heal) error {
	h.seal()
	key := client.ObjectKeyFromObject(h.request)
	if equality.Semantic.DeepEqual(h.stored.Status, h.request.Status) {
		return nil
	}
	patch := client.MergeFromWithOptions(h.stored, client.MergeFromWithOptimisticLock{})
	err := r.Status().Patch(ctx, h.request, patch, client.FieldOwner(v1alpha1.FieldManager))
	if apierrors.IsConflict(err) || apierrors.IsNotFound(err) {
		// The cache was behind, or the request was deleted. What the cache gets next wakes the reconciler again.
		h.finished()
		return nil
	}
	if err != nil {
		// An API server that has just started refuses before it has read the roles. That says nothing of an earlier write without an answer.
		if !refused(err) {
			r.written.doubt(h)
		}
		return fmt.Errorf("writing the status: %w", err)
	}
	r.written.note(h.request)
	if !occupies(h.request) {
		r.slots.free(key)
	}
	r.report(logr.FromContextOrDiscard(ctx), h)
	return nil
}

// remaining is the time until a moment, and at least a millisecond: zero would mean never.
func remaining(now, until time.Time) time.Duration {
	return max(until.Sub(now), time.Millisecond)
}
