// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

// Package healing is the gateway's side of a heal: it records a failed call as a HealingRequest, or joins the one that
// is under way, and follows it to its end. The operator does the healing; the API server is the only thing they share.
package healing

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-logr/logr"
	"golang.org/x/sync/singleflight"
	"k8s.io/apimachinery/pkg/types"
	toolscache "k8s.io/client-go/tools/cache"
	"k8s.io/utils/clock"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/foreign"
	"github.com/ry-ops/cortex/internal/panics"
)

const (
	// DefaultTakeUp is how long a request may wait for the operator before its callers are told that nobody answers. It
	// is longer than a standby replica needs to take over from a leader that died: it looks every 2 to 4.4 s, and counts
	// the lease of 10 s from its own last look, so up to 19 s, and starts its controllers. The first that is heard of a
	// request is its diagnosis, which takes up to 10 s of a server that hangs, and more where the API server is slow.
	DefaultTakeUp = 45 * time.Second
	// recordTimeout bounds the writing of a request, all attempts at a free name together.
	recordTimeout = 10 * time.Second
	// maxRounds bounds how often one failure may find that what it followed had ended before the failed call began.
	maxRounds = 5
)

// Failure is a call that failed for a reason that a heal can cure.
type Failure struct {
	// Service that was called.
	Service types.NamespacedName
	// Error as the caller saw it. Its text is cleaned and cut to the API's bounds.
	Error v1alpha1.ObservedError
	// CallStarted is when the failed call began: a heal that ended later than that already answers this failure.
	CallStarted time.Time
	// RequestedBy names who asked, at most 253 characters.
	RequestedBy string
	// Task is the id of the task that made the call; empty if there is none. It is written on a request that is created, and not
	// on one that is joined: the gateway may not change requests.
	Task string
	// Traceparent is the place of the call in a trace; empty if it has none. It is written as Task is.
	Traceparent string
	// Tools are the names of the tools that the server had while it worked, in any order; none if they are not known. They are
	// cleaned and cut to the API's bounds.
	Tools []string
}

// Options of a Healer.
type Options struct {
	// Requests are written, and read past the watch.
	Requests Requests
	// Watch tells of HealingRequests and keeps them. All waiting callers share it.
	Watch Watch
	// Timeout of a heal, written to spec.timeout. Zero means v1alpha1.DefaultTimeout.
	Timeout time.Duration
	// TakeUp bounds the wait for the operator to begin. Zero means DefaultTakeUp.
	TakeUp time.Duration
	// Panics are caught in the handlers of the watch and in the writing of a request. Nil counts none.
	Panics *panics.Catcher
	Clock  clock.Clock
	Log    logr.Logger
}

// Watch is what an informer gives of the objects that it tells of.
type Watch interface {
	AddIndexers(indexers toolscache.Indexers) error
	AddEventHandler(handler toolscache.ResourceEventHandler) (toolscache.ResourceEventHandlerRegistration, error)
	GetIndexer() toolscache.Indexer
}

// Healer records failures and follows heals. It is safe for concurrent use.
type Healer struct {
	requests Requests
	watched  watched
	timeout  time.Duration
	clock    clock.Clock
	log      logr.Logger
	follower *follower
	panics   *panics.Catcher
	claims   singleflight.Group
}

// New makes a Healer that listens to the watch. Call it before the watch starts.
func New(o Options) (*Healer, error) {
	h := &Healer{requests: o.Requests, watched: watched{o.Watch.GetIndexer()}, timeout: o.Timeout, clock: o.Clock, log: o.Log, panics: o.Panics}
	if h.timeout == 0 {
		h.timeout = v1alpha1.DefaultTimeout
	}
	if o.TakeUp == 0 {
		o.TakeUp = DefaultTakeUp
	}
	if err := o.Watch.AddIndexers(indexers); err != nil {
		return nil, fmt.Errorf("indexing healing requests: %w", err)
	}
	h.follower = newFollower(o.Requests, h.watched, o.Clock, o.TakeUp)
	h.follower.panics = o.Panics
	if _, err := o.Watch.AddEventHandler(h.follower); err != nil {
		return nil, fmt.Errorf("watching healing requests: %w", err)
	}
	return h, nil
}

// Heal records the failure, or joins the heal that answers it, and returns when that heal is over. progress is called
// from this goroutine, once for each step and in order. An error is an *Error unless ctx ended: then it is ctx's cause,
// and the heal goes on for everybody else.
func (h *Healer) Heal(ctx context.Context, failure Failure, progress func(v1alpha1.ProgressEntry)) (Outcome, error) {
	log := h.log.WithValues("service", failure.Service, "class", failure.Error.Class)
	for range maxRounds {
		claimed, err := h.claim(ctx, failure)
		if err != nil {
			return Outcome{}, h.explain(ctx, failure, err)
		}
		request := claimed.request
		if already := outcomeOf(request, true); already.Success && endedAfter(request, failure.CallStarted) {
			log.Info("[HEAL] the call began before the last heal ended; no other heal is needed", "request", request.Name)
			return already, nil
		}
		log.Info("[HEAL] following", "request", request.Name)
		joined := h.clock.Now()
		ended, err := h.follower.follow(ctx, request, progress)
		if err != nil {
			log.Info("[HEAL] gave up following", "request", request.Name, "reason", err.Error())
			return Outcome{}, err
		}
		// A cache that lags may have shown a heal as under way that had ended before the call began.
		if claimed.live || h.clock.Since(joined) > visibleTimeout || endedAfter(ended, failure.CallStarted) {
			log.Info("[HEAL] over", "request", ended.Name, "phase", ended.DerivePhase(), "cause", ended.Status.Cause, "fix", ended.Status.FixApplied)
			return outcomeOf(ended, false), nil
		}
	}
	return Outcome{}, newError(fmt.Sprintf("%s was healed %d times and no heal answers this failure", failure.Service.Name, maxRounds),
		lookAtRequests(failure.Service.Namespace), nil)
}

// claim agrees with every other caller, of this gateway and of any other, on the one request that answers the failure.
// Callers of this gateway share one attempt, which goes on if the caller that began it leaves.
func (h *Healer) claim(ctx context.Context, failure Failure) (claimed, error) {
	shared := h.claims.DoChan(failure.Service.String(), func() (_ any, err error) {
		// singleflight ends the process with a panic that nobody caught before.
		defer h.panics.Catch(panics.Recovery, &err, "service", failure.Service)
		detached, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTimeout)
		defer cancel()
		c, err := h.record(detached, failure)
		if err == nil {
			h.follower.awaitVisible(detached, c.request)
		}
		return c, err
	})
	select {
	case <-ctx.Done():
		return claimed{}, context.Cause(ctx)
	case result := <-shared:
		c, _ := result.Val.(claimed)
		return c, result.Err
	}
}

func (h *Healer) explain(ctx context.Context, failure Failure, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var known *Error
	if errors.As(err, &known) {
		return err
	}
	h.log.Error(err, "[HEAL] the failure could not be recorded", "service", failure.Service)
	return newError(fmt.Sprintf("the failure of %s could not be recorded as a HealingRequest: %v", failure.Service.Name, foreign.Line(err.Error(), maxMessage)),
		"Check that the API server answers, that the CRD is installed (`kubectl get crd healingrequests."+v1alpha1.GroupVersion.Group+
			"`), and that the gateway may create HealingRequests in namespace "+failure.Service.Namespace+".", err)
}
