// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/test/faults"
	"github.com/ry-ops/cortex/test/harness"
)

// Faults of what carries every pod of the cluster: one at a time, and mended before the next.
var _ = Describe("A diagnosis of a cluster that is not well", Ordered, ContinueOnFailure, func() {
	server := faults.Fault{Name: "node", Break: func(*faults.World) {}}

	// What is cleaned up last was begun first: a node is mended before a namespace on it can go.
	begin := func(ctx context.Context, fault faults.Fault) {
		GinkgoHelper()
		DeferCleanup(clearFaults)
		Expect(fault.Make(ctx, cluster)).To(Succeed())
	}
	answers := func(ctx context.Context) {
		GinkgoHelper()
		Eventually(func(ctx context.Context) ([]harness.Finding, error) {
			return cluster.Diagnose(ctx, server.Namespace(), "")
		}).WithContext(ctx).WithTimeout(harness.Patience).WithPolling(time.Second).Should(BeEmpty())
	}
	finds := func(ctx context.Context, cause v1alpha1.Cause, object string) {
		GinkgoHelper()
		Eventually(func(g Gomega, ctx context.Context) {
			found, err := cluster.Diagnose(ctx, server.Namespace(), faults.Name)
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(found).NotTo(BeEmpty())
			g.Expect(found[0].Cause).To(Equal(cause), "%+v", found)
			g.Expect(found[0].Object.Kind).To(Equal(object))
		}).WithContext(ctx).WithTimeout(harness.Patience).WithPolling(time.Second).Should(Succeed())
	}
	pause := func(program string) {
		GinkgoHelper()
		resume, err := harness.Pause(program)
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(func(ctx context.Context) {
			Expect(resume()).To(Succeed())
			Expect(cluster.Until(ctx, "the node to be ready again", func(ctx context.Context) (bool, error) {
				node, err := onlyNode(ctx)
				if err != nil {
					return false, err
				}
				for _, condition := range node.Status.Conditions {
					if condition.Type == corev1.NodeReady {
						return condition.Status == corev1.ConditionTrue && len(node.Spec.Taints) == 0, nil
					}
				}
				return false, nil
			})).To(Succeed())
			for _, name := range []string{sandfly, proxmox, "cortex-gateway", "cortex-operator"} {
				Expect(cluster.Settled(ctx, name)).To(Succeed())
			}
			Expect(cluster.Answers(ctx, sandfly)).To(Succeed())
		})
	}
	changeNode := func(ctx context.Context, change func(*corev1.Node)) {
		GinkgoHelper()
		before, err := onlyNode(ctx)
		Expect(err).NotTo(HaveOccurred())
		node := before.DeepCopy()
		change(node)
		Expect(cluster.Patch(ctx, node, client.MergeFrom(before))).To(Succeed())
	}

	It("names NodeCordoned", func(ctx context.Context) {
		changeNode(ctx, func(node *corev1.Node) { node.Spec.Unschedulable = true })
		DeferCleanup(func(ctx context.Context) {
			changeNode(ctx, func(node *corev1.Node) { node.Spec.Unschedulable = false })
		})
		begin(ctx, server)
		finds(ctx, v1alpha1.CauseNodeCordoned, "Deployment")
	})

	It("names TaintNotTolerated", func(ctx context.Context) {
		changeNode(ctx, func(node *corev1.Node) {
			node.Spec.Taints = append(node.Spec.Taints, corev1.Taint{Key: "maintenance", Value: "true", Effect: corev1.TaintEffectNoSchedule})
		})
		DeferCleanup(func(ctx context.Context) {
			changeNode(ctx, func(node *corev1.Node) { node.Spec.Taints = nil })
		})
		begin(ctx, server)
		finds(ctx, v1alpha1.CauseTaintNotTolerated, "Deployment")
	})

	It("names SchedulerUnavailable", func(ctx context.Context) {
		pause("kube-scheduler")
		begin(ctx, server)
		finds(ctx, v1alpha1.CauseSchedulerUnavailable, "Deployment")
	})

	It("names DNSFailure", func(ctx context.Context) {
		Expect(stopDNS(ctx)).To(Succeed())
		broken := server
		broken.Break = faults.NoName
		begin(ctx, broken)
		finds(ctx, v1alpha1.CauseDNSFailure, "Service")
	})

	It("names KubeletUnavailable", func(ctx context.Context) {
		begin(ctx, server)
		answers(ctx)
		pause("kubelet")
		finds(ctx, v1alpha1.CauseKubeletUnavailable, "Node")
	})

	It("names ContainerRuntimeUnavailable", func(ctx context.Context) {
		begin(ctx, server)
		answers(ctx)
		pause("containerd")
		finds(ctx, v1alpha1.CauseContainerRuntimeUnavailable, "Node")
	})
})

// onlyNode is the local cluster's node.
func onlyNode(ctx context.Context) (*corev1.Node, error) {
	var nodes corev1.NodeList
	if err := cluster.List(ctx, &nodes); err != nil {
		return nil, err
	}
	return &nodes.Items[0], nil
}
