// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package healingrequest_test

import (
	"context"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

// An operator may be away between a plan and its change for any time.
var _ = Describe("A permission that is withdrawn between the plan and the change", func() {
	policy := func(spec v1alpha1.HealingPolicySpec) func(context.Context, *world) {
		return func(ctx context.Context, w *world) {
			Expect(w.Create(ctx, &v1alpha1.HealingPolicy{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "p"}, Spec: spec})).To(Succeed())
		}
	}
	scale := func(permission v1alpha1.Permission) []v1alpha1.ActionPermission {
		return []v1alpha1.ActionPermission{{Type: v1alpha1.ActionScale, Permission: permission}}
	}

	DescribeTable("is respected", func(ctx context.Context, withdraw func(context.Context, *world), phase v1alpha1.Phase, reason string) {
		w := newWorld(ctx)
		w.scale(ctx, 0)
		request := w.request(ctx, nil)
		w.until(ctx, request, v1alpha1.PhaseRemediating)
		withdraw(ctx, w)
		w.until(ctx, request, phase)
		Expect(*w.deployment(ctx).Spec.Replicas).To(BeZero())
		Expect(request.Status.FixApplied).To(BeEmpty())
		Expect(request.Status.Conditions).To(ContainElement(HaveField("Reason", reason)))
	},
		Entry("the label is taken away", func(ctx context.Context, w *world) {
			var service corev1.Service
			Expect(w.Get(ctx, client.ObjectKey{Namespace: w.namespace, Name: app}, &service)).To(Succeed())
			delete(service.Labels, v1alpha1.LabelMCPServer)
			Expect(w.Update(ctx, &service)).To(Succeed())
		}, v1alpha1.PhaseFailed, v1alpha1.ReasonNotOptedIn),
		Entry("a policy forbids the action", policy(v1alpha1.HealingPolicySpec{Actions: scale(v1alpha1.PermissionNever)}), v1alpha1.PhaseFailed, v1alpha1.ReasonManualFixNeeded),
		Entry("a policy wants a person to be asked", policy(v1alpha1.HealingPolicySpec{Actions: scale(v1alpha1.PermissionApproval)}),
			v1alpha1.PhaseAwaitingApproval, v1alpha1.ReasonAwaitingApproval),
		Entry("a policy allows dry runs only", policy(v1alpha1.HealingPolicySpec{Mode: v1alpha1.ModeDryRun}), v1alpha1.PhaseSucceeded, v1alpha1.ReasonDryRun),
	)
})
