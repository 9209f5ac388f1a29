// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package healingrequest_test

import (
	"context"
	"fmt"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

// recreate deletes the workload with all that belongs to it, and creates it anew under its name, well.
func (w *world) recreate(ctx context.Context) {
	Expect(w.Delete(ctx, w.deployment(ctx))).To(Succeed())
	// There is no garbage collector here.
	Expect(w.DeleteAllOf(ctx, &appsv1.ReplicaSet{}, client.InNamespace(w.namespace))).To(Succeed())
	Expect(w.Create(ctx, w.newDeployment())).To(Succeed())
	w.settle(ctx)
}

// before calls a function right before the nth write.
func (c *counter) before(n int, do func()) func(string, func() error) error {
	return func(what string, write func() error) error {
		if c.writes+1 == n {
			do()
		}
		return c.write(what, write)
	}
}

// wait lets time pass while a heal waits to see its effect.
func wait(_ context.Context, w *world, request *v1alpha1.HealingRequest) {
	if request.Status.Phase == v1alpha1.PhaseVerifying {
		w.clock.Step(10 * time.Second)
	}
}

// A plan is for one object, and not for whatever has its name.
var _ = Describe("A workload that is deleted and created anew under its name in mid-heal", Ordered, ContinueOnFailure, func() {
	cases := 0
	AfterAll(func() { AddReportEntry("same name, new UID", fmt.Sprintf("%d cases", cases)) })

	for _, flow := range workflows() {
		// attack makes it anew right before each write of the heal, which goes on with what it has read of the one before.
		attack := func(ctx context.Context, mess func(context.Context, *world), check func(*world, *v1alpha1.HealingRequest, string)) {
			GinkgoHelper()
			_, writes := undisturbed(ctx, flow)
			for n := 1; n <= writes; n++ {
				cases++
				w := newWorld(ctx)
				flow.mess(ctx, w)
				request := w.request(ctx, flow.spec)
				anew := false
				patient := flow
				patient.meanwhile = func(ctx context.Context, w *world, request *v1alpha1.HealingRequest) {
					if flow.meanwhile != nil {
						flow.meanwhile(ctx, w, request)
					}
					if anew {
						wait(ctx, w, request)
					}
				}
				operator := w.operator(through((&counter{}).before(n, func() {
					anew = true
					w.recreate(ctx)
					mess(ctx, w)
				})))
				w.run(ctx, patient, request, func() reconciler { return operator })
				check(w, request, fmt.Sprintf("before write %d of %d", n, writes))
			}
		}

		It("is left alone where it is well: "+flow.name, func(ctx context.Context) {
			well := func(_ context.Context, w *world) { w.serve(answers) }
			attack(ctx, well, func(w *world, request *v1alpha1.HealingRequest, at string) {
				deployment := w.deployment(ctx)
				Expect(deployment.Generation).To(BeEquivalentTo(1), "%s: %+v", at, request.Status)
				Expect(deployment.Annotations).NotTo(HaveKey(v1alpha1.AnnotationAppliedBy), at)
			})
		})

		It("is changed by a plan that was made for it, or not at all: "+flow.name, func(ctx context.Context) {
			attack(ctx, flow.mess, func(w *world, request *v1alpha1.HealingRequest, at string) {
				deployment := w.deployment(ctx)
				made := 0
				for i, action := range request.Status.Actions {
					if action.Object.UID != deployment.UID || action.AppliedAt == nil || action.Type == v1alpha1.ActionWait {
						continue
					}
					made++
					stamp := fmt.Sprintf("%s/%d", request.UID, i)
					Expect(deployment.Annotations).To(HaveKeyWithValue(v1alpha1.AnnotationAppliedBy, stamp), at)
				}
				Expect(made).To(BeNumerically("<=", 1), "%s: %+v", at, request.Status.Actions)
				if made == 0 {
					Expect(deployment.Annotations).NotTo(HaveKey(v1alpha1.AnnotationAppliedBy), at)
				}
			})
		})
	}
})
