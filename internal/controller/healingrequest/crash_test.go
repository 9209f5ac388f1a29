// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package healingrequest_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

var errDied = errors.New("the operator died here")

// death is a fault of the write path: the operator dies at its nth write, before the write is sent, or after it was committed
// and before the answer is read.
type death struct {
	n, writes int
	after     bool
}

func (d *death) write(_ string, write func() error) error {
	d.writes++
	switch {
	case d.writes < d.n:
		return write()
	case d.writes == d.n && d.after:
		Expect(write()).To(Succeed())
	}
	return errDied
}

// counter only counts.
type counter struct{ writes int }

func (c *counter) write(_ string, write func() error) error {
	c.writes++
	return write()
}

var _ = Describe("An operator that dies", Ordered, ContinueOnFailure, func() {
	cases := 0
	AfterAll(func() {
		GinkgoWriter.Printf("crash at every write: %d cases\n", cases)
		AddReportEntry("crash cases", cases)
	})

	for _, flow := range workflows() {
		It("before and after every write of a heal is followed by one that comes to the same end: "+flow.name, func(ctx context.Context) {
			want, writes := undisturbed(ctx, flow)
			cases += 2 * writes
			inParallel(upTo(writes), func(n int) {
				for _, after := range []bool{false, true} {
					at := fmt.Sprintf("write %d of %d, after: %v", n, writes, after)
					w := newWorld(ctx)
					flow.mess(ctx, w)
					generation := w.deployment(ctx).Generation
					request := w.request(ctx, flow.spec)
					doomed := w.operator(through((&death{n: n, after: after}).write))
					dead := false
					operator := func() reconciler {
						if dead {
							return w.operator(w.Client)
						}
						return dies{doomed, &dead}
					}
					Expect(w.run(ctx, flow, request, operator)).To(HaveExactElements(MatchError(errDied)), at)
					Expect(w.end(ctx, request, generation)).To(Equal(want), at)
				}
			})
		})
	}

	It("after the change and comes back after the deadline neither forgets the fix nor calls it failed", func(ctx context.Context) {
		w := newWorld(ctx)
		w.scale(ctx, 0)
		request := w.request(ctx, nil)
		w.until(ctx, request, v1alpha1.PhaseRemediating)
		_, err := w.operator(through((&death{n: 1, after: true}).write)).Reconcile(ctx, ctrl.Request{NamespacedName: client.ObjectKeyFromObject(request)})
		Expect(err).To(MatchError(errDied))
		w.settle(ctx)
		w.clock.Step(10 * time.Minute)
		w.until(ctx, request, v1alpha1.PhaseSucceeded)
		Expect(request.Status.FixApplied).To(HavePrefix("Scaled deployment sandfly-mcp-server"))
	})

	It("before the change and comes back after the deadline changes nothing", func(ctx context.Context) {
		w := newWorld(ctx)
		w.scale(ctx, 0)
		request := w.request(ctx, nil)
		w.until(ctx, request, v1alpha1.PhaseRemediating)
		w.clock.Step(10 * time.Minute)
		w.until(ctx, request, v1alpha1.PhaseFailed)
		Expect(request.Status.FixApplied).To(BeEmpty())
		Expect(*w.deployment(ctx).Spec.Replicas).To(BeZero())
	})
})

// dies marks an operator as dead once it has met its death: from then on another one works.
type dies struct {
	reconciler
	dead *bool
}

func (d dies) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	result, err := d.reconciler.Reconcile(ctx, req)
	*d.dead = errors.Is(err, errDied)
	return result, err
}
