// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package healingrequest_test

import (
	"context"
	"fmt"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// A leader that is stopped past its lease and goes on later does not know that another one has taken over: it makes the very write
// that it was about to make.
var _ = Describe("Two leaders", Ordered, ContinueOnFailure, func() {
	cases := 0
	AfterAll(func() { AddReportEntry("two leaders", fmt.Sprintf("%d cases", cases)) })

	for _, flow := range workflows() {
		It("of which one goes on late make one change and one end: "+flow.name, func(ctx context.Context) {
			want, writes := undisturbed(ctx, flow)
			cases += writes
			inParallel(upTo(writes), func(n int) {
				w := newWorld(ctx)
				flow.mess(ctx, w)
				generation := w.deployment(ctx).Generation
				request := w.request(ctx, flow.spec)
				stopped, goOn := make(chan struct{}), make(chan struct{})
				count := 0
				late := w.operator(through(func(_ string, write func() error) error {
					if count++; count == n {
						close(stopped)
						<-goOn
					}
					return write()
				}))
				over := make(chan struct{})
				first := true
				operator := func() reconciler {
					select {
					case <-stopped:
						return w.operator(w.Client)
					default:
					}
					if !first {
						<-over // the last reconcile of the first leader came back without being stopped
						over = make(chan struct{})
					}
					first = false
					return paused{late, stopped, over}
				}
				w.run(ctx, flow, request, operator)
				ended := request.DeepCopy()
				close(goOn)
				Eventually(over).WithTimeout(patience).Should(BeClosed())

				at := fmt.Sprintf("write %d of %d", n, writes)
				Expect(w.Get(ctx, client.ObjectKeyFromObject(request), request)).To(Succeed())
				Expect(request.Status).To(Equal(ended.Status), "%s: what is over never changes", at)
				Expect(w.end(ctx, request, generation)).To(Equal(want), at)
			})
		})
	}
})

// paused lets a reconcile run until it is over, or stopped in the middle.
type paused struct {
	reconciler
	stopped, over chan struct{}
}

func (p paused) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	go func() {
		defer GinkgoRecover()
		defer close(p.over)
		_, _ = p.reconciler.Reconcile(ctx, req)
	}()
	select {
	case <-p.stopped:
	case <-p.over:
	}
	return ctrl.Result{}, nil
}
