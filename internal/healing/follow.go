// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package healing

import (
	"context"
	"fmt"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	toolscache "k8s.io/client-go/tools/cache"
	"k8s.io/utils/clock"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/panics"
	"github.com/ry-ops/cortex/internal/record"
)

// visibleTimeout bounds the wait for the gateway's own cache to hear of a request that was just written. Going on
// without it is safe: it costs one refused create.
const visibleTimeout = time.Second

// follower turns one watch into the steps of every heal that somebody waits for. It is the event handler of that watch.
type follower struct {
	live   reader
	cache  reader
	clock  clock.Clock
	takeUp time.Duration
	panics *panics.Catcher

	mu      sync.Mutex
	waiters map[types.NamespacedName]map[*waiter]struct{}
}

// waiter is one caller's view of one request. wake holds one token: writes that come together wake it once, and it
// finds out what is new by counting the entries that it has told.
type waiter struct {
	wake   chan struct{}
	latest *v1alpha1.HealingRequest
	gone   bool
}

func newFollower(live, cached reader, clock clock.Clock, takeUp time.Duration) *follower {
	return &follower{live: live, cache: cached, clock: clock, takeUp: takeUp, waiters: map[types.NamespacedName]map[*waiter]struct{}{}}
}

// OnAdd is called for requests that are new to the watch, and for all of them when it is established again.
func (f *follower) OnAdd(obj any, _ bool) { f.tell(obj, false) }

// OnUpdate is called for requests that changed; several writes may come as one.
func (f *follower) OnUpdate(_, obj any) { f.tell(obj, false) }

// OnDelete is called for requests that are gone.
func (f *follower) OnDelete(obj any) {
	if tombstone, ok := obj.(toolscache.DeletedFinalStateUnknown); ok {
		obj = tombstone.Obj
	}
	f.tell(obj, true)
}

func (f *follower) tell(obj any, gone bool) {
	defer f.panics.Catch(panics.Watch, nil, "kind", "HealingRequest")
	request, ok := obj.(*v1alpha1.HealingRequest)
	if !ok {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for w := range f.waiters[request.Key()] {
		w.see(request, gone)
	}
}

// see must be called with the follower's lock held. A newer object of the same name means that ours is gone; an older
// one is an echo: of an earlier object of that name, or of a watch that begins in the past.
func (w *waiter) see(request *v1alpha1.HealingRequest, gone bool) {
	ours := request.UID == w.latest.UID
	switch {
	case older(request, w.latest), ours && request.ResourceVersion == w.latest.ResourceVersion:
		// What is known already stays: the watch's object is shared by all who wait, and another copy is not.
		w.gone = w.gone || (gone && ours)
	case ours:
		w.latest, w.gone = request, w.gone || gone
	default:
		w.gone = true
	}
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// older compares resource versions, which grow within a resource (KEP-5504).
func older(a, b *v1alpha1.HealingRequest) bool {
	order, err := resourceversion.CompareResourceVersion(a.ResourceVersion, b.ResourceVersion)
	return err == nil && order < 0
}

func (f *follower) join(request *v1alpha1.HealingRequest) (w *waiter, leave func()) {
	key := request.Key()
	w = &waiter{wake: make(chan struct{}, 1), latest: request}
	f.mu.Lock()
	if f.waiters[key] == nil {
		f.waiters[key] = map[*waiter]struct{}{}
	}
	f.waiters[key][w] = struct{}{}
	f.mu.Unlock()
	return w, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.waiters[key], w)
		if len(f.waiters[key]) == 0 {
			delete(f.waiters, key)
		}
	}
}

func (f *follower) view(w *waiter) (*v1alpha1.HealingRequest, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return w.latest, w.gone
}

// catchUp shows a waiter what the cache already knows; it joins first, so that nothing falls between the two.
func (f *follower) catchUp(ctx context.Context, w *waiter, from reader) error {
	request, _ := f.view(w)
	current, err := from.Get(ctx, request.Key())
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	w.see(current, false)
	return nil
}

// awaitVisible waits until this gateway's cache holds the request, so that the next caller finds it there.
func (f *follower) awaitVisible(ctx context.Context, request *v1alpha1.HealingRequest) {
	w, leave := f.join(request)
	defer leave()
	if f.catchUp(ctx, w, f.cache) == nil {
		return
	}
	timer := f.clock.NewTimer(visibleTimeout)
	defer timer.Stop()
	select {
	case <-w.wake:
	case <-timer.C():
	case <-ctx.Done():
	}
}

// follow tells every progress entry of the request once and in order, from the first, and returns the request when it is over.
func (f *follower) follow(ctx context.Context, request *v1alpha1.HealingRequest, progress func(v1alpha1.ProgressEntry)) (*v1alpha1.HealingRequest, error) {
	w, leave := f.join(request)
	defer leave()
	// The cache may not have heard of it yet; then the watch will tell.
	_ = f.catchUp(ctx, w, f.cache)

	told, p := 0, record.Patience{Within: f.takeUp}
	limit := f.clock.NewTimer(p.Within)
	defer func() { limit.Stop() }()
	for {
		current, gone := f.view(w)
		for ; told < len(current.Status.Progress); told++ {
			progress(current.Status.Progress[told])
		}
		switch {
		case current.Done():
			return current, nil
		case gone:
			return nil, deleted(current)
		case current.Held() != nil:
			// That may take half an hour, and whoever asked a question waits.
			return nil, held(current, current.Held())
		case p.Renew(current):
			limit.Stop()
			limit = f.clock.NewTimer(p.Within)
		}
		select {
		case <-w.wake:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-limit.C():
			if err := f.expired(ctx, w, p); err != nil {
				return nil, err
			}
		}
	}
}

// expired asks the API server itself before it gives a heal up: the watch may be what is late.
func (f *follower) expired(ctx context.Context, w *waiter, p record.Patience) error {
	err := f.catchUp(ctx, w, f.live)
	request, _ := f.view(w)
	switch {
	case apierrors.IsNotFound(err):
		return deleted(request)
	case err == nil && (request.Done() || request.Held() != nil || p.Renew(request)):
		return nil
	case p.TakenUp && request.DerivePhase() == v1alpha1.PhaseBlocked:
		return held(request, meta.FindStatusCondition(request.Status.Conditions, v1alpha1.ConditionPlanned))
	case p.TakenUp:
		return newError(fmt.Sprintf("the heal %s did not end within %s", request.Name, p.Within),
			lookAtOperator+" "+lookAtRequests(request.Namespace), err)
	default:
		return newError(fmt.Sprintf("the Cortex operator has not taken up the request %s within %s", request.Name, p.Within), lookAtOperator, err)
	}
}
