// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"
	_ "embed"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/test/harness"
)

// seldom is the name of a server that is there for one spec.
const seldom = "seldom-mcp-server"

// httpRoutes is as much of the Gateway API as a cluster needs for its HTTPRoutes to be served.
//
//go:embed testdata/httproutes.yaml
var httpRoutes []byte

// What is seldom needed is done here once on a real cluster, and so every right of the programs is used by the suite.
var _ = Describe("What is seldom needed", func() {
	DescribeTable("restarts a hung server that is no Deployment", func(ctx context.Context, workload client.Object) {
		serve(ctx, workload)
		Expect(cluster.Answers(ctx, seldom)).To(Succeed())
		Expect(cluster.Fault(ctx, seldom, "hang")).To(Succeed())
		request := heal(ctx, seldom, v1alpha1.ModeAuto)
		Expect(request.Status.Phase).To(Equal(v1alpha1.PhaseSucceeded), "%+v", request.Status.Progress)
		Expect(request.Status.FixApplied).To(HavePrefix("Restarted"))
	},
		Entry("but a StatefulSet", &appsv1.StatefulSet{}),
		Entry("but a DaemonSet", &appsv1.DaemonSet{}),
	)

	It("rolls a StatefulSet back, and deletes the pod that its controller would wait for", func(ctx context.Context) {
		serve(ctx, &appsv1.StatefulSet{})
		Expect(cluster.Answers(ctx, seldom)).To(Succeed())
		s := server{harness.Namespace, seldom}
		var set appsv1.StatefulSet
		Expect(cluster.Get(ctx, s.key(), &set)).To(Succeed())
		before := set.DeepCopy()
		set.Spec.Template.Spec.Containers[0].Image = "localhost:5001/sandfly:nope"
		Expect(cluster.Patch(ctx, &set, client.MergeFrom(before))).To(Succeed())
		s.notServing(ctx)
		s.waits(ctx, "ImagePullBackOff")
		request := s.heal(ctx)
		s.reaches(ctx, request, v1alpha1.PhaseAwaitingApproval)
		Expect(request.Status.Plan.Actions[0].Revision.Kind).To(Equal("ControllerRevision"))
		Expect(request.Status.Plan.Actions[0].Pods).To(HaveLen(1))
		s.approve(ctx, request)
		s.reaches(ctx, request, v1alpha1.PhaseSucceeded)
		Expect(cluster.Get(ctx, s.key(), &set)).To(Succeed())
		Expect(set.Spec.Template.Spec.Containers[0].Image).To(Equal(before.Spec.Template.Spec.Containers[0].Image))
	})

	It("reads HTTPRoutes where the Gateway API is installed", func(ctx context.Context) {
		create(ctx, object(httpRoutes))
		route := object([]byte(`{apiVersion: gateway.networking.k8s.io/v1, kind: HTTPRoute, metadata: {name: seldom},
			spec: {rules: [{backendRefs: [{name: sandfly-mcp-server, port: 3999}]}]}}`))
		route.SetNamespace(harness.Namespace)
		Expect(cluster.Until(ctx, "HTTPRoutes to be served", func(ctx context.Context) (bool, error) {
			err := cluster.Create(ctx, route)
			return err == nil || apierrors.IsAlreadyExists(err), client.IgnoreAlreadyExists(err)
		})).To(Succeed())
		crashLoop(ctx)
		request := heal(ctx, sandfly, v1alpha1.ModeDryRun)
		Expect(request.Status.Findings).To(ContainElement(And(
			HaveField("Cause", v1alpha1.CauseRouteMismatch), HaveField("Object.Kind", "HTTPRoute"))), "%+v", request.Status)
	})

	It("deletes the requests that a policy does not retain", func(ctx context.Context) {
		create(ctx, &v1alpha1.HealingPolicy{
			ObjectMeta: metav1.ObjectMeta{Namespace: harness.Namespace, Name: seldom},
			Spec:       v1alpha1.HealingPolicySpec{Retention: &v1alpha1.Retention{MaxRequests: ptr.To[int32](1)}},
		})
		first := heal(ctx, sandfly, v1alpha1.ModeDryRun)
		heal(ctx, sandfly, v1alpha1.ModeDryRun)
		Expect(cluster.Until(ctx, "the older request to be deleted", func(ctx context.Context) (bool, error) {
			err := cluster.Get(ctx, client.ObjectKeyFromObject(first), first)
			return apierrors.IsNotFound(err), client.IgnoreNotFound(err)
		})).To(Succeed())
	})
})

// serve runs a sample server in a workload of a given kind, behind a Service of its own.
func serve(ctx context.Context, workload client.Object) {
	GinkgoHelper()
	labels := map[string]string{"app": seldom}
	template := *pristine.Spec.Template.DeepCopy()
	template.Labels = labels
	selector := &metav1.LabelSelector{MatchLabels: labels}
	switch w := workload.(type) {
	case *appsv1.StatefulSet:
		w.Spec = appsv1.StatefulSetSpec{ServiceName: seldom, Selector: selector, Template: template}
	case *appsv1.DaemonSet:
		w.Spec = appsv1.DaemonSetSpec{Selector: selector, Template: template}
	}
	workload.SetName(seldom)
	workload.SetNamespace(harness.Namespace)
	create(ctx, workload)
	create(ctx, &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: harness.Namespace, Name: seldom, Labels: map[string]string{v1alpha1.LabelMCPServer: "true"}},
		Spec:       corev1.ServiceSpec{Selector: labels, Ports: service(ctx, sandfly).Spec.Ports},
	})
}

// create makes an object for the time of the spec.
func create(ctx context.Context, object client.Object) {
	GinkgoHelper()
	Expect(cluster.Create(ctx, object)).To(Succeed())
	DeferCleanup(func(ctx context.Context) {
		Expect(client.IgnoreNotFound(cluster.Delete(ctx, object, client.PropagationPolicy(metav1.DeletePropagationForeground)))).To(Succeed())
		Expect(cluster.Until(ctx, object.GetName()+" to be gone", func(ctx context.Context) (bool, error) {
			err := cluster.Get(ctx, client.ObjectKeyFromObject(object), object)
			return apierrors.IsNotFound(err), client.IgnoreNotFound(err)
		})).To(Succeed())
	})
}

func object(manifest []byte) *unstructured.Unstructured {
	GinkgoHelper()
	parsed := &unstructured.Unstructured{}
	Expect(yaml.Unmarshal(manifest, &parsed.Object)).To(Succeed())
	return parsed
}

// heal asks for a heal and waits for its end.
func heal(ctx context.Context, service string, mode v1alpha1.Mode) *v1alpha1.HealingRequest {
	GinkgoHelper()
	request := &v1alpha1.HealingRequest{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: harness.Namespace, GenerateName: service + "-", Labels: map[string]string{v1alpha1.LabelTarget: service},
		},
		Spec: v1alpha1.HealingRequestSpec{TargetRef: v1alpha1.TargetReference{Kind: v1alpha1.KindService, Name: service}, Mode: mode},
	}
	Expect(cluster.Create(ctx, request)).To(Succeed())
	Eventually(func(g Gomega, ctx context.Context) {
		g.Expect(cluster.Get(ctx, client.ObjectKeyFromObject(request), request)).To(Succeed())
		g.Expect(request.Status.CompletedAt).NotTo(BeNil(), "%+v", request.Status)
	}).WithContext(ctx).WithTimeout(harness.Patience).WithPolling(100 * time.Millisecond).Should(Succeed())
	return request
}
