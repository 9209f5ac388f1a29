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
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/test/faults"
)

var _ = Describe("Remediation on a real cluster", func() {
	BeforeEach(func() { DeferCleanup(clearFaults) })

	It("rolls a bad revision back where the policy lets it, and serves", func(ctx context.Context) {
		s := healthyServer(ctx, "rollback")
		s.policy(ctx, v1alpha1.ActionPermission{Type: v1alpha1.ActionRollback, Permission: v1alpha1.PermissionAuto})
		s.recreate(ctx)
		s.edit(ctx, func(d *appsv1.Deployment) { d.Spec.Template.Spec.Containers[0].Image = "localhost:5001/sandfly:nope" })
		s.notServing(ctx)
		request := s.heal(ctx)
		// Nothing shows that the revision before was healthy, since none of its pods is left: a person is asked.
		s.reaches(ctx, request, v1alpha1.PhaseAwaitingApproval)
		Expect(request.Status.Plan.Actions[0].Type).To(Equal(v1alpha1.ActionRollback))
		s.approve(ctx, request)
		s.reaches(ctx, request, v1alpha1.PhaseSucceeded)
		Expect(request.Status.FixApplied).To(ContainSubstring("localhost:5001/sandfly:nope -> cortex-mcpserver:dev"))
		Expect(s.deployment(ctx).Spec.Template.Spec.Containers[0].Image).To(Equal("cortex-mcpserver:dev"))
	})

	It("patches a wrong selector, exactly as it was approved", func(ctx context.Context) {
		s := healthyServer(ctx, "selector")
		s.editService(ctx, func(service *corev1.Service) { service.Spec.Selector = map[string]string{"app": "sandfly-mcp-sever"} })
		s.notServing(ctx)
		request := s.heal(ctx)
		s.reaches(ctx, request, v1alpha1.PhaseAwaitingApproval)
		Expect(request.Status.SuggestedPatch).To(HavePrefix("kubectl patch service sandfly-mcp-server"))
		s.approve(ctx, request)
		s.reaches(ctx, request, v1alpha1.PhaseSucceeded)
		Expect(s.service(ctx).Spec.Selector).To(Equal(map[string]string{"app": faults.Name}))
	})

	It("raises a memory limit that a person has approved, within its bound", func(ctx context.Context) {
		s := healthyServer(ctx, "memory")
		s.policy(ctx,
			v1alpha1.ActionPermission{Type: v1alpha1.ActionRestart, Permission: v1alpha1.PermissionNever},
			v1alpha1.ActionPermission{Type: v1alpha1.ActionRollback, Permission: v1alpha1.PermissionNever})
		s.recreate(ctx)
		s.edit(ctx, func(d *appsv1.Deployment) {
			c := &d.Spec.Template.Spec.Containers[0]
			c.Args = append(c.Args, "--fault=allocate")
		})
		s.waits(ctx, "CrashLoopBackOff")
		request := s.heal(ctx)
		s.reaches(ctx, request, v1alpha1.PhaseAwaitingApproval)
		Expect(request.Status.Cause).To(Equal(v1alpha1.CauseOOMKilled))
		s.approve(ctx, request)
		s.reaches(ctx, request, v1alpha1.PhaseSucceeded, v1alpha1.PhaseFailed)
		Expect(request.Status.FixApplied).To(ContainSubstring("from 64Mi to 96Mi"))
		Expect(s.deployment(ctx).Spec.Template.Spec.Containers[0].Resources.Limits.Memory().Cmp(resource.MustParse("96Mi"))).To(BeZero())
	})

	It("resumes a paused rollout that a person has approved", func(ctx context.Context) {
		s := healthyServer(ctx, "paused")
		s.recreate(ctx)
		s.edit(ctx, func(d *appsv1.Deployment) {
			d.Spec.Paused = true
			d.Spec.Template.Spec.Containers[0].Env = []corev1.EnvVar{{Name: "A", Value: "B"}}
		})
		Expect(cluster.DeleteAllOf(ctx, &corev1.Pod{}, client.InNamespace(s.namespace))).To(Succeed())
		s.edit(ctx, func(d *appsv1.Deployment) { d.Spec.Template.Spec.Containers[0].Command = []string{"/mcpserver"} })
		request := s.heal(ctx)
		s.reaches(ctx, request, v1alpha1.PhaseAwaitingApproval, v1alpha1.PhaseSucceeded)
		if request.Status.Phase == v1alpha1.PhaseAwaitingApproval {
			Expect(request.Status.Plan.Actions[0].Type).To(Equal(v1alpha1.ActionResume))
		}
	})

	It("reports a quota that is used up, and changes nothing", func(ctx context.Context) {
		s := healthyServer(ctx, "quota")
		s.edit(ctx, func(d *appsv1.Deployment) { d.Spec.Replicas = ptr.To[int32](0) })
		s.notServing(ctx)
		Expect(cluster.Create(ctx, &corev1.ResourceQuota{
			ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: "full"},
			Spec:       corev1.ResourceQuotaSpec{Hard: corev1.ResourceList{corev1.ResourcePods: resource.MustParse("0")}},
		})).To(Succeed())
		s.edit(ctx, func(d *appsv1.Deployment) { d.Spec.Replicas = ptr.To[int32](1) })
		Expect(cluster.Until(ctx, "the quota to be felt", func(ctx context.Context) (bool, error) {
			for _, condition := range s.deployment(ctx).Status.Conditions {
				if condition.Type == appsv1.DeploymentReplicaFailure {
					return true, nil
				}
			}
			return false, nil
		})).To(Succeed())
		before := s.deployment(ctx).Generation
		request := s.heal(ctx)
		s.reaches(ctx, request, v1alpha1.PhaseFailed)
		Expect(request.Status.Cause).To(Equal(v1alpha1.CauseQuotaExceeded))
		Expect(request.Status.Recommendation).NotTo(BeEmpty())
		Expect(s.deployment(ctx).Generation).To(Equal(before))
	})

	It("asks before it changes what Argo CD holds, and names the field to change in Git", func(ctx context.Context) {
		s := healthyServer(ctx, "argo")
		object := s.deployment(ctx)
		object.ManagedFields, object.ResourceVersion, object.Status = nil, "", appsv1.DeploymentStatus{}
		object.TypeMeta = metav1.TypeMeta{APIVersion: "apps/v1", Kind: "Deployment"}
		object.Spec.Replicas = ptr.To[int32](0)
		object.Annotations = map[string]string{"argocd.argoproj.io/tracking-id": "sandfly:apps/Deployment:" + s.namespace + "/" + faults.Name}
		//nolint:staticcheck // what is applied is the whole object, as Argo CD does it
		Expect(cluster.Patch(ctx, object, client.Apply, client.FieldOwner("argocd-controller"), client.ForceOwnership)).To(Succeed())
		s.notServing(ctx)
		request := s.heal(ctx)
		s.reaches(ctx, request, v1alpha1.PhaseAwaitingApproval)
		Expect(request.Status.Plan.Actions[0].Reason).To(And(ContainSubstring("Argo CD"), ContainSubstring("spec.replicas")))
		s.approve(ctx, request)
		s.reaches(ctx, request, v1alpha1.PhaseSucceeded)
	})

	It("heals a chain of dependencies from its end", func(ctx context.Context) {
		s := healthyServer(ctx, "chain")
		s.beside(ctx, "b", "c")
		s.beside(ctx, "c", "")
		s.editService(ctx, func(service *corev1.Service) {
			service.Annotations = map[string]string{v1alpha1.AnnotationDependsOn: "b"}
		})
		for _, name := range []string{"b", "c"} {
			s.named(name).serving(ctx)
		}
		// Both clients are not ready without what they need: their readiness asks it.
		s.named("c").edit(ctx, func(d *appsv1.Deployment) { d.Spec.Replicas = ptr.To[int32](0) })
		for _, name := range []string{"b", faults.Name} {
			needed := s.named(map[string]string{"b": "c", faults.Name: "b"}[name]).service(ctx).Spec.ClusterIP
			s.named(name).edit(ctx, func(d *appsv1.Deployment) {
				d.Spec.Strategy = appsv1.DeploymentStrategy{Type: appsv1.RecreateDeploymentStrategyType}
				d.Spec.Template.Spec.Containers[0].ReadinessProbe.HTTPGet = &corev1.HTTPGetAction{Host: needed, Port: intstr.FromInt32(3000), Path: "/health"}
			})
			s.named(name).notServing(ctx)
		}
		request := s.heal(ctx)
		s.reaches(ctx, request, v1alpha1.PhaseSucceeded)
		Expect(request.Status.Progress).To(ContainElement(HaveField("Message", HavePrefix("b: c: Scaled deployment c"))))
	})

	It("holds a storm back until most of the namespace is well again", func(ctx context.Context) {
		s := healthyServer(ctx, "storm")
		names := []string{faults.Name}
		for i := range 19 {
			name := "server-" + string(rune('a'+i))
			s.beside(ctx, name, "")
			names = append(names, name)
		}
		var requests []*v1alpha1.HealingRequest
		for _, name := range names {
			s.named(name).edit(ctx, func(d *appsv1.Deployment) {
				d.Annotations = map[string]string{v1alpha1.AnnotationReplicas: "1"}
				d.Spec.Replicas = ptr.To[int32](0)
			})
		}
		for _, name := range names {
			s.named(name).notServing(ctx)
		}
		for _, name := range names {
			requests = append(requests, s.named(name).heal(ctx))
		}
		for _, request := range requests {
			s.reaches(ctx, request, v1alpha1.PhaseBlocked)
		}
		for _, name := range names[:16] {
			s.named(name).edit(ctx, func(d *appsv1.Deployment) { d.Spec.Replicas = ptr.To[int32](1) })
		}
		for _, request := range requests {
			s.reachesWithin(ctx, request, 3*time.Minute, v1alpha1.PhaseSucceeded)
		}
	})
})
