// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package healing

import (
	"context"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

// Following is one reader's view of one heal, whoever began it: this gateway, another one, or a person. It costs no watch of its
// own. Entries of status.progress are only ever appended, so that an index names one for good, on every gateway: whoever has
// seen n of them goes on with the next.
type Following struct {
	follower *follower
	waiter   *waiter
	leave    func()
}

// Follow begins to follow a request. It returns a NotFound error of the API if this gateway knows none of that name. Leave must
// be called.
func (h *Healer) Follow(ctx context.Context, key types.NamespacedName) (*Following, error) {
	request, err := h.watched.Get(ctx, key)
	if err != nil {
		return nil, err
	}
	w, leave := h.follower.join(request)
	// What was written in between is told by nobody else.
	_ = h.follower.catchUp(ctx, w, h.watched)
	return &Following{follower: h.follower, waiter: w, leave: leave}, nil
}

// View is the request as it was last seen, and whether it was deleted. It must not be changed.
func (f *Following) View() (request *v1alpha1.HealingRequest, gone bool) {
	return f.follower.view(f.waiter)
}

// Changed has a token when there is something new to view.
func (f *Following) Changed() <-chan struct{} { return f.waiter.wake }

// Leave must be called once.
func (f *Following) Leave() { f.leave() }

// OfTask gives the requests that a task caused, the oldest first. They must not be changed.
func (h *Healer) OfTask(id string) []v1alpha1.HealingRequest {
	requests := h.watched.by(byTask, id)
	slices.SortFunc(requests, func(a, b v1alpha1.HealingRequest) int { return a.CreationTimestamp.Compare(b.CreationTimestamp.Time) })
	return requests
}

// Since gives the requests of failed calls that were not over at a moment, the newest first. They must not be changed.
func (h *Healer) Since(moment time.Time) []v1alpha1.HealingRequest {
	found := slices.DeleteFunc(h.watched.all(), func(r v1alpha1.HealingRequest) bool {
		return r.Spec.Trigger != v1alpha1.TriggerMCPFailure || r.Done() && !endedAfter(&r, moment)
	})
	slices.SortFunc(found, func(a, b v1alpha1.HealingRequest) int { return b.CreationTimestamp.Compare(a.CreationTimestamp.Time) })
	return found
}

// OutcomeOf reads the outcome off a request that is over.
func OutcomeOf(request *v1alpha1.HealingRequest) Outcome { return outcomeOf(request, false) }
