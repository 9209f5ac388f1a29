// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package healingrequest_test

import (
	"context"
	"errors"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

var _ = Describe("A heal, step by step", func() {
	var w *world
	BeforeEach(func(ctx context.Context) { w = newWorld(ctx) })

	It("scales a Deployment that was scaled to zero, and proves it", func(ctx context.Context) {
		w.scale(ctx, 0)
		request := w.request(ctx, nil)

		w.until(ctx, request, v1alpha1.PhaseRemediating)
		By("writing the plan before anything is touched")
		Expect(request.Status.Plan.Actions).To(HaveLen(1))
		Expect(*w.deployment(ctx).Spec.Replicas).To(BeZero())

		w.until(ctx, request, v1alpha1.PhaseVerifying)
		Expect(*w.deployment(ctx).Spec.Replicas).To(BeEquivalentTo(3))
		Expect(w.deployment(ctx).Annotations).To(HaveKeyWithValue(v1alpha1.AnnotationAppliedBy, string(request.UID)+"/0"))

		By("writing nothing while the rollout goes on")
		before := request.ResourceVersion
		w.step(ctx, request)
		Expect(request.ResourceVersion).To(Equal(before))

		w.settle(ctx)
		w.until(ctx, request, v1alpha1.PhaseSucceeded)
		Expect(request.Status.Cause).To(Equal(v1alpha1.CauseScaledToZero))
		Expect(request.Status.FixApplied).To(Equal("Scaled deployment sandfly-mcp-server from 0 to 3"))
		Expect(request.Status.Verification.Verdict).To(Equal(v1alpha1.VerdictPassed))
		Expect(request.Status.Verification.Checks).To(HaveLen(5))
		Expect(request.Status.Actions).To(HaveExactElements(HaveField("State", v1alpha1.ActionVerified)))

		By("never changing again")
		before = request.ResourceVersion
		Expect(w.step(ctx, request).RequeueAfter).To(BeZero())
		Expect(request.ResourceVersion).To(Equal(before))
	})

	It("restarts a crash loop and reads the reason off the log", func(ctx context.Context) {
		w.rollOut(ctx, waiting("CrashLoopBackOff", "back-off 40s"))
		request := w.request(ctx, nil)
		w.until(ctx, request, v1alpha1.PhaseVerifying)
		Expect(request.Status.Cause).To(Equal(v1alpha1.CauseCrashLoop))
		Expect(request.Status.Diagnosis).To(ContainSubstring("state.db is corrupt"))
		w.clock.Step(2 * time.Second)
		w.settle(ctx)
		w.until(ctx, request, v1alpha1.PhaseSucceeded)
		Expect(request.Status.FixApplied).To(Equal("Restarted deployment sandfly-mcp-server"))
	})

	It("gives up on a crash loop that a restart does not mend, having restarted once", func(ctx context.Context) {
		w.rollOut(ctx, waiting("CrashLoopBackOff", "back-off 40s"))
		request := w.request(ctx, nil)
		w.until(ctx, request, v1alpha1.PhaseVerifying)
		restarted := w.deployment(ctx).Spec.Template.Annotations[v1alpha1.AnnotationRestartedAt]
		w.rollOut(ctx, waiting("CrashLoopBackOff", "back-off 10s"))
		w.until(ctx, request, v1alpha1.PhaseFailed)
		Expect(request.Status.Conditions).To(ContainElement(HaveField("Reason", v1alpha1.ReasonFixIneffective)))
		Expect(request.Status.Actions).To(HaveExactElements(HaveField("State", v1alpha1.ActionIneffective)))
		Expect(request.Status.Recommendation).NotTo(BeEmpty())
		Expect(w.deployment(ctx).Spec.Template.Annotations[v1alpha1.AnnotationRestartedAt]).To(Equal(restarted))
	})

	It("does not try again what did not help, until somebody has changed the workload", func(ctx context.Context) {
		w.rollOut(ctx, waiting("CrashLoopBackOff", "back-off 40s"))
		first := w.request(ctx, nil)
		w.until(ctx, first, v1alpha1.PhaseVerifying)
		w.rollOut(ctx, waiting("CrashLoopBackOff", "back-off 10s"))
		w.until(ctx, first, v1alpha1.PhaseFailed)
		before := w.deployment(ctx).Generation

		second := w.request(ctx, nil)
		w.until(ctx, second, v1alpha1.PhaseFailed)
		Expect(second.Status.Conditions).To(ContainElement(HaveField("Reason", v1alpha1.ReasonManualFixNeeded)))
		Expect(second.Status.Progress).To(ContainElement(HaveField("Message", ContainSubstring("is not tried again"))))
		Expect(w.deployment(ctx).Generation).To(Equal(before))

		changed := w.deployment(ctx)
		changed.Spec.Template.Spec.Containers[0].Image = "sandfly:v2"
		Expect(w.Update(ctx, changed)).To(Succeed())
		w.rollOut(ctx, waiting("CrashLoopBackOff", "back-off 10s"))
		third := w.request(ctx, nil)
		w.until(ctx, third, v1alpha1.PhaseBlocked)
		Expect(third.Status.Conditions).To(ContainElement(HaveField("Reason", v1alpha1.ReasonCooldownActive)))
		Expect(third.Status.BlockedUntil).NotTo(BeNil())
		w.clock.SetTime(third.Status.BlockedUntil.Time)
		w.until(ctx, third, v1alpha1.PhaseVerifying)
	})

	It("restarts a server that accepts connections and does not answer", func(ctx context.Context) {
		w.serve(hangs)
		request := w.request(ctx, nil)
		w.until(ctx, request, v1alpha1.PhaseVerifying)
		Expect(request.Status.Cause).To(Equal(v1alpha1.CauseUnresponsive))
		w.settle(ctx)

		By("looking again soon while the handshake fails, without writing")
		before := request.ResourceVersion
		Expect(w.step(ctx, request).RequeueAfter).To(BeNumerically("<=", 2*time.Second))
		Expect(request.ResourceVersion).To(Equal(before))

		w.serve(answers)
		w.until(ctx, request, v1alpha1.PhaseSucceeded)
	})

	It("waits for pods that are not ready, then restarts them", func(ctx context.Context) {
		w.rollOut(ctx, func(pod *corev1.Pod) {
			pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionFalse}}
			pod.Status.ContainerStatuses[0].Ready = false
		})
		request := w.request(ctx, nil)
		w.until(ctx, request, v1alpha1.PhaseVerifying)
		Expect(request.Status.Cause).To(Equal(v1alpha1.CauseNoReadyEndpoints))
		Expect(request.Status.FixApplied).To(BeEmpty())
		w.clock.Step(61 * time.Second)
		w.step(ctx, request)
		w.until(ctx, request, v1alpha1.PhaseVerifying)
		Expect(request.Status.FixApplied).To(Equal("Restarted deployment sandfly-mcp-server"))
		w.settle(ctx)
		w.until(ctx, request, v1alpha1.PhaseSucceeded)
	})

	It("reports an image that is not there, and changes nothing", func(ctx context.Context) {
		w.rollOut(ctx, waiting("ErrImagePull", `failed to pull and unpack image "sandfly:v1": failed to resolve reference "sandfly:v1": sandfly:v1: not found`))
		before := w.deployment(ctx).ResourceVersion
		request := w.request(ctx, nil)
		w.until(ctx, request, v1alpha1.PhaseFailed)
		Expect(request.Status.Cause).To(Equal(v1alpha1.CauseImageNotFound))
		Expect(request.Status.Recommendation).To(ContainSubstring("image name"))
		Expect(request.Status.FixApplied).To(BeEmpty())
		Expect(w.deployment(ctx).ResourceVersion).To(Equal(before))
	})

	It("asks before it patches a selector that matches nothing, and applies exactly that", func(ctx context.Context) {
		var service corev1.Service
		key := client.ObjectKey{Namespace: w.namespace, Name: app}
		Expect(w.Get(ctx, key, &service)).To(Succeed())
		service.Spec.Selector = map[string]string{"app": "sandfly-mcp-sever"}
		Expect(w.Update(ctx, &service)).To(Succeed())
		w.publish(ctx, 0)
		request := w.request(ctx, nil)
		w.until(ctx, request, v1alpha1.PhaseAwaitingApproval)
		Expect(request.Status.Cause).To(Equal(v1alpha1.CauseSelectorMismatch))
		Expect(request.Status.SuggestedPatch).To(ContainSubstring("kubectl patch service sandfly-mcp-server"))
		Expect(w.Get(ctx, key, &service)).To(Succeed())
		Expect(service.Spec.Selector).To(HaveKeyWithValue("app", "sandfly-mcp-sever"), "nothing is changed before the answer")

		request.Spec.Approval, request.Spec.ApprovedBy = v1alpha1.ApprovalApproved, "ada"
		Expect(w.Update(ctx, request)).To(Succeed())
		w.until(ctx, request, v1alpha1.PhaseVerifying)
		Expect(w.Get(ctx, key, &service)).To(Succeed())
		Expect(service.Spec.Selector).To(Equal(map[string]string{"app": app}))
		Expect(service.Annotations).To(HaveKeyWithValue(v1alpha1.AnnotationAppliedBy, string(request.UID)+"/0"))
		w.publish(ctx, 1)
		w.until(ctx, request, v1alpha1.PhaseSucceeded)
		Expect(request.Status.FixApplied).To(HavePrefix("Patched service sandfly-mcp-server as suggested"))
	})

	It("leaves a healthy target alone and says so", func(ctx context.Context) {
		before := w.deployment(ctx).ResourceVersion
		request := w.request(ctx, nil)
		w.until(ctx, request, v1alpha1.PhaseSucceeded)
		Expect(request.Status.Cause).To(Equal(v1alpha1.CauseHealthy))
		Expect(request.Status.FixApplied).To(BeEmpty())
		Expect(w.deployment(ctx).ResourceVersion).To(Equal(before))
	})

	It("says that there is no such Service", func(ctx context.Context) {
		request := w.request(ctx, func(spec *v1alpha1.HealingRequestSpec) { spec.TargetRef.Name = "sandfly-mcp-servr" })
		w.until(ctx, request, v1alpha1.PhaseFailed)
		Expect(request.Status.Cause).To(Equal(v1alpha1.CauseServiceNotFound))
	})

	It("heals a Deployment that is named itself", func(ctx context.Context) {
		w.scale(ctx, 0)
		request := w.request(ctx, func(spec *v1alpha1.HealingRequestSpec) { spec.TargetRef.Kind = v1alpha1.KindDeployment })
		w.until(ctx, request, v1alpha1.PhaseVerifying)
		w.settle(ctx)
		w.until(ctx, request, v1alpha1.PhaseSucceeded)
	})
})

