// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package healingrequest_test

import (
	"context"
	"fmt"
	"slices"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

// people read the Events about a Service.
type people struct{ warnings, others []string }

func (p *people) Eventf(regarding, _ runtime.Object, kind, reason, _, note string, args ...any) {
	if _, about := regarding.(*corev1.ObjectReference); !about {
		return // the same, about the request
	}
	told := reason + ": " + fmt.Sprintf(note, args...)
	if kind == corev1.EventTypeWarning {
		p.warnings = append(p.warnings, told)
	} else {
		p.others = append(p.others, told)
	}
}

// hour lets an hour pass in which somebody asks each minute, and edit may change something before. It returns what became of the
// requests.
func (w *world) hour(ctx context.Context, told *people, edit func(minute int)) []v1alpha1.HealingRequest {
	operator := w.operator(w.Client)
	operator.Recorder = told
	seen := w.deployment(ctx).Generation
	for minute := range 60 {
		edit(minute)
		w.request(ctx, nil)
		var all v1alpha1.HealingRequestList
		Expect(w.List(ctx, &all, client.InNamespace(w.namespace))).To(Succeed())
		for settled := false; !settled; {
			before := versions(all.Items)
			if generation := w.deployment(ctx).Generation; generation != seen {
				seen = generation
				w.rollOut(ctx, waiting("CrashLoopBackOff", "back-off 10s"))
			}
			for i := range all.Items {
				if !all.Items[i].Done() {
					_, err := operator.Reconcile(ctx, ctrl.Request{NamespacedName: client.ObjectKeyFromObject(&all.Items[i])})
					Expect(err).NotTo(HaveOccurred())
				}
			}
			Expect(w.List(ctx, &all, client.InNamespace(w.namespace))).To(Succeed())
			settled = slices.Equal(before, versions(all.Items)) && w.deployment(ctx).Generation == seen
		}
		w.clock.Step(time.Minute)
	}
	var all v1alpha1.HealingRequestList
	Expect(w.List(ctx, &all, client.InNamespace(w.namespace))).To(Succeed())
	return all.Items
}

// versions tell whether anything was written between two looks.
func versions(requests []v1alpha1.HealingRequest) []string {
	versions := make([]string, 0, len(requests))
	for _, request := range requests {
		versions = append(versions, request.ResourceVersion)
	}
	return versions
}

// tally counts the changes that were made, and the ends by their reasons.
func tally(requests []v1alpha1.HealingRequest) (changes int, ends map[string]int) {
	ends = map[string]int{}
	for _, request := range requests {
		for _, action := range request.Status.Actions {
			if action.AppliedAt != nil && action.Type != v1alpha1.ActionWait {
				changes++
			}
		}
		if complete := meta.FindStatusCondition(request.Status.Conditions, v1alpha1.ConditionComplete); complete != nil {
			ends[complete.Reason]++
		}
	}
	return changes, ends
}

var _ = Describe("A target that never heals", func() {
	It("is changed once in an hour if nobody changes it, and the next ones say what was tried", func(ctx context.Context) {
		w := newWorld(ctx)
		w.rollOut(ctx, waiting("CrashLoopBackOff", "back-off 40s"))
		told := &people{}
		requests := w.hour(ctx, told, func(int) {})
		changes, ends := tally(requests)
		AddReportEntry("an hour", fmt.Sprintf("60 requests, %d changes, ends %v", changes, ends))
		Expect(changes).To(Equal(1))
		Expect(ends).To(Equal(map[string]int{v1alpha1.ReasonFixIneffective: 1, v1alpha1.ReasonManualFixNeeded: 59}))
		By("asking a person once")
		Expect(told.warnings).To(HaveExactElements(HavePrefix("FixIneffective: Restarted deployment sandfly-mcp-server, and it did not help")))
		Expect(told.others).To(And(HaveLen(59), HaveEach(MatchRegexp(`^ManualFixNeeded: As before \(sandfly-mcp-server-\S+\): Unable to fix automatically`))))
	})

	It("is changed as often as the policy allows if somebody edits it again and again, and then a person is asked, once", func(ctx context.Context) {
		w := newWorld(ctx)
		// A person who is asked to approve a rollback would end the loop already.
		Expect(w.Create(ctx, &v1alpha1.HealingPolicy{
			ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "no-rollback"},
			Spec:       v1alpha1.HealingPolicySpec{Actions: []v1alpha1.ActionPermission{{Type: v1alpha1.ActionRollback, Permission: v1alpha1.PermissionNever}}},
		})).To(Succeed())
		w.rollOut(ctx, waiting("CrashLoopBackOff", "back-off 40s"))
		told := &people{}
		requests := w.hour(ctx, told, func(minute int) {
			if minute%5 == 4 {
				deployment := w.deployment(ctx)
				deployment.Spec.Template.Spec.Containers[0].Image = fmt.Sprintf("sandfly:v%d", minute)
				Expect(w.Update(ctx, deployment)).To(Succeed())
			}
		})
		changes, ends := tally(requests)
		AddReportEntry("an hour", fmt.Sprintf("60 requests, %d changes, ends %v", changes, ends))
		Expect(changes).To(Equal(3))
		By("asking a person after each change, and not again once there may be no more of them")
		Expect(told.warnings).To(And(HaveLen(3), HaveEach(HavePrefix("FixIneffective: Restarted deployment sandfly-mcp-server, and it did not help"))))
		Expect(ends).To(And(HaveLen(2), HaveKeyWithValue(v1alpha1.ReasonFixIneffective, 3), HaveKey(v1alpha1.ReasonManualFixNeeded)))
		By("letting one request wait until a change may be made again, and all others behind it")
		waiting := map[string][]string{}
		for _, request := range requests {
			if planned := meta.FindStatusCondition(request.Status.Conditions, v1alpha1.ConditionPlanned); !request.Done() {
				waiting[planned.Reason] = append(waiting[planned.Reason], planned.Message)
			}
		}
		Expect(waiting).To(HaveLen(2))
		Expect(waiting[v1alpha1.ReasonAttemptsExhausted]).To(HaveExactElements(ContainSubstring("3 changes within 1h: no more than 3 may be made without a person. " +
			"Tried: Restarted deployment sandfly-mcp-server at ")))
		Expect(waiting[v1alpha1.ReasonAnotherRequestActive]).To(HaveLen(60 - ends[v1alpha1.ReasonFixIneffective] - ends[v1alpha1.ReasonManualFixNeeded] - 1))
	})

	It("is changed as often as the policy allows if each change helps for a while, and then a person is asked, once", func(ctx context.Context) {
		w := newWorld(ctx)
		operator, told := w.operator(w.Client), &people{}
		operator.Recorder = told
		zero := func() { w.scale(ctx, 0) }
		var last *v1alpha1.HealingRequest
		for i, mess := range []func(){
			zero, func() { w.rollOut(ctx, waiting("CrashLoopBackOff", "back-off 40s")) }, func() { w.serve(hangs) }, zero,
		} {
			mess()
			last = w.request(ctx, nil)
			w.run(ctx, workflow{meanwhile: func(_ context.Context, w *world, request *v1alpha1.HealingRequest) {
				if request.Status.Phase == v1alpha1.PhaseVerifying {
					w.serve(answers)
				}
			}}, last, func() reconciler { return operator })
			if i < 3 {
				Expect(complete(last).Reason).To(Equal(v1alpha1.ReasonHealed), "%d: %+v", i, last.Status)
			}
			w.clock.Step(5 * time.Minute)
		}
		Expect(complete(last).Reason).To(Equal(v1alpha1.ReasonAttemptsExhausted))
		Expect(told.warnings).To(HaveExactElements(HavePrefix("AttemptsExhausted: 3 changes within 1h: no more than 3 may be made without a person. Tried: ")))
		Expect(told.others).To(HaveLen(3), "each heal")

		for range 5 {
			request := w.request(ctx, nil)
			for range 3 {
				_, err := operator.Reconcile(ctx, ctrl.Request{NamespacedName: client.ObjectKeyFromObject(request)})
				Expect(err).NotTo(HaveOccurred())
			}
			Expect(w.Get(ctx, client.ObjectKeyFromObject(request), request)).To(Succeed())
			Expect(request.Status.Phase).To(Equal(v1alpha1.PhaseBlocked))
			w.clock.Step(time.Minute)
		}
		Expect(told.warnings).To(HaveLen(1))
		Expect(*w.deployment(ctx).Spec.Replicas).To(BeZero())
	})

	It("is told of as before until somebody edits it, something else is wrong with it, or a window has passed", func(ctx context.Context) {
		w := newWorld(ctx)
		operator, told := w.operator(w.Client), &people{}
		operator.Recorder = told
		missing := waiting("ErrImagePull", `failed to pull and unpack image "sandfly:v1": failed to resolve reference "sandfly:v1": sandfly:v1: not found`)
		ask := func(ill func(*corev1.Pod)) {
			GinkgoHelper()
			w.clock.Step(time.Second) // which request is the last one is told by when it ended
			request := w.request(ctx, nil)
			w.run(ctx, workflow{pods: ill}, request, func() reconciler { return operator })
			Expect(complete(request).Reason).To(Equal(v1alpha1.ReasonManualFixNeeded))
		}
		expect := func(warnings, others int) {
			GinkgoHelper()
			Expect(told.warnings).To(HaveLen(warnings), "%q", told.others)
			Expect(told.others).To(HaveLen(others), "%q", told.warnings)
		}
		w.rollOut(ctx, missing)
		ask(missing)
		expect(1, 0)
		ask(missing)
		expect(1, 1)
		w.edit(ctx, func(d *appsv1.Deployment) { d.Spec.MinReadySeconds = 1 })
		ask(missing)
		expect(2, 1)
		invalid := waiting("InvalidImageName", `couldn't parse image name "Sandfly:v1": invalid reference format`)
		w.rollOut(ctx, invalid)
		ask(invalid)
		expect(3, 1)
		ask(invalid)
		expect(3, 2)
		w.clock.Step(time.Hour)
		ask(invalid)
		expect(4, 2)
	})

	It("is not given a third time what helped twice and did not last", func(ctx context.Context) {
		w := newWorld(ctx)
		var requests []*v1alpha1.HealingRequest
		for range 3 {
			w.rollOut(ctx, waiting("CrashLoopBackOff", "back-off 40s"))
			request := w.request(ctx, nil)
			seen := w.deployment(ctx).Generation
			operator := w.operator(w.Client)
			for range 12 {
				if generation := w.deployment(ctx).Generation; generation != seen {
					seen = generation
					w.clock.Step(2 * time.Second)
					w.settle(ctx)
				}
				_, err := operator.Reconcile(ctx, ctrl.Request{NamespacedName: client.ObjectKeyFromObject(request)})
				Expect(err).NotTo(HaveOccurred())
				Expect(w.Get(ctx, client.ObjectKeyFromObject(request), request)).To(Succeed())
				if request.Done() {
					break
				}
			}
			requests = append(requests, request)
			w.clock.Step(5 * time.Minute)
		}
		Expect(requests[0].Status.FixApplied).NotTo(BeEmpty())
		Expect(requests[1].Status.FixApplied).NotTo(BeEmpty())
		Expect(requests[2].Status.FixApplied).To(BeEmpty())
		Expect(requests[2].Status.Phase).To(Equal(v1alpha1.PhaseFailed))
		Expect(requests[2].Status.Progress).To(ContainElement(HaveField("Message", ContainSubstring("it helped, and did not last"))))
	})
})
