// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package healingrequest_test

import (
	"context"
	"fmt"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

// hour lets an hour pass in which somebody asks each minute, and edit may change something before. It returns what became of the
// requests.
func (w *world) hour(ctx context.Context, edit func(minute int)) []v1alpha1.HealingRequest {
	operator := w.operator(w.Client)
	seen := w.deployment(ctx).Generation
	for minute := range 60 {
		edit(minute)
		w.request(ctx, nil)
		var all v1alpha1.HealingRequestList
		Expect(w.List(ctx, &all, client.InNamespace(w.namespace))).To(Succeed())
		for range 6 {
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
		}
		w.clock.Step(time.Minute)
	}
	var all v1alpha1.HealingRequestList
	Expect(w.List(ctx, &all, client.InNamespace(w.namespace))).To(Succeed())
	return all.Items
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
		requests := w.hour(ctx, func(int) {})
		changes, ends := tally(requests)
		AddReportEntry("an hour", fmt.Sprintf("60 requests, %d changes, ends %v", changes, ends))
		Expect(changes).To(Equal(1))
		Expect(ends[v1alpha1.ReasonFixIneffective]).To(Equal(1))
	})

	It("is changed as often as the policy allows if somebody edits it again and again, and then a person is asked, once", func(ctx context.Context) {
		w := newWorld(ctx)
		// A person who is asked to approve a rollback would end the loop already.
		Expect(w.Create(ctx, &v1alpha1.HealingPolicy{
			ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "no-rollback"},
			Spec:       v1alpha1.HealingPolicySpec{Actions: []v1alpha1.ActionPermission{{Type: v1alpha1.ActionRollback, Permission: v1alpha1.PermissionNever}}},
		})).To(Succeed())
		w.rollOut(ctx, waiting("CrashLoopBackOff", "back-off 40s"))
		requests := w.hour(ctx, func(minute int) {
			if minute%5 == 4 {
				deployment := w.deployment(ctx)
				deployment.Spec.Template.Spec.Containers[0].Image = fmt.Sprintf("sandfly:v%d", minute)
				Expect(w.Update(ctx, deployment)).To(Succeed())
			}
		})
		changes, ends := tally(requests)
		AddReportEntry("an hour", fmt.Sprintf("60 requests, %d changes, ends %v", changes, ends))
		Expect(changes).To(Equal(3))
		Expect(ends[v1alpha1.ReasonAttemptsExhausted]).To(BeNumerically("<=", 1), "a person is asked once")
		for _, request := range requests {
			if blocked := meta.FindStatusCondition(request.Status.Conditions, v1alpha1.ConditionPlanned); blocked != nil && blocked.Reason == v1alpha1.ReasonAttemptsExhausted {
				Expect(blocked.Message).To(ContainSubstring("Restarted deployment sandfly-mcp-server"), "it says what was tried")
			}
		}
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