var _ = Describe("The guard rails", func() {
	var w *world
	BeforeEach(func(ctx context.Context) {
		w = newWorld(ctx)
		w.scale(ctx, 0)
	})

	DescribeTable("changes nothing behind a Service without a label, and says which and how", func(ctx context.Context, labels map[string]string, command string) {
		var service corev1.Service
		Expect(w.Get(ctx, client.ObjectKey{Namespace: w.namespace, Name: app}, &service)).To(Succeed())
		service.Labels = labels
		Expect(w.Update(ctx, &service)).To(Succeed())
		before := w.deployment(ctx).ResourceVersion
		request := w.request(ctx, nil)
		w.until(ctx, request, v1alpha1.PhaseFailed)
		Expect(complete(request).Reason).To(Equal(v1alpha1.ReasonNotOptedIn))
		Expect(complete(request).Message).To(Equal("Service sandfly-mcp-server carries neither the label healing.cortex.dev/mcp-server=true nor " +
			"healing.cortex.dev/dependency=true, so nothing was changed"))
		Expect(request.Status.Cause).To(Equal(v1alpha1.CauseScaledToZero), "the diagnosis is free")
		command = strings.ReplaceAll(command, "NAMESPACE", w.namespace)
		Expect(request.Status.SuggestedPatch).To(Equal(command))
		Expect(request.Status.Recommendation).To(And(ContainSubstring(command),
			ContainSubstring("healing.cortex.dev/mcp-server=true if an MCP server answers there"), ContainSubstring("healing.cortex.dev/dependency=true if none does")))
		Expect(w.deployment(ctx).ResourceVersion).To(Equal(before))
	},
		Entry("at all", map[string]string{"app": app}, "kubectl label service sandfly-mcp-server -n NAMESPACE healing.cortex.dev/mcp-server=true"),
		Entry("that has the right value", map[string]string{v1alpha1.LabelMCPServer: "True"},
			"kubectl label service sandfly-mcp-server -n NAMESPACE --overwrite healing.cortex.dev/mcp-server=true"),
		Entry("that has the right value, where no MCP server is meant", map[string]string{v1alpha1.LabelDependency: "yes"},
			"kubectl label service sandfly-mcp-server -n NAMESPACE --overwrite healing.cortex.dev/dependency=true"),
	)

	It("shows the whole plan in a dry run and changes nothing", func(ctx context.Context) {
		before := w.deployment(ctx).ResourceVersion
		request := w.request(ctx, func(spec *v1alpha1.HealingRequestSpec) { spec.Mode = v1alpha1.ModeDryRun })
		w.until(ctx, request, v1alpha1.PhaseSucceeded)
		Expect(*request.Status.Plan.Actions[0].Replicas).To(BeEquivalentTo(3))
		Expect(request.Status.FixApplied).To(BeEmpty())
		Expect(w.deployment(ctx).ResourceVersion).To(Equal(before))
	})

	It("waits for approval, and goes on when it is given", func(ctx context.Context) {
		request := w.request(ctx, func(spec *v1alpha1.HealingRequestSpec) { spec.Mode = v1alpha1.ModeApproval })
		w.until(ctx, request, v1alpha1.PhaseAwaitingApproval)
		w.step(ctx, request)
		Expect(*w.deployment(ctx).Spec.Replicas).To(BeZero())
		request.Spec.Approval = v1alpha1.ApprovalApproved
		Expect(w.Update(ctx, request)).To(Succeed())
		w.until(ctx, request, v1alpha1.PhaseVerifying)
		w.settle(ctx)
		w.until(ctx, request, v1alpha1.PhaseSucceeded)
	})

	It("takes no for an answer", func(ctx context.Context) {
		request := w.request(ctx, func(spec *v1alpha1.HealingRequestSpec) { spec.Mode = v1alpha1.ModeApproval })
		w.until(ctx, request, v1alpha1.PhaseAwaitingApproval)
		request.Spec.Approval = v1alpha1.ApprovalDenied
		Expect(w.Update(ctx, request)).To(Succeed())
		w.until(ctx, request, v1alpha1.PhaseFailed)
		Expect(*w.deployment(ctx).Spec.Replicas).To(BeZero())
	})

	It("looks again when someone else edits the target between plan and change", func(ctx context.Context) {
		request := w.request(ctx, nil)
		w.until(ctx, request, v1alpha1.PhaseRemediating)
		w.scale(ctx, 1)
		w.until(ctx, request, v1alpha1.PhaseSucceeded)
		Expect(request.Status.FixApplied).To(BeEmpty())
		Expect(*w.deployment(ctx).Spec.Replicas).To(BeEquivalentTo(1))
		Expect(request.Status.Actions).To(BeEmpty())
		Expect(request.Status.Conditions).To(ContainElement(HaveField("Message", ContainSubstring("works again by itself, so nothing was changed"))))
	})

	It("lets an edit win that does not mend the target", func(ctx context.Context) {
		w.scale(ctx, 1)
		w.rollOut(ctx, waiting("CrashLoopBackOff", "back-off 40s"))
		request := w.request(ctx, nil)
		w.until(ctx, request, v1alpha1.PhaseRemediating)
		edited := w.deployment(ctx)
		edited.Spec.Template.Spec.Containers[0].Image = "sandfly:v2"
		Expect(w.Update(ctx, edited)).To(Succeed())
		w.rollOut(ctx, waiting("CrashLoopBackOff", "back-off 10s"))
		w.step(ctx, request)
		Expect(request.Status.Actions).To(HaveExactElements(And(
			HaveField("State", v1alpha1.ActionSkipped), HaveField("Detail", ContainSubstring("was changed by")))))
		Expect(w.deployment(ctx).Generation).To(Equal(edited.Generation))
	})

	It("holds a second request for the same target back until the first is over", func(ctx context.Context) {
		first := w.request(ctx, nil)
		w.until(ctx, first, v1alpha1.PhaseVerifying)
		second := w.request(ctx, nil)
		w.step(ctx, second)
		Expect(second.Status.Phase).To(Equal(v1alpha1.PhaseBlocked))
		Expect(second.Status.Conditions).To(ContainElement(HaveField("Reason", v1alpha1.ReasonAnotherRequestActive)))
		w.settle(ctx)
		w.until(ctx, first, v1alpha1.PhaseSucceeded)
		w.until(ctx, second, v1alpha1.PhaseSucceeded)
		Expect(second.Status.Cause).To(Equal(v1alpha1.CauseHealthy))
		Expect(second.Status.FixApplied).To(BeEmpty())
	})

	It("does not apply an approved plan that no longer fits", func(ctx context.Context) {
		request := w.request(ctx, func(spec *v1alpha1.HealingRequestSpec) { spec.Mode = v1alpha1.ModeApproval })
		w.until(ctx, request, v1alpha1.PhaseAwaitingApproval)
		w.scale(ctx, 1)
		w.rollOut(ctx, waiting("CrashLoopBackOff", "back-off 40s"))
		request.Spec.Approval = v1alpha1.ApprovalApproved
		Expect(w.Update(ctx, request)).To(Succeed())
		before := w.deployment(ctx).ResourceVersion
		w.until(ctx, request, v1alpha1.PhaseFailed)
		Expect(request.Status.Conditions).To(ContainElement(HaveField("Reason", v1alpha1.ReasonPlanChanged)))
		Expect(w.deployment(ctx).ResourceVersion).To(Equal(before))
	})

	It("does not apply an approved plan to a target that has healed meanwhile", func(ctx context.Context) {
		request := w.request(ctx, func(spec *v1alpha1.HealingRequestSpec) { spec.Mode = v1alpha1.ModeApproval })
		w.until(ctx, request, v1alpha1.PhaseAwaitingApproval)
		w.scale(ctx, 1)
		request.Spec.Approval = v1alpha1.ApprovalApproved
		Expect(w.Update(ctx, request)).To(Succeed())
		w.until(ctx, request, v1alpha1.PhaseSucceeded)
		Expect(request.Status.FixApplied).To(BeEmpty())
		Expect(*w.deployment(ctx).Spec.Replicas).To(BeEquivalentTo(1))
	})

	It("changes a workload once for two requests that name it in different ways", func(ctx context.Context) {
		w.scale(ctx, 1)
		w.rollOut(ctx, waiting("CrashLoopBackOff", "back-off 40s"))
		first := w.request(ctx, nil)
		w.until(ctx, first, v1alpha1.PhaseVerifying)
		generation := w.deployment(ctx).Generation
		second := w.request(ctx, func(spec *v1alpha1.HealingRequestSpec) { spec.TargetRef.Kind = v1alpha1.KindDeployment })
		w.until(ctx, second, v1alpha1.PhaseBlocked)
		By("waiting without writing")
		before := second.ResourceVersion
		w.step(ctx, second)
		Expect(second.ResourceVersion).To(Equal(before))
		w.clock.Step(2 * time.Second)
		w.settle(ctx)
		w.until(ctx, first, v1alpha1.PhaseSucceeded)
		w.until(ctx, second, v1alpha1.PhaseSucceeded)
		Expect(second.Status.FixApplied).To(BeEmpty())
		Expect(w.deployment(ctx).Generation).To(Equal(generation))
	})

	It("gives the real advice where no change would help, label or not", func(ctx context.Context) {
		var service corev1.Service
		Expect(w.Get(ctx, client.ObjectKey{Namespace: w.namespace, Name: app}, &service)).To(Succeed())
		delete(service.Labels, v1alpha1.LabelMCPServer)
		Expect(w.Update(ctx, &service)).To(Succeed())
		w.scale(ctx, 1)
		w.rollOut(ctx, waiting("InvalidImageName", `couldn't parse image name "Sandfly:v1": invalid reference format`))
		request := w.request(ctx, nil)
		w.until(ctx, request, v1alpha1.PhaseFailed)
		Expect(request.Status.Conditions).To(ContainElement(HaveField("Reason", v1alpha1.ReasonManualFixNeeded)))
		Expect(request.Status.Recommendation).To(ContainSubstring("image"))
	})

	DescribeTable("takes a no that stays for an answer, and passes it on", func(ctx context.Context, denied error) {
		request := w.request(ctx, nil)
		w.until(ctx, request, v1alpha1.PhaseRemediating)
		w.stepWith(ctx, request, refusing(denied))
		Expect(request.Status.Actions).To(HaveExactElements(And(
			HaveField("State", v1alpha1.ActionFailed), HaveField("Detail", ContainSubstring("not on Fridays")))))
		w.until(ctx, request, v1alpha1.PhaseFailed)
		Expect(request.Status.FixApplied).To(BeEmpty())
	},
		// What the API server makes of a webhook that denies without a code.
		Entry("a webhook's", apierrors.NewBadRequest(`admission webhook "policy.example" denied the request: not on Fridays`)),
		Entry("that the operator may not", apierrors.NewForbidden(appsv1.SchemeGroupVersion.WithResource("deployments").GroupResource(), app, errors.New("not on Fridays"))),
	)

	It("keeps the cause that a fix cured, though it took effect late", func(ctx context.Context) {
		w.scale(ctx, 1)
		w.serve(hangs)
		request := w.request(ctx, nil)
		w.until(ctx, request, v1alpha1.PhaseVerifying)
		w.settle(ctx)
		w.clock.Step(91 * time.Second)
		w.serve(hangs, answers)
		w.until(ctx, request, v1alpha1.PhaseSucceeded)
		Expect(request.Status.Cause).To(Equal(v1alpha1.CauseUnresponsive))
		Expect(request.Status.Actions).To(HaveExactElements(HaveField("State", v1alpha1.ActionVerified)))
	})

	It("ends at its deadline", func(ctx context.Context) {
		request := w.request(ctx, nil)
		w.until(ctx, request, v1alpha1.PhaseVerifying)
		w.clock.Step(121 * time.Second)
		w.until(ctx, request, v1alpha1.PhaseFailed)
		Expect(request.Status.Conditions).To(ContainElement(HaveField("Reason", v1alpha1.ReasonDeadlineExceeded)))
		Expect(request.Status.FixApplied).NotTo(BeEmpty(), "the cluster shows the change")
	})
})
