// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

// Package e2e tests Cortex as its users meet it: real pods, a real kubelet, the gateway over HTTP.
package e2e_test

import (
	"context"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/test/harness"
)

const (
	sandfly = "sandfly-mcp-server"
	proxmox = "proxmox-mcp-server"
)

var (
	cluster *harness.Cluster
	gateway string
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
})

var _ = BeforeEach(func(ctx context.Context) {
	Expect(cluster.Forget(ctx)).To(Succeed())
	for _, name := range []string{sandfly, proxmox} {
		reset(ctx, name)
	}
})

// reset brings a sample server back to one healthy pod, whatever the test before did to it.
func reset(ctx context.Context, name string) {
	deployment, err := cluster.Deployment(ctx, name)
	Expect(err).NotTo(HaveOccurred())
	pristine := deployment.DeepCopy()
	one := int32(1)
	pristine.Spec.Replicas = &one
	pristine.Spec.Template.Spec.Containers[0].Image = sampleImage
	// A new template, so that the pods are new ones, with none of the faults of the old.
	pristine.Spec.Template.Annotations = map[string]string{"e2e/reset": time.Now().Format(time.RFC3339Nano)}
	Expect(cluster.Patch(ctx, pristine, client.MergeFrom(deployment))).To(Succeed())
	Expect(cluster.Settled(ctx, name)).To(Succeed())
}

const sampleImage = "cortex-mcpserver:dev"

// ask puts a question and requires an answer without an error of the transport.
func ask(ctx context.Context, question string) []harness.Event {
	GinkgoHelper()
	events, err := harness.Ask(ctx, gateway, question)
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

func service(ctx context.Context, name string) *corev1.Service {
	var s corev1.Service
	Expect(cluster.Get(ctx, client.ObjectKey{Namespace: harness.Namespace, Name: name}, &s)).To(Succeed())
	return &s
}
