// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/test/faults"
)

// An image that nobody has, and the one that the servers run.
const (
	badImage  = "localhost:5001/sandfly:nope"
	goodImage = "cortex-mcpserver:dev"
)

var _ = Describe("Remediation on a real cluster", Label(elsewhere), func() {
	BeforeEach(func() { DeferCleanup(clearFaults) })

	It("rolls a Deployment back by itself to the revision that was available until the bad one came, where the policy lets it", func(ctx context.Context) {
		s := healthyServer(ctx, "rollback")
		s.policy(ctx, v1alpha1.ActionPermission{Type: v1alpha1.ActionRollback, Permission: v1alpha1.PermissionAuto})
		s.recreate(ctx)
		// The API keeps seconds: of a revision that is lost in the second in which it was made, nothing shows that it was well.
		Expect(cluster.Until(ctx, "the first revision to be some seconds old", func(ctx context.Context) (bool, error) {
			return time.Since(s.deployment(ctx).CreationTimestamp.Time) > 4*time.Second, nil
		})).To(Succeed())
		s.edit(ctx, func(d *appsv1.Deployment) { d.Spec.Template.Spec.Containers[0].Image = badImage })
		s.notServing(ctx)
		s.waits(ctx, "ImagePullBackOff")
		request := s.heal(ctx)
		s.reaches(ctx, request, v1alpha1.PhaseSucceeded)
		Expect(request.Status.Plan.Actions[0].Reason).To(ContainSubstring("had every pod available until"))
		deployment := &appsv1.Deployment{}
		s.healedBy(ctx, request, deployment, badImage+" -> "+goodImage)
		Expect(deployment.Spec.Template.Spec.Containers[0].Image).To(Equal(goodImage))
	})

	It("rolls a Deployment back to a revision that nothing shows to have been healthy once a person has approved it, whatever the policy says", func(ctx context.Context) {
		s := healthyServer(ctx, "rollback-asked")
		s.policy(ctx, v1alpha1.ActionPermission{Type: v1alpha1.ActionRollback, Permission: v1alpha1.PermissionAuto})
		s.recreate(ctx)
		s.edit(ctx, func(d *appsv1.Deployment) { d.Spec.Template.Spec.Containers[0].Image = badImage })
		s.notServing(ctx)
		s.waits(ctx, "ImagePullBackOff")
		s.edit(ctx, func(d *appsv1.Deployment) { // as if all pods of a rolling update had gone
			d.Spec.Strategy = appsv1.DeploymentStrategy{Type: appsv1.RollingUpdateDeploymentStrategyType}
		})
		request := s.heal(ctx)
		action := s.asks(ctx, request, v1alpha1.ActionRollback)
		Expect(action.Reason).To(ContainSubstring("whether it was healthy is not known"))
		s.approve(ctx, request)
		s.reaches(ctx, request, v1alpha1.PhaseSucceeded)
		deployment := &appsv1.Deployment{}
		s.healedBy(ctx, request, deployment, badImage+" -> "+goodImage)
		Expect(deployment.Spec.Template.Spec.Containers[0].Image).To(Equal(goodImage))
	})

	It("rolls a StatefulSet back by itself to a revision that is known to have been healthy, where the policy lets it", func(ctx context.Context) {
		s := healthyServer(ctx, "statefulset")
		s.policy(ctx, v1alpha1.ActionPermission{Type: v1alpha1.ActionRollback, Permission: v1alpha1.PermissionAuto})
		set := s.statefulSet(ctx)
		change := func(what func(*corev1.Container)) {
			before := set.DeepCopy()
			what(&set.Spec.Template.Spec.Containers[0])
			Expect(cluster.Patch(ctx, set, client.MergeFrom(before))).To(Succeed())
		}
		change(func(c *corev1.Container) { c.Env = []corev1.EnvVar{{Name: "REVISION", Value: "2"}} })
		Expect(cluster.Until(ctx, "the second revision to be rolled out", func(ctx context.Context) (bool, error) {
			err := cluster.Get(ctx, s.key(), set)
			status := set.Status
			return status.ObservedGeneration == set.Generation && status.CurrentRevision == status.UpdateRevision && status.ReadyReplicas == 1, err
		})).To(Succeed())
		healthy := set.Status.CurrentRevision
		change(func(c *corev1.Container) { c.Image = badImage })
		s.notServing(ctx)
		s.waits(ctx, "ImagePullBackOff")

		request := s.heal(ctx)
		s.reaches(ctx, request, v1alpha1.PhaseSucceeded)
		s.healedBy(ctx, request, set, badImage+" -> "+goodImage)
		Expect(request.Status.Plan.Actions[0].Revision.Name).To(Equal(healthy))
		Expect(request.Status.Plan.Actions[0].Pods).To(HaveLen(1)) // its controller would wait for the broken pod
		container := set.Spec.Template.Spec.Containers[0]
		Expect(container.Image).To(Equal(goodImage))
		Expect(container.Env).To(ConsistOf(corev1.EnvVar{Name: "REVISION", Value: "2"}))
	})

	It("patches a wrong selector, exactly as it was shown to the person who approved it", func(ctx context.Context) {
		s := healthyServer(ctx, "selector")
		s.editService(ctx, func(service *corev1.Service) { service.Spec.Selector = map[string]string{"app": "sandfly-mcp-sever"} })
		s.notServing(ctx)
		request := s.heal(ctx)
		action := s.asks(ctx, request, v1alpha1.ActionPatch)
		Expect(action.Patch.Data).To(MatchJSON(`{"spec":{"selector":{"app":"sandfly-mcp-server"}}}`))
		Expect(request.Status.SuggestedPatch).To(And(HavePrefix("kubectl patch service sandfly-mcp-server"), ContainSubstring(action.Patch.Data)))
		before := s.service(ctx)

		shown := s.approved(ctx, request)
		Expect(shown).To(ContainSubstring(action.Patch.Data))
		s.reaches(ctx, request, v1alpha1.PhaseSucceeded)
		after := &corev1.Service{}
		s.healedBy(ctx, request, after, "selector")
		Expect(request.Spec.ApprovedBy).NotTo(BeEmpty())
		before.Spec.Selector = map[string]string{"app": faults.Name}
		Expect(after.Spec).To(Equal(before.Spec))
	})

	It("raises a memory limit that a person has approved, within its bound, and the server serves", func(ctx context.Context) {
		s := healthyServer(ctx, "memory")
		s.policy(ctx,
			v1alpha1.ActionPermission{Type: v1alpha1.ActionRestart, Permission: v1alpha1.PermissionNever},
			v1alpha1.ActionPermission{Type: v1alpha1.ActionRollback, Permission: v1alpha1.PermissionNever})
		s.recreate(ctx)
		s.edit(ctx, func(d *appsv1.Deployment) { // as much as its limit of 64Mi, beside what the program itself takes
			c := &d.Spec.Template.Spec.Containers[0]
			c.Args = append(c.Args, "--fault=allocate", "--mib=64")
		})
		// The runtime hears from the kernel why a container has ended beside that it has: of an end it may know the code alone.
		s.waitsAfter(ctx, "CrashLoopBackOff", "OOMKilled")
		request := s.heal(ctx)
		s.asks(ctx, request, v1alpha1.ActionRaiseMemoryLimit)
		Expect(request.Status.Cause).To(Equal(v1alpha1.CauseOOMKilled))
		s.approve(ctx, request)
		s.reaches(ctx, request, v1alpha1.PhaseSucceeded)
		deployment := &appsv1.Deployment{}
		s.healedBy(ctx, request, deployment, "from 64Mi to 96Mi")
		Expect(deployment.Spec.Template.Spec.Containers[0].Resources.Limits.Memory().Cmp(resource.MustParse("96Mi"))).To(BeZero())
	})

	DescribeTable("resumes a paused rollout that a person has approved", func(ctx context.Context, paused func(context.Context) server) {
		s := paused(ctx)
		Expect(cluster.Until(ctx, "the pause to be observed", func(ctx context.Context) (bool, error) {
			deployment := s.deployment(ctx)
			return deployment.Status.ObservedGeneration == deployment.Generation, nil
		})).To(Succeed())
		request := s.heal(ctx)
		action := s.asks(ctx, request, v1alpha1.ActionResume)
		Expect(request.Status.Cause).To(Equal(v1alpha1.CauseRolloutPaused))
		Expect(action.Reason).To(ContainSubstring("somebody paused"))
		Expect(s.deployment(ctx).Spec.Paused).To(BeTrue())
		s.approve(ctx, request)
		s.reaches(ctx, request, v1alpha1.PhaseSucceeded)
		deployment := &appsv1.Deployment{}
		s.healedBy(ctx, request, deployment, "Resumed the rollout of deployment "+s.name)
		Expect(deployment.Spec.Paused).To(BeFalse())
	},
		Entry("of a server that never had a pod", func(ctx context.Context) server { return brokenServer(ctx, "rollout paused") }),
		Entry("that holds the cure of its only pod back", func(ctx context.Context) server {
			s := healthyServer(ctx, "paused")
			s.recreate(ctx)
			s.edit(ctx, func(d *appsv1.Deployment) { d.Spec.Template.Spec.Containers[0].Image = badImage })
			s.notServing(ctx)
			s.waits(ctx, "ImagePullBackOff")
			s.edit(ctx, func(d *appsv1.Deployment) {
				d.Spec.Paused, d.Spec.Template.Spec.Containers[0].Image = true, goodImage
			})
			return s
		}),
	)
})
