// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"
	"fmt"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/test/harness"
)

// many is the number of servers of a storm.
const many = 20

// twoLooks is long enough for a request that waits for the end of a storm to be looked at, and again.
const twoLooks = 32 * time.Second

var _ = Describe("Remediation of servers that suffer together", func() {
	BeforeEach(func() { DeferCleanup(clearFaults) })

	It("heals a chain of dependencies from its end, with one request", func(ctx context.Context) {
		a := healthyServer(ctx, "chain")
		a.beside(ctx, "b", "c")
		a.beside(ctx, "c", "")
		b, c := a.named("b"), a.named("c")
		a.editService(ctx, func(service *corev1.Service) {
			service.Annotations = map[string]string{v1alpha1.AnnotationDependsOn: b.name}
		})
		c.serving(ctx)
		b.readyOnlyWith(ctx, c)
		a.readyOnlyWith(ctx, b)
		c.edit(ctx, func(d *appsv1.Deployment) { d.Spec.Replicas = ptr.To[int32](0) })
		for _, s := range []server{c, b, a} {
			s.notServing(ctx)
		}
		before := map[string]*appsv1.Deployment{a.name: a.deployment(ctx), b.name: b.deployment(ctx)}

		request := a.heal(ctx)
		a.reaches(ctx, request, v1alpha1.PhaseSucceeded)
		said := a.told(request)
		Expect(request.Status.FixApplied).To(ContainSubstring("b: c: Scaled deployment c from 0 to 1"))
		Expect(said).To(ContainElements(
			"b: c: Starting self-healing for service: c",
			HavePrefix("b: c: Scaled deployment c from 0 to 1"),
			"b: c: Service restored: c answers",
			"b: Service restored: b answers"))
		Expect(said[len(said)-1]).To(Equal("Service restored: " + a.name + " answers"))
		for _, s := range []server{a, b, c} {
			Expect(s.ready(ctx)).To(BeTrue(), s.name)
		}
		Expect(c.deployment(ctx).Spec.Replicas).To(HaveValue(BeEquivalentTo(1)))
		for _, s := range []server{a, b} { // nothing was wrong with them
			now := s.deployment(ctx)
			Expect(now.Spec).To(Equal(before[s.name].Spec))
			Expect(s.stamp(ctx, now)).To(BeEmpty())
		}
		var requests v1alpha1.HealingRequestList
		Expect(cluster.List(ctx, &requests, client.InNamespace(a.namespace))).To(Succeed())
		Expect(requests.Items).To(HaveLen(3))
		for _, step := range requests.Items {
			Expect(step.Status.Phase).To(Equal(v1alpha1.PhaseSucceeded), step.Name)
		}
	})

	It("holds a storm back until most of the namespace is well again, and then heals the rest", func(ctx context.Context) {
		first := healthyServer(ctx, "storm")
		servers := []server{first}
		for i := range many - 1 {
			s := first.named(fmt.Sprintf("server-%02d", i))
			first.beside(ctx, s.name, "")
			servers = append(servers, s)
		}
		for _, s := range servers {
			s.serving(ctx)
		}
		scale := func(servers []server, replicas int32) {
			for _, s := range servers {
				s.edit(ctx, func(d *appsv1.Deployment) { d.Spec.Replicas = &replicas })
			}
		}
		scale(servers, 0)
		for _, s := range servers {
			s.notServing(ctx)
		}
		requests := make([]*v1alpha1.HealingRequest, 0, many)
		for _, s := range servers {
			requests = append(requests, s.heal(ctx))
		}
		braked := func(from int) func(Gomega, context.Context) {
			return func(g Gomega, ctx context.Context) {
				for i, request := range requests[from:] {
					g.Expect(cluster.Get(ctx, client.ObjectKeyFromObject(request), request)).To(Succeed())
					reason, message := held(request)
					g.Expect(request.Status.Phase).To(Equal(v1alpha1.PhaseBlocked))
					g.Expect(reason).To(Equal(v1alpha1.ReasonStormBrake))
					g.Expect(message).To(HavePrefix("20 of 20 opted-in Services of this namespace were unhealthy (100%) when this was held back"))
					g.Expect(servers[from+i].deployment(ctx).Spec.Replicas).To(HaveValue(BeZero()))
				}
			}
		}
		byHand := func(from, to int) {
			scale(servers[from:to], 1)
			for i := from; i < to; i++ {
				servers[i].reaches(ctx, requests[i], v1alpha1.PhaseSucceeded)
				Expect(requests[i].Status.FixApplied).To(BeEmpty())
				Expect(servers[i].stamp(ctx, &appsv1.Deployment{})).To(BeEmpty())
			}
		}
		Eventually(braked(0)).WithContext(ctx).WithTimeout(harness.Patience).WithPolling(time.Second / 4).Should(Succeed())
		byHand(0, 10) // half is not above 50 %, and still above what lets the brake go
		Consistently(braked(10)).WithContext(ctx).WithTimeout(twoLooks).WithPolling(time.Second).Should(Succeed())
		byHand(10, 15)
		for i, s := range servers[15:] {
			s.reaches(ctx, requests[15+i], v1alpha1.PhaseSucceeded)
			s.healedBy(ctx, requests[15+i], &appsv1.Deployment{}, "from 0 to 1")
		}
	})
})

// readyOnlyWith makes the readiness of a server depend on another one's answer, and waits until it serves so.
func (s server) readyOnlyWith(ctx context.Context, needed server) {
	GinkgoHelper()
	host := needed.service(ctx).Spec.ClusterIP
	s.edit(ctx, func(d *appsv1.Deployment) {
		probe := d.Spec.Template.Spec.Containers[0].ReadinessProbe
		probe.HTTPGet = &corev1.HTTPGetAction{Host: host, Port: intstr.FromInt32(3000), Path: "/health"}
		probe.TimeoutSeconds = 10 // one second is not enough of a busy machine; nobody there is refused at once
	})
	Expect(cluster.Until(ctx, s.name+" to be ready with "+needed.name, func(ctx context.Context) (bool, error) {
		d := s.deployment(ctx)
		return d.Status.ObservedGeneration == d.Generation && d.Status.UpdatedReplicas == 1 && d.Status.Replicas == 1 && d.Status.AvailableReplicas == 1, nil
	})).To(Succeed())
}
