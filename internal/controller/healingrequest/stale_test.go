// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package healingrequest_test

import (
	"context"
	"fmt"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

// past is a cache of HealingRequests that lags behind: it shows them as they were some moments ago. A moment passes with each
// write, and with each reconcile, so that it catches up in the end.
type past struct {
	client.Client
	w       *world
	lag     int
	moments [][]v1alpha1.HealingRequest
}

func (w *world) past(ctx context.Context, lag int) *past {
	p := &past{w: w, lag: lag}
	p.Client = through(func(_ string, write func() error) error {
		err := write()
		p.pass(ctx)
		return err
	})
	p.pass(ctx)
	return p
}

// pass lets a moment pass.
func (p *past) pass(ctx context.Context) {
	var now v1alpha1.HealingRequestList
	Expect(p.w.List(ctx, &now, client.InNamespace(p.w.namespace))).To(Succeed())
	p.moments = append(p.moments, now.Items)
}

func (p *past) seen() []v1alpha1.HealingRequest { return p.moments[max(0, len(p.moments)-1-p.lag)] }

// Get reads requests from the past, and all else as it is.
func (p *past) Get(ctx context.Context, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
	request, ok := obj.(*v1alpha1.HealingRequest)
	if !ok {
		return p.Client.Get(ctx, key, obj, opts...)
	}
	for _, seen := range p.seen() {
		if client.ObjectKeyFromObject(&seen) == key {
			seen.DeepCopyInto(request)
			return nil
		}
	}
	return apierrors.NewNotFound(v1alpha1.GroupVersion.WithResource("healingrequests").GroupResource(), key.Name)
}

// List reads requests from the past, and all else as it is.
func (p *past) List(ctx context.Context, list client.ObjectList, opts ...client.ListOption) error {
	requests, ok := list.(*v1alpha1.HealingRequestList)
	if !ok {
		return p.Client.List(ctx, list, opts...)
	}
	requests.Items = nil
	for _, seen := range p.seen() {
		requests.Items = append(requests.Items, *seen.DeepCopy())
	}
	return nil
}

var _ = Describe("A cache that lags behind", Ordered, ContinueOnFailure, func() {
	cases := 0
	AfterAll(func() { AddReportEntry("stale caches", fmt.Sprintf("%d cases", cases)) })

	for _, flow := range workflows() {
		It("changes nothing about how a heal ends: "+flow.name, func(ctx context.Context) {
			want, writes := undisturbed(ctx, flow)
			cases += 2 * max(writes, 1)
			inParallel(upTo(max(writes, 1)), func(lag int) {
				// One operator knows what it has written itself. One that was started anew knows only the cache.
				for _, anew := range []bool{false, true} {
					at := fmt.Sprintf("%d of %d writes behind, an operator started anew each time: %v", lag, writes, anew)
					w := newWorld(ctx)
					flow.mess(ctx, w)
					generation := w.deployment(ctx).Generation
					request := w.request(ctx, flow.spec)
					cache := w.past(ctx, lag)
					operator := w.operator(cache)
					Expect(w.run(ctx, flow, request, func() reconciler {
						cache.pass(ctx)
						if anew {
							operator = w.operator(cache)
						}
						return operator
					})).To(BeEmpty(), at)
					Expect(w.end(ctx, request, generation)).To(Equal(want), at)

					// What the cache still shows of it before it has caught up is done already.
					ended := request.DeepCopy()
					for range lag + 1 {
						cache.pass(ctx)
						w.stepWith(ctx, request, cache)
					}
					Expect(request.Status).To(Equal(ended.Status), at)
					Expect(w.end(ctx, request, generation)).To(Equal(want), at)
				}
			})
		})
	}
})
