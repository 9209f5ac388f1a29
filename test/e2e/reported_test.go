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
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/test/faults"
	"github.com/ry-ops/cortex/test/harness"
)

// finalizer of nobody: what bears it stays.
const finalizer = "cortex.test/held"

var _ = Describe("Remediation that is left to people", Label(elsewhere), func() {
	BeforeEach(func() { DeferCleanup(clearFaults) })

	It("reports a quota that is used up, and changes nothing", func(ctx context.Context) {
		s := healthyServer(ctx, "quota")
		s.edit(ctx, func(d *appsv1.Deployment) { d.Spec.Replicas = ptr.To[int32](0) })
		s.notServing(ctx)
		quota := &corev1.ResourceQuota{
			ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: "full"},
			Spec:       corev1.ResourceQuotaSpec{Hard: corev1.ResourceList{corev1.ResourcePods: resource.MustParse("0")}},
		}
		Expect(cluster.Create(ctx, quota)).To(Succeed())
		// Until it is counted, pods are refused in other words.
		Expect(cluster.Until(ctx, "the quota to be counted", func(ctx context.Context) (bool, error) {
			err := cluster.Get(ctx, client.ObjectKeyFromObject(quota), quota)
			return len(quota.Status.Hard) > 0, err
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
		before, hard := s.deployment(ctx), quota.Spec.DeepCopy()
		request := s.heal(ctx)
		s.reportedOnly(ctx, request, v1alpha1.CauseQuotaExceeded, before)
		Expect(request.Status.Recommendation).To(ContainSubstring("full"))
		Expect(cluster.Get(ctx, client.ObjectKeyFromObject(quota), quota)).To(Succeed())
		Expect(quota.Spec).To(Equal(*hard))
	})

	It("reports a pod that does not go, and forces nothing", func(ctx context.Context) {
		s := healthyServer(ctx, "terminating")
		set := s.statefulSet(ctx) // the next pod has the same name, so it waits for the end of this one
		pod := &corev1.Pod{}
		key := client.ObjectKey{Namespace: s.namespace, Name: s.name + "-0"}
		Expect(cluster.Get(ctx, key, pod)).To(Succeed())
		before := pod.DeepCopy()
		pod.Finalizers = []string{finalizer}
		Expect(cluster.Patch(ctx, pod, client.MergeFrom(before))).To(Succeed())
		DeferCleanup(func(ctx context.Context) { // or its namespace would never go
			free := client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"finalizers":null}}`))
			Expect(client.IgnoreNotFound(cluster.Patch(ctx, pod, free))).To(Succeed())
		})
		Expect(cluster.Delete(ctx, pod)).To(Succeed())
		s.notServing(ctx)
		// Two minutes after it should have ended.
		Eventually(func(ctx context.Context) ([]harness.Finding, error) {
			return cluster.Diagnose(ctx, s.namespace, s.name)
		}).WithContext(ctx).WithTimeout(harness.Patience).WithPolling(time.Second).Should(ContainElement(HaveField("Cause", v1alpha1.CauseStuckTerminating)))
		Expect(cluster.Get(ctx, s.key(), set)).To(Succeed())
		request := s.heal(ctx)
		s.reportedOnly(ctx, request, v1alpha1.CauseStuckTerminating, set)
		Expect(request.Status.Diagnosis).To(ContainSubstring(finalizer))
		Expect(request.Status.Recommendation).To(ContainSubstring("finalizer"))
		still := &corev1.Pod{}
		Expect(cluster.Get(ctx, key, still)).To(Succeed())
		Expect(still.UID).To(Equal(before.UID))
		Expect(still.Finalizers).To(ConsistOf(finalizer))
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
		before := s.deployment(ctx)
		request := s.heal(ctx)
		action := s.asks(ctx, request, v1alpha1.ActionScale)
		Expect(action.Reason).To(And(ContainSubstring("Argo CD"), ContainSubstring("change spec.replicas in Git")))
		s.untouchedBy(ctx, request, before)
		s.approve(ctx, request)
		s.reaches(ctx, request, v1alpha1.PhaseSucceeded)
		s.healedBy(ctx, request, &appsv1.Deployment{}, "from 0 to 1")
	})
})

// reportedOnly waits for a request that ends with a recommendation, and requires that nothing was changed.
func (s server) reportedOnly(ctx context.Context, request *v1alpha1.HealingRequest, cause v1alpha1.Cause, before client.Object) {
	GinkgoHelper()
	s.reaches(ctx, request, v1alpha1.PhaseFailed)
	Expect(request.Status.Cause).To(Equal(cause))
	Expect(request.Status.Recommendation).NotTo(BeEmpty())
	said := s.told(request)
	Expect(said[len(said)-1]).To(Equal("Manual fix needed for " + s.name))
	s.untouchedBy(ctx, request, before)
}
