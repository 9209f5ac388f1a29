// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"
	"slices"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/test/harness"
)

var _ = Describe("The main job", func() {
	It("answers a question to a server that was scaled to zero (the spec's manual test 1)", func(ctx context.Context) {
		Expect(cluster.Scale(ctx, sandfly, 0)).To(Succeed())
		answer := healed(ask(ctx, "What security alerts do we have?"))
		Expect(answer.Answer()).To(ContainSubstring("severity"))
		request := endedRequest(ctx, sandfly)
		Expect(request.Status.Phase).To(Equal(v1alpha1.PhaseSucceeded))
		Expect(request.Status.Cause).To(Equal(v1alpha1.CauseScaledToZero))
		Expect(request.Status.FixApplied).To(Equal("Scaled deployment sandfly-mcp-server from 0 to 1"))
	})

	It("has the service back when the answer is there (the spec's automated test)", func(ctx context.Context) {
		Expect(cluster.Scale(ctx, sandfly, 0)).To(Succeed())
		answer := healed(ask(ctx, "list sandfly hosts"))
		Expect(answer.Answer()).To(ContainSubstring("192.0.2."))
		Expect(server{harness.Namespace, sandfly}.ready(ctx)).To(BeTrue())
		// The status of a Deployment follows that of its pods.
		Eventually(func(ctx context.Context) (int32, error) {
			deployment, err := cluster.Deployment(ctx, sandfly)
			return deployment.Status.ReadyReplicas, err
		}).WithContext(ctx).WithTimeout(harness.Patience).WithPolling(time.Second / 4).Should(BeNumerically(">=", 1))
	})

	It("returns to as many replicas as there were", func(ctx context.Context) {
		Expect(cluster.Scale(ctx, sandfly, 2)).To(Succeed())
		Expect(cluster.Scale(ctx, sandfly, 0)).To(Succeed())
		deployment, err := cluster.Deployment(ctx, sandfly)
		Expect(err).NotTo(HaveOccurred())
		// That there were two is read off an event, which may come later than the pods go.
		Eventually(func(ctx context.Context) ([]corev1.Event, error) {
			var events corev1.EventList
			err := cluster.List(ctx, &events, client.InNamespace(harness.Namespace))
			return events.Items, err
		}).WithContext(ctx).WithTimeout(harness.Patience).WithPolling(time.Second / 4).Should(ContainElement(And(
			HaveField("InvolvedObject.UID", deployment.UID), HaveField("Message", ContainSubstring("from 2 to 0")),
		)))
		healed(ask(ctx, "list sandfly hosts"))
		Expect(endedRequest(ctx, sandfly).Status.FixApplied).To(Equal("Scaled deployment sandfly-mcp-server from 0 to 2"))
	})

	It("ends a crash loop", func(ctx context.Context) {
		crashLoop(ctx)
		answer := healed(ask(ctx, "list sandfly hosts"))
		Expect(answer.Answer()).To(ContainSubstring("192.0.2."))
		request := endedRequest(ctx, sandfly)
		Expect(request.Status.Cause).To(Equal(v1alpha1.CauseCrashLoop))
		Expect(request.Status.Diagnosis).To(ContainSubstring("corrupt"), "the reason is read off the log")
		Expect(request.Status.FixApplied).To(Equal("Restarted deployment sandfly-mcp-server"))
	})

	It("restarts a server that hangs", func(ctx context.Context) {
		Expect(cluster.Fault(ctx, sandfly, "hang")).To(Succeed())
		answer := healed(ask(ctx, "list sandfly hosts"))
		Expect(answer.Answer()).To(ContainSubstring("192.0.2."))
		Expect(endedRequest(ctx, sandfly).Status.Cause).To(Equal(v1alpha1.CauseUnresponsive))
	})

	It("reports an image that cannot be pulled, with what to do (the spec's manual test 2)", func(ctx context.Context) {
		setImage(ctx, noImage)
		events := ask(ctx, "list sandfly hosts")
		Expect(harness.Types(events)).To(Equal([]string{
			"processing_start", "healing_start", "healing_progress", "healing_failed", "processing_complete",
		}))
		failed := events[slices.IndexFunc(events, func(e harness.Event) bool { return e.Text("type") == "healing_failed" })]
		Expect(failed.Text("message")).To(HavePrefix("Unable to fix automatically"))
		Expect(failed.Text("recommendation")).To(ContainSubstring("image"))
		Expect(events[len(events)-1].Text("status")).To(Equal("failed"))
		request := onlyRequest(ctx, sandfly)
		Expect(request.Status.Cause).To(Equal(v1alpha1.CauseImageNotFound))
		Expect(request.Status.FixApplied).To(BeEmpty())
	})

	DescribeTable("tells the failures of an image pull apart",
		func(ctx context.Context, image string, cause v1alpha1.Cause) {
			setImage(ctx, image)
			ask(ctx, "list sandfly hosts")
			Expect(onlyRequest(ctx, sandfly).Status.Cause).To(Equal(cause))
		},
		Entry("unauthorized", "localhost:5001/private/sandfly:v2", v1alpha1.CauseImagePullUnauthorized),
		Entry("nobody there", "localhost:5002/sandfly:v2", v1alpha1.CauseRegistryUnreachable),
		Entry("no image name", "Sandfly:v2", v1alpha1.CauseInvalidImageName),
	)

	It("reports a selector that matches nothing, with the patch", func(ctx context.Context) {
		broken := service(ctx, sandfly)
		before := broken.DeepCopy()
		broken.Spec.Selector["app"] = "sandfly-mcp-sever"
		Expect(cluster.Patch(ctx, broken, client.MergeFrom(before))).To(Succeed())
		DeferCleanup(func(ctx context.Context) {
			mended := service(ctx, sandfly)
			mended.Spec.Selector = before.Spec.Selector
			Expect(cluster.Update(ctx, mended)).To(Succeed())
		})
		// A connection that the gateway has kept goes on working until it has been idle for a while.
		Eventually(func() []string { return harness.Types(ask(ctx, "list sandfly hosts")) }).
			WithTimeout(harness.Patience).WithPolling(5 * time.Second).Should(ContainElement("healing_failed"))
		request := onlyRequest(ctx, sandfly)
		Expect(request.Status.Cause).To(Equal(v1alpha1.CauseSelectorMismatch))
		Expect(request.Status.SuggestedPatch).To(HavePrefix("kubectl "))
	})

	It("changes nothing while all is well", func(ctx context.Context) {
		all := func() (objects []client.Object) {
			for _, name := range []string{sandfly, proxmox} {
				deployment, err := cluster.Deployment(ctx, name)
				Expect(err).NotTo(HaveOccurred())
				pods, err := cluster.Pods(ctx, deployment.Spec.Selector)
				Expect(err).NotTo(HaveOccurred())
				objects = append(objects, written(deployment), service(ctx, name))
				for i := range pods {
					objects = append(objects, written(&pods[i]))
				}
			}
			return objects
		}
		before := all()
		events := ask(ctx, "list sandfly hosts")
		Expect(harness.Types(events)).To(Equal([]string{"processing_start", "processing_complete"}))
		events = ask(ctx, "list proxmox vms")
		Expect(events[len(events)-1].Text("status")).To(Equal("completed"))
		Expect(all()).To(Equal(before))
		requests, err := cluster.Requests(ctx, sandfly)
		Expect(err).NotTo(HaveOccurred())
		Expect(requests).To(BeEmpty())
	})
})

