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
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
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
		attack := func(ctx context.Context, mess func(context.Context, *world), check func(w *world, request *v1alpha1.HealingRequest, at string, last bool)) {
			GinkgoHelper()
			_, writes := undisturbed(ctx, flow)
			cases += writes
			inParallel(upTo(writes), func(n int) {
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
				check(w, request, fmt.Sprintf("before write %d of %d", n, writes), n == writes)
			})
		}

		It("is left alone where it is well: "+flow.name, func(ctx context.Context) {
			well := func(_ context.Context, w *world) { w.serve(answers) }
			attack(ctx, well, func(w *world, request *v1alpha1.HealingRequest, at string, last bool) {
				deployment := w.deployment(ctx)
				Expect(deployment.Generation).To(BeEquivalentTo(1), "%s: %+v", at, request.Status)
				Expect(deployment.Annotations).NotTo(HaveKey(v1alpha1.AnnotationAppliedBy), at)
				if reason := complete(request).Reason; !last && reason != v1alpha1.ReasonCanceled { // neither looks at it again
					Expect(request.Status.FixApplied).To(BeEmpty(), "%s: %+v", at, request.Status)
					Expect(reason).NotTo(Equal(v1alpha1.ReasonHealed), at)
				}
			})
		})

		It("is changed by a plan that was made for it, or not at all: "+flow.name, func(ctx context.Context) {
			attack(ctx, flow.mess, func(w *world, request *v1alpha1.HealingRequest, at string, _ bool) {
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

var _ = Describe("A change that was deleted with its workload", func() {
	var w *world
	var request *v1alpha1.HealingRequest
	BeforeEach(func(ctx context.Context) {
		w = newWorld(ctx)
		request = nil
	})
	crash := func(ctx context.Context) { w.rollOut(ctx, waiting("CrashLoopBackOff", "back-off 40s")) }
	restarted := And(HaveField("Type", v1alpha1.ActionRestart), HaveField("AppliedAt", Not(BeNil())))
	byItself := func(state v1alpha1.ActionState) {
		GinkgoHelper()
		Expect(complete(request).Reason).To(Equal(v1alpha1.ReasonHealthy), "%+v", request.Status)
		Expect(complete(request).Message).NotTo(ContainSubstring("nothing was changed"))
		Expect(request.Status.FixApplied).To(BeEmpty())
		Expect(request.Status.Actions).To(HaveExactElements(And(restarted, HaveField("State", state))))
		Expect(request.Status.Progress).To(ContainElement(HaveField("Message",
			"Restarted deployment sandfly-mcp-server: Deployment sandfly-mcp-server was deleted since, and the change with it")))
	}

	It("has not healed the new one, which is well", func(ctx context.Context) {
		crash(ctx)
		request = w.request(ctx, nil)
		w.until(ctx, request, v1alpha1.PhaseVerifying)
		w.recreate(ctx)
		w.until(ctx, request, v1alpha1.PhaseSucceeded)
		byItself(v1alpha1.ActionApplied)
	})

	It("does not hide from an operator that comes back too late that the new one is well", func(ctx context.Context) {
		crash(ctx)
		request = w.request(ctx, nil)
		w.until(ctx, request, v1alpha1.PhaseVerifying)
		w.recreate(ctx)
		w.clock.Step(10 * time.Minute)
		w.until(ctx, request, v1alpha1.PhaseSucceeded)
		byItself(v1alpha1.ActionApplied)
	})

	It("has not healed the new one either if it had not helped the old one", func(ctx context.Context) {
		w.edit(ctx, func(d *appsv1.Deployment) { d.Spec.Template.Spec.Containers[0].Image = "sandfly:v2" })
		crash(ctx)
		request = w.request(ctx, nil)
		w.until(ctx, request, v1alpha1.PhaseVerifying)
		crash(ctx)
		w.until(ctx, request, v1alpha1.PhaseAwaitingApproval) // for the rollback, which is next
		Expect(request.Status.FixApplied).NotTo(BeEmpty())
		w.recreate(ctx)
		w.until(ctx, request, v1alpha1.PhaseSucceeded)
		byItself(v1alpha1.ActionIneffective)
	})

	It("is not part of the fix of a new one that is no better", func(ctx context.Context) {
		crash(ctx)
		request = w.request(ctx, nil)
		w.until(ctx, request, v1alpha1.PhaseVerifying)
		w.recreate(ctx)
		crash(ctx)
		w.step(ctx, request)
		w.until(ctx, request, v1alpha1.PhaseVerifying)
		w.clock.Step(2 * time.Second)
		w.settle(ctx)
		w.until(ctx, request, v1alpha1.PhaseSucceeded)
		Expect(complete(request).Reason).To(Equal(v1alpha1.ReasonHealed))
		Expect(request.Status.FixApplied).To(Equal("Restarted deployment sandfly-mcp-server"))
		Expect(request.Status.Actions).To(HaveExactElements(
			And(restarted, HaveField("State", v1alpha1.ActionApplied)), And(restarted, HaveField("State", v1alpha1.ActionVerified))))
	})

	It("is not what helped where something else was changed as well", func(ctx context.Context) {
		t := newTown(ctx)
		a := t.build(ctx, "a", "b")
		t.build(ctx, "b").atZero = true
		request = t.ask(ctx, "a", nil)
		a.needs = append(a.needs, "what nobody knows of")
		edited := t.live(ctx, "a")
		edited.Spec.Template.Spec.Containers[0].Image = "a:v2" // there is a revision to go back to
		Expect(t.Update(ctx, edited)).To(Succeed())
		operator := t.operator(t.Client)
		for range 12 {
			t.round(ctx, operator)
		}
		Expect(t.Get(ctx, client.ObjectKeyFromObject(request), request)).To(Succeed())
		Expect(request.Status.Phase).To(Equal(v1alpha1.PhaseAwaitingApproval), "%+v", request.Status)
		Expect(request.Status.FixApplied).To(Equal("b: Scaled deployment b from 0 to 1; Restarted deployment a"))

		Expect(t.Delete(ctx, edited)).To(Succeed())
		own := []client.DeleteAllOfOption{client.InNamespace(t.namespace), client.MatchingLabels{"app": "a"}, client.GracePeriodSeconds(0)}
		Expect(t.DeleteAllOf(ctx, &appsv1.ReplicaSet{}, own...)).To(Succeed())
		Expect(t.DeleteAllOf(ctx, &corev1.Pod{}, own...)).To(Succeed())
		a.needs = a.needs[:1]
		Expect(t.Create(ctx, &appsv1.Deployment{
			ObjectMeta: metav1.ObjectMeta{Namespace: t.namespace, Name: "a", Labels: edited.Labels}, Spec: edited.Spec,
		})).To(Succeed())
		t.catchUp(ctx)
		t.work(ctx, operator)
		Expect(t.Get(ctx, client.ObjectKeyFromObject(request), request)).To(Succeed())
		Expect(complete(request).Reason).To(Equal(v1alpha1.ReasonHealed))
		Expect(request.Status.FixApplied).To(Equal("b: Scaled deployment b from 0 to 1"))
		Expect(request.Status.Actions).To(ContainElement(And(restarted, HaveField("State", v1alpha1.ActionIneffective))))
	})
})
