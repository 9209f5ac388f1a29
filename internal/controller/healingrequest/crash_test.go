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
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

var errDied = errors.New("the operator died here")

// dying is a client of an operator that dies at its nth write from now: before the write is sent, or after it was
// committed and before the answer is read.
func dying(n int, after bool) client.Client {
	writes := 0
	dies := func(write func() error) error {
		writes++
		switch {
		case writes < n:
			return write()
		case writes == n && after:
			Expect(write()).To(Succeed())
		}
		return errDied
	}
	withWatch, err := client.NewWithWatch(restConfig, client.Options{Scheme: scheme})
	Expect(err).NotTo(HaveOccurred())
	return interceptor.NewClient(withWatch, interceptor.Funcs{
		Patch: func(ctx context.Context, c client.WithWatch, obj client.Object, patch client.Patch, opts ...client.PatchOption) error {
			return dies(func() error { return c.Patch(ctx, obj, patch, opts...) })
		},
		SubResourcePatch: func(ctx context.Context, c client.Client, sub string, obj client.Object, patch client.Patch, opts ...client.SubResourcePatchOption) error {
			return dies(func() error { return c.SubResource(sub).Patch(ctx, obj, patch, opts...) })
		},
	})
}

// refusing is a client whose changes of workloads the API server refuses.
func refusing(err error) client.Client {
	withWatch, dialErr := client.NewWithWatch(restConfig, client.Options{Scheme: scheme})
	Expect(dialErr).NotTo(HaveOccurred())
	return interceptor.NewClient(withWatch, interceptor.Funcs{
		Patch: func(context.Context, client.WithWatch, client.Object, client.Patch, ...client.PatchOption) error {
			return err
		},
	})
}

var _ = Describe("An operator that dies", func() {
	// A heal of a target that is scaled to zero writes four times: planned, (the change), applied, over.
	for n := 1; n <= 4; n++ {
		for _, after := range []bool{false, true} {
			when := map[bool]string{false: "before", true: "after"}[after]
			It(fmt.Sprintf("%s its write %d is followed by one that ends the heal, with one change made", when, n), func(ctx context.Context) {
				w := newWorld(ctx)
				w.scale(ctx, 0)
				generation := w.deployment(ctx).Generation
				request := w.request(ctx, nil)

				doomed := w.operator(dying(n, after))
				var err error
				for range 12 {
					if *w.deployment(ctx).Spec.Replicas > 0 {
						w.settle(ctx)
					}
					if _, err = doomed.Reconcile(ctx, ctrl.Request{NamespacedName: client.ObjectKeyFromObject(request)}); err != nil {
						break
					}
				}
				Expect(err).To(MatchError(errDied))

				Expect(w.Get(ctx, client.ObjectKeyFromObject(request), request)).To(Succeed())
				for range 12 {
					if *w.deployment(ctx).Spec.Replicas > 0 {
						w.settle(ctx)
					}
					w.step(ctx, request)
				}
				Expect(request.Status.Phase).To(Equal(v1alpha1.PhaseSucceeded))
				Expect(request.Status.FixApplied).To(HavePrefix("Scaled deployment sandfly-mcp-server"))
				Expect(request.Status.Actions).To(HaveLen(1))
				Expect(w.deployment(ctx).Generation).To(Equal(generation+1), "the spec was changed once")
			})
		}
	}

	It("after the change and comes back after the deadline neither forgets the fix nor calls it failed", func(ctx context.Context) {
		w := newWorld(ctx)
		w.scale(ctx, 0)
		request := w.request(ctx, nil)
		w.until(ctx, request, v1alpha1.PhaseRemediating)
		_, err := w.operator(dying(1, true)).Reconcile(ctx, ctrl.Request{NamespacedName: client.ObjectKeyFromObject(request)})
		Expect(err).To(MatchError(errDied))
		w.settle(ctx)
		w.clock.Step(10 * time.Minute)
		w.until(ctx, request, v1alpha1.PhaseSucceeded)
		Expect(request.Status.FixApplied).To(Equal("Scaled deployment sandfly-mcp-server to 3"))
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