// crashLoop makes the sandfly server crash at each start, until its pod is a new one, and waits until it is in back-off.
func crashLoop(ctx context.Context) {
	GinkgoHelper()
	Expect(cluster.Fault(ctx, sandfly, "crash-until-restarted")).To(Succeed())
	Expect(cluster.Until(ctx, "a crash loop", func(ctx context.Context) (bool, error) {
		deployment, err := cluster.Deployment(ctx, sandfly)
		if err != nil {
			return false, err
		}
		pods, err := cluster.Pods(ctx, deployment.Spec.Selector)
		if err != nil || len(pods) != 1 || len(pods[0].Status.ContainerStatuses) != 1 {
			return false, err
		}
		waiting := pods[0].Status.ContainerStatuses[0].State.Waiting
		return waiting != nil && waiting.Reason == "CrashLoopBackOff", nil
	})).To(Succeed())
}

// setImage gives the sandfly server another image, and waits until the pod that has it is the only one and has failed.
func setImage(ctx context.Context, image string) {
	GinkgoHelper()
	deployment, err := cluster.Deployment(ctx, sandfly)
	Expect(err).NotTo(HaveOccurred())
	before := deployment.DeepCopy()
	deployment.Spec.Template.Spec.Containers[0].Image = image
	Expect(cluster.Patch(ctx, deployment, client.MergeFrom(before))).To(Succeed())
	notPulled(ctx, image)
}

// notPulled waits until the one pod of the sandfly server has failed to get its image.
func notPulled(ctx context.Context, image string) {
	GinkgoHelper()
	Expect(cluster.Until(ctx, "the pull of "+image+" to fail", func(ctx context.Context) (bool, error) {
		pods, err := cluster.Pods(ctx, pristine.Spec.Selector)
		if err != nil || len(pods) != 1 || len(pods[0].Status.ContainerStatuses) != 1 {
			return false, err
		}
		container := pods[0].Status.ContainerStatuses[0]
		return container.Image == image && container.State.Waiting != nil && container.State.Waiting.Message != "", nil
	})).To(Succeed())
}
