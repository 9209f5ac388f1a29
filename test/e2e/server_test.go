// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"
	"slices"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/test/faults"
	"github.com/ry-ops/cortex/test/harness"
)

// server is a sample server in a namespace of its own, or one of several in it.
type server struct{ namespace, name string }

// healthyServer makes a server that serves.
func healthyServer(ctx context.Context, what string) server {
	GinkgoHelper()
	fault := faults.Fault{Name: "remedy " + what, Break: func(*faults.World) {}}
	Expect(fault.Make(ctx, cluster)).To(Succeed())
	s := server{fault.Namespace(), faults.Name}
	s.serving(ctx)
	return s
}

// brokenServer makes a server that has one of the faults of the catalogue from the beginning.
func brokenServer(ctx context.Context, name string) server {
	GinkgoHelper()
	all := faults.All()
	i := slices.IndexFunc(all, func(fault faults.Fault) bool { return fault.Name == name })
	Expect(i).To(BeNumerically(">=", 0), "no fault is named %s", name)
	Expect(all[i].Make(ctx, cluster)).To(Succeed())
	return server{all[i].Namespace(), faults.Name}
}

// beside makes another server in the namespace; it needs a third one, if one is named.
func (s server) beside(ctx context.Context, name, needs string) {
	GinkgoHelper()
	fault := faults.Fault{Name: name, Break: func(*faults.World) {}}
	Expect(fault.MakeBeside(ctx, cluster, s.namespace)).To(Succeed())
	if needs != "" {
		s.named(name).editService(ctx, func(service *corev1.Service) {
			service.Annotations = map[string]string{v1alpha1.AnnotationDependsOn: needs}
		})
	}
}

// named is another server of the namespace.
func (s server) named(name string) server { return server{s.namespace, name} }

func (s server) key() client.ObjectKey { return client.ObjectKey{Namespace: s.namespace, Name: s.name} }

func (s server) deployment(ctx context.Context) *appsv1.Deployment {
	GinkgoHelper()
	var deployment appsv1.Deployment
	Expect(cluster.Get(ctx, s.key(), &deployment)).To(Succeed())
	return &deployment
}

func (s server) service(ctx context.Context) *corev1.Service {
	GinkgoHelper()
	var service corev1.Service
	Expect(cluster.Get(ctx, s.key(), &service)).To(Succeed())
	return &service
}

func (s server) edit(ctx context.Context, change func(*appsv1.Deployment)) {
	GinkgoHelper()
	after := s.deployment(ctx)
	before := after.DeepCopy()
	change(after)
	Expect(cluster.Patch(ctx, after, client.MergeFrom(before))).To(Succeed())
}

func (s server) editService(ctx context.Context, change func(*corev1.Service)) {
	GinkgoHelper()
	after := s.service(ctx)
	before := after.DeepCopy()
	change(after)
	Expect(cluster.Patch(ctx, after, client.MergeFrom(before))).To(Succeed())
}

// statefulSet puts a StatefulSet in the place of the Deployment.
func (s server) statefulSet(ctx context.Context) *appsv1.StatefulSet {
	GinkgoHelper()
	deployment := s.deployment(ctx)
	Expect(cluster.Delete(ctx, deployment, client.PropagationPolicy(metav1.DeletePropagationBackground))).To(Succeed())
	s.notServing(ctx)
	set := &appsv1.StatefulSet{
		ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: s.name},
		Spec:       appsv1.StatefulSetSpec{ServiceName: s.name, Selector: deployment.Spec.Selector, Template: deployment.Spec.Template},
	}
	Expect(cluster.Create(ctx, set)).To(Succeed())
	s.serving(ctx)
	return set
}

// recreate lets no pod of an old revision serve beside a new one.
func (s server) recreate(ctx context.Context) {
	GinkgoHelper()
	s.edit(ctx, func(d *appsv1.Deployment) {
		d.Spec.Strategy = appsv1.DeploymentStrategy{Type: appsv1.RecreateDeploymentStrategyType}
	})
}

func (s server) policy(ctx context.Context, actions ...v1alpha1.ActionPermission) {
	GinkgoHelper()
	Expect(cluster.Create(ctx, &v1alpha1.HealingPolicy{
		ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: "spec"}, Spec: v1alpha1.HealingPolicySpec{Actions: actions},
	})).To(Succeed())
}

