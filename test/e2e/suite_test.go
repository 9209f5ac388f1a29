// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

// Package e2e tests Cortex as its users meet it: real pods, a real kubelet, the gateway over HTTP.
package e2e_test

import (
	"context"
	"slices"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/test/harness"
)

const (
	sandfly = "sandfly-mcp-server"
	proxmox = "proxmox-mcp-server"
	// noImage is one that the registry on the node's loopback does not have.
	noImage = "localhost:5001/invalid-image:latest"
)

var (
	cluster *harness.Cluster
	gateway string
	// pristine is the sandfly server's Deployment as it was before any test.
	pristine *appsv1.Deployment
)

func TestE2E(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "Cortex on a real cluster")
}

var _ = BeforeSuite(func(ctx context.Context) {
	var err error
	cluster, err = harness.Connect()
	Expect(err).NotTo(HaveOccurred())
	gateway, err = cluster.Gateway(ctx)
	Expect(err).NotTo(HaveOccurred())
	pristine = remember(ctx, sandfly)
})

// elsewhere is the label of specs that have servers in namespaces of their own, and leave the sandfly server alone.
const elsewhere = "elsewhere"

var _ = BeforeEach(func(ctx context.Context) {
	Expect(cluster.Forget(ctx)).To(Succeed())
	if !slices.Contains(CurrentSpecReport().Labels(), elsewhere) {
		reset(ctx)
	}
})

// reset replaces the sandfly server by a new one, whatever the test before did to it. A new Deployment and not a new
// revision: the controllers record only so many events about one object (25, then one in five minutes), and the
// count that a Deployment was scaled down from is read off them.
func reset(ctx context.Context) {
	removeSandfly(ctx)
	Expect(cluster.Create(ctx, pristine.DeepCopy())).To(Succeed())
	Expect(cluster.Settled(ctx, sandfly)).To(Succeed())
	Expect(cluster.Answers(ctx, sandfly)).To(Succeed())
}

func removeSandfly(ctx context.Context) {
	GinkgoHelper()
	// It is gone already where the spec before has failed in between.
	Expect(client.IgnoreNotFound(cluster.Delete(ctx, pristine.DeepCopy(), client.PropagationPolicy(metav1.DeletePropagationForeground)))).To(Succeed())
	Expect(cluster.Until(ctx, "Deployment "+sandfly+" to be gone", func(ctx context.Context) (bool, error) {
		_, err := cluster.Deployment(ctx, sandfly)
		return apierrors.IsNotFound(err), client.IgnoreNotFound(err)
	})).To(Succeed())
}

// remember keeps a Deployment as it was applied.
func remember(ctx context.Context, name string) *appsv1.Deployment {
	deployment, err := cluster.Deployment(ctx, name)
	Expect(err).NotTo(HaveOccurred())
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Namespace: deployment.Namespace, Name: name, Labels: deployment.Labels, Annotations: deployment.Annotations},
		Spec:       deployment.Spec,
	}
}

// ask puts a question and requires an answer without an error of the transport.
func ask(ctx context.Context, question string) []harness.Event {
	GinkgoHelper()
	events, err := cluster.Ask(ctx, gateway, question)
	Expect(err).NotTo(HaveOccurred())
	for _, event := range events {
		GinkgoWriter.Printf("%7.3fs %v\n", event.At.Seconds(), event.Fields)
	}
	Expect(events).NotTo(BeEmpty())
	return events
}

// onlyRequest is the one HealingRequest of a target.
func onlyRequest(ctx context.Context, target string) v1alpha1.HealingRequest {
	GinkgoHelper()
	requests, err := cluster.Requests(ctx, target)
	Expect(err).NotTo(HaveOccurred())
	Expect(requests).To(HaveLen(1))
	return requests[0]
}

// endedRequest is the one HealingRequest of a target, once it is over: who asked may be answered before the operator has said so.
func endedRequest(ctx context.Context, target string) (request v1alpha1.HealingRequest) {
	GinkgoHelper()
	Eventually(func(ctx context.Context) bool {
		request = onlyRequest(ctx, target)
		return request.Done()
	}).WithContext(ctx).WithTimeout(harness.Patience).WithPolling(time.Second / 4).Should(BeTrue())
	return request
}

// healed requires the events of a heal that succeeded, in the spec's order, and gives the last one.
func healed(events []harness.Event) harness.Event {
	GinkgoHelper()
	Expect(harness.Types(events)).To(Equal([]string{
		"processing_start", "healing_start", "healing_progress", "healing_complete", "processing_complete",
	}))
	last := events[len(events)-1]
	Expect(last.Text("status")).To(Equal("completed"))
	return last
}

// written is what others than the cluster's own controllers write of an object: not its status, which may follow a moment later, nor the
// versions that count that too. Of a pod's status, which container runs is left: a restart is a change.
func written[T client.Object](object T) T {
	object.SetResourceVersion("")
	object.SetManagedFields(nil)
	switch o := any(object).(type) {
	case *appsv1.Deployment:
		o.Status = appsv1.DeploymentStatus{}
	case *corev1.Pod:
		containers := o.Status.ContainerStatuses
		o.Status = corev1.PodStatus{}
		for _, container := range containers {
			o.Status.ContainerStatuses = append(o.Status.ContainerStatuses, corev1.ContainerStatus{Name: container.Name, ContainerID: container.ContainerID})
		}
	}
	return object
}

func service(ctx context.Context, name string) *corev1.Service {
	var s corev1.Service
	Expect(cluster.Get(ctx, client.ObjectKey{Namespace: harness.Namespace, Name: name}, &s)).To(Succeed())
	return &s
}
