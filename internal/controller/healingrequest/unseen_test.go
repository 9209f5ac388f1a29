// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package healingrequest_test

import (
	"context"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

var _ = Describe("A yes to a plan that nobody has seen", func() {
	oom := func(pod *corev1.Pod) {
		waiting("CrashLoopBackOff", "back-off 40s")(pod)
		last := pod.Status.ContainerStatuses[0].LastTerminationState.Terminated
		last.ExitCode, last.Reason = 137, "OOMKilled"
	}
	limited := func(ctx context.Context) *world {
		w := newWorld(ctx)
		deployment := w.deployment(ctx)
		deployment.Spec.Template.Spec.Containers[0].Resources.Limits = corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("64Mi")}
		Expect(w.Update(ctx, deployment)).To(Succeed())
		w.rollOut(ctx, oom)
		return w
	}
	memory := func(ctx context.Context, w *world) string {
		return w.deployment(ctx).Spec.Template.Spec.Containers[0].Resources.Limits.Memory().String()
	}

	It("does not raise a memory limit after a restart that needed none", func(ctx context.Context) {
		w := limited(ctx)
		request := w.request(ctx, func(spec *v1alpha1.HealingRequestSpec) { spec.Approval = v1alpha1.ApprovalApproved })
		w.until(ctx, request, v1alpha1.PhaseVerifying)
		Expect(request.Status.Actions).To(HaveExactElements(HaveField("Type", v1alpha1.ActionRestart)))
		w.rollOut(ctx, oom)
		for range 8 {
			w.step(ctx, request)
		}
		GinkgoWriter.Printf("phase %s, progress %+v\n", request.Status.Phase, request.Status.Progress)
		Expect(memory(ctx, w)).To(Equal("64Mi"))
		Expect(request.Status.Conditions).To(ContainElement(HaveField("Reason", v1alpha1.ReasonPlanChanged)))
	})

	It("asks without that yes", func(ctx context.Context) {
		w := limited(ctx)
		request := w.request(ctx, nil)
		w.until(ctx, request, v1alpha1.PhaseVerifying)
		w.rollOut(ctx, oom)
		w.until(ctx, request, v1alpha1.PhaseAwaitingApproval)
		Expect(memory(ctx, w)).To(Equal("64Mi"))
	})
})