func (s server) ready(ctx context.Context) (bool, error) {
	var list discoveryv1.EndpointSliceList
	if err := cluster.List(ctx, &list, client.InNamespace(s.namespace), client.MatchingLabels{discoveryv1.LabelServiceName: s.name}); err != nil {
		return false, err
	}
	return slices.ContainsFunc(list.Items, func(slice discoveryv1.EndpointSlice) bool {
		return slices.ContainsFunc(slice.Endpoints, func(e discoveryv1.Endpoint) bool { return e.Conditions.Ready != nil && *e.Conditions.Ready })
	}), nil
}

func (s server) serving(ctx context.Context) {
	GinkgoHelper()
	Expect(cluster.Until(ctx, s.name+" to serve", s.ready)).To(Succeed())
}

func (s server) notServing(ctx context.Context) {
	GinkgoHelper()
	Expect(cluster.Until(ctx, s.name+" to serve no more", func(ctx context.Context) (bool, error) {
		ready, err := s.ready(ctx)
		return !ready, err
	})).To(Succeed())
}

// waits waits until a container of the server waits for a reason.
func (s server) waits(ctx context.Context, reason string) {
	GinkgoHelper()
	s.waitsAfter(ctx, reason, "")
}

// waitsAfter waits until a container of the server waits for a reason and has ended before for another, if one is named.
func (s server) waitsAfter(ctx context.Context, reason, end string) {
	GinkgoHelper()
	Expect(cluster.Until(ctx, s.name+" to be in "+reason+" "+end, func(ctx context.Context) (bool, error) {
		var pods corev1.PodList
		err := cluster.List(ctx, &pods, client.InNamespace(s.namespace))
		return slices.ContainsFunc(pods.Items, func(pod corev1.Pod) bool {
			return slices.ContainsFunc(pod.Status.ContainerStatuses, func(c corev1.ContainerStatus) bool {
				last := c.LastTerminationState.Terminated
				return c.State.Waiting != nil && c.State.Waiting.Reason == reason && (end == "" || last != nil && last.Reason == end)
			})
		}), err
	})).To(Succeed())
}

// heal asks for a heal as a person does.
func (s server) heal(ctx context.Context) *v1alpha1.HealingRequest {
	GinkgoHelper()
	request := &v1alpha1.HealingRequest{
		ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, GenerateName: s.name + "-"},
		Spec:       v1alpha1.HealingRequestSpec{TargetRef: v1alpha1.TargetReference{Kind: v1alpha1.KindService, Name: s.name}},
	}
	Expect(cluster.Create(ctx, request)).To(Succeed())
	return request
}

// approve answers a plan that waits.
func (s server) approve(ctx context.Context, request *v1alpha1.HealingRequest) {
	GinkgoHelper()
	before := request.DeepCopy()
	request.Spec.Approval, request.Spec.ApprovedBy = v1alpha1.ApprovalApproved, "e2e"
	Expect(cluster.Patch(ctx, request, client.MergeFrom(before))).To(Succeed())
}

// approved answers a plan that waits with the kubectl plugin, and gives what that wrote.
func (s server) approved(ctx context.Context, request *v1alpha1.HealingRequest) string {
	GinkgoHelper()
	stdout, stderr, code, err := cluster.Plugin(ctx, "approve", request.Name, "-n", s.namespace, "--yes")
	Expect(err).NotTo(HaveOccurred())
	Expect(code).To(BeZero(), stdout+stderr)
	return stdout + stderr
}

// reaches waits until a request is in one of the phases, and fails at once where it is over in another.
func (s server) reaches(ctx context.Context, request *v1alpha1.HealingRequest, phases ...v1alpha1.Phase) {
	GinkgoHelper()
	Eventually(func(g Gomega, ctx context.Context) {
		g.Expect(cluster.Get(ctx, client.ObjectKeyFromObject(request), request)).To(Succeed())
		if request.Done() && !slices.Contains(phases, request.Status.Phase) {
			StopTrying("it is over").Attach("status", request.Status).Now()
		}
		g.Expect(phases).To(ContainElement(request.Status.Phase), "%+v", request.Status)
	}).WithContext(ctx).WithTimeout(harness.Patience).WithPolling(100 * time.Millisecond).Should(Succeed())
}
