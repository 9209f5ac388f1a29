// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/test/harness"
)

var _ = Describe("Many callers", func() {
	It("share one heal: 200 that fail at the same moment make one request and one change, and all get their answer", func(ctx context.Context) {
		Expect(cluster.Scale(ctx, sandfly, 0)).To(Succeed())
		before, err := cluster.Deployment(ctx, sandfly)
		Expect(err).NotTo(HaveOccurred())

		const callers = 200
		answers := make([]string, callers)
		var group sync.WaitGroup
		for i := range callers {
			group.Go(func() {
				defer GinkgoRecover()
				events, err := cluster.Ask(ctx, gateway, "list sandfly hosts")
				Expect(err).NotTo(HaveOccurred())
				answers[i] = events[len(events)-1].Answer()
			})
		}
		group.Wait()
		Expect(answers).To(HaveEach(ContainSubstring("192.0.2.")))
		Expect(onlyRequest(ctx, sandfly).Status.Actions).To(HaveLen(1))
		after, err := cluster.Deployment(ctx, sandfly)
		Expect(err).NotTo(HaveOccurred())
		Expect(after.Generation).To(Equal(before.Generation+1), "the spec was changed once")
	})
})

var _ = Describe("A heal outlives", func() {
	BeforeEach(func() { DeferCleanup(reset) })

	// Healing of a target that is scaled to zero passes through these. While it is Pending in the API server it is diagnosed. It does not
	// end before the operator was killed: its pod is let ready only then.
	for _, phase := range []v1alpha1.Phase{v1alpha1.PhasePending, v1alpha1.PhaseRemediating, v1alpha1.PhaseVerifying} {
		It(fmt.Sprintf("an operator that is killed while it is %s", phase), func(ctx context.Context) {
			gated(ctx)
			Expect(cluster.Scale(ctx, sandfly, 0)).To(Succeed())
			before, err := cluster.Deployment(ctx, sandfly)
			Expect(err).NotTo(HaveOccurred())
			leader := steadyLeader(ctx)

			killed := make(chan error, 1)
			watchCtx, cancel := context.WithCancel(ctx)
			defer cancel()
			watching, err := cluster.Watch(watchCtx, &v1alpha1.HealingRequestList{}, client.InNamespace(harness.Namespace))
			Expect(err).NotTo(HaveOccurred())
			defer watching.Stop()
			go func() {
				for event := range watching.ResultChan() {
					if request, ok := event.Object.(*v1alpha1.HealingRequest); ok && request.DerivePhase() == phase {
						killed <- harness.Kill(leader, "/operator")
						return
					}
				}
			}()

			asked := make(chan []harness.Event, 1)
			go func() {
				defer GinkgoRecover()
				asked <- ask(ctx, "list sandfly hosts")
			}()
			Eventually(killed).WithContext(ctx).WithTimeout(harness.Patience).Should(Receive(BeNil()), "the operator was killed during the heal")
			open(ctx)
			var events []harness.Event
			Eventually(asked).WithContext(ctx).WithTimeout(harness.Patience).Should(Receive(&events))
			answer := healed(events)
			Expect(answer.Answer()).To(ContainSubstring("192.0.2."))
			Expect(endedRequest(ctx, sandfly).Status.Actions).To(HaveLen(1))
			after, err := cluster.Deployment(ctx, sandfly)
			Expect(err).NotTo(HaveOccurred())
			Expect(after.Generation).To(Equal(before.Generation+1), "the spec was changed once")
		})
	}

	// The heal does not end before the replica was killed.
	DescribeTable("the gateway replica",
		func(ctx context.Context, creatorDies bool) {
			gated(ctx)
			Expect(cluster.Scale(ctx, sandfly, 0)).To(Succeed())
			pods := gatewayPods(ctx)
			Expect(len(pods)).To(BeNumerically(">=", 2))
			creator, joiner := pods[0], pods[1]
			doomed, survivor := joiner, creator
			if creatorDies {
				doomed, survivor = creator, joiner
			}
			var group sync.WaitGroup
			answers := map[string]chan string{creator.Name: make(chan string, 1), joiner.Name: make(chan string, 1)}
			begin := func(pod corev1.Pod) {
				group.Go(func() {
					// The stream of the one that is killed is cut off; the other one must end with the answer.
					events, _ := cluster.Ask(ctx, podURL(pod), "list sandfly hosts")
					if len(events) > 0 {
						answers[pod.Name] <- events[len(events)-1].Answer()
					}
				})
			}
			begin(creator)
			Expect(cluster.Until(ctx, "the heal to begin", func(ctx context.Context) (bool, error) {
				requests, err := cluster.Requests(ctx, sandfly)
				return len(requests) == 1, err
			})).To(Succeed())
			begin(joiner)
			Expect(harness.Kill(doomed.Name, "/gateway")).To(Succeed())
			open(ctx)
			group.Wait()
			Expect(answers[survivor.Name]).To(Receive(ContainSubstring("192.0.2.")))
			request := endedRequest(ctx, sandfly)
			Expect(request.Status.Phase).To(Equal(v1alpha1.PhaseSucceeded))
			Expect(request.Status.Actions).To(HaveLen(1))
			restarted(ctx, doomed)
		},
		Entry("that did not create the request", false),
		Entry("that created it", true),
	)

	It("an operator that is killed before it takes the request up: the other replica takes over", func(ctx context.Context) {
		Expect(cluster.Scale(ctx, sandfly, 0)).To(Succeed())
		leader := steadyLeader(ctx)
		before, _, err := cluster.Leader(ctx, time.Time{})
		Expect(err).NotTo(HaveOccurred())
		Expect(harness.Kill(leader, "/operator")).To(Succeed())
		answer := healed(ask(ctx, "list sandfly hosts"))
		Expect(answer.Answer()).To(ContainSubstring("192.0.2."))
		after, _, err := cluster.Leader(ctx, time.Time{})
		Expect(err).NotTo(HaveOccurred())
		Expect(after).NotTo(Equal(before))
	})
})

var _ = Describe("Bad input", func() {
	post := func(ctx context.Context, body string) (int, string) {
		GinkgoHelper()
		resp, err := cluster.Post(ctx, gateway+"/api/tasks", []byte(body))
		Expect(err).NotTo(HaveOccurred())
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		Expect(err).NotTo(HaveOccurred())
		return resp.StatusCode, string(text)
	}

	It("gets a clear error, and nothing is changed", func(ctx context.Context) {
		before, err := cluster.Deployment(ctx, sandfly)
		Expect(err).NotTo(HaveOccurred())

		status, text := post(ctx, `{"query": `)
		Expect(status).To(Equal(http.StatusBadRequest), text)
		Expect(text).To(ContainSubstring("query"))

		status, text = post(ctx, `{"query": "`+strings.Repeat("a", 10<<20)+`"}`)
		Expect(status).To(Equal(http.StatusRequestEntityTooLarge), text)

		status, text = post(ctx, `{"query": "restart $(kubectl delete ns cortex-system); `+"`reboot`"+`"}`)
		Expect(status).To(Equal(http.StatusOK), text)
		Expect(text).NotTo(ContainSubstring(`"healing":[{`))

		status, text = post(ctx, `{"query": "what does the frobnicator say?"}`)
		Expect(status).To(Equal(http.StatusOK), text)
		Expect(text).To(ContainSubstring("list_hosts"), "the answer names the tools that there are")

		after, err := cluster.Deployment(ctx, sandfly)
		Expect(err).NotTo(HaveOccurred())
		Expect(written(after)).To(Equal(written(before)))
	})

	heal := func(ctx context.Context, target string) v1alpha1.HealingRequest {
		GinkgoHelper()
		request := v1alpha1.HealingRequest{
			ObjectMeta: metav1.ObjectMeta{Namespace: harness.Namespace, GenerateName: "manual-"},
			Spec:       v1alpha1.HealingRequestSpec{TargetRef: v1alpha1.TargetReference{Kind: v1alpha1.KindService, Name: target}},
		}
		Expect(cluster.Create(ctx, &request)).To(Succeed())
		// There may be no leader for a while: specs before have killed it.
		Eventually(func(ctx context.Context) (bool, error) {
			err := cluster.Get(ctx, client.ObjectKeyFromObject(&request), &request)
			return request.Done(), err
		}).WithContext(ctx).WithTimeout(harness.Patience).WithPolling(time.Second / 10).Should(BeTrue())
		return request
	}

	It("says that there is no such Service", func(ctx context.Context) {
		request := heal(ctx, "sandfly-mcp-servr")
		Expect(request.Status.Phase).To(Equal(v1alpha1.PhaseFailed))
		Expect(request.Status.Cause).To(Equal(v1alpha1.CauseServiceNotFound))
	})

	It("changes nothing without the opt-in label, however broken", func(ctx context.Context) {
		plain := service(ctx, sandfly)
		before := plain.DeepCopy()
		delete(plain.Labels, v1alpha1.LabelMCPServer)
		Expect(cluster.Patch(ctx, plain, client.MergeFrom(before))).To(Succeed())
		DeferCleanup(func(ctx context.Context) {
			again := service(ctx, sandfly)
			now := again.DeepCopy()
			again.Labels[v1alpha1.LabelMCPServer] = "true"
			Expect(cluster.Patch(ctx, again, client.MergeFrom(now))).To(Succeed())
		})
		Expect(cluster.Scale(ctx, sandfly, 0)).To(Succeed())
		deployment, err := cluster.Deployment(ctx, sandfly)
		Expect(err).NotTo(HaveOccurred())
		request := heal(ctx, sandfly)
		Expect(request.Status.Phase).To(Equal(v1alpha1.PhaseFailed))
		Expect(request.Status.SuggestedPatch).To(ContainSubstring("kubectl label service " + sandfly))
		after, err := cluster.Deployment(ctx, sandfly)
		Expect(err).NotTo(HaveOccurred())
		Expect(written(after)).To(Equal(written(deployment)))
	})
})

// steadyLeader waits until both operator replicas are ready, and names the one that leads. Pods in which an operator has ended before are
// replaced: the next time that it ends the kubelet would wait with its start, for longer each time, and no heal has that long.
func steadyLeader(ctx context.Context) string {
	GinkgoHelper()
	Expect(cluster.Until(ctx, "operators that have not ended before", func(ctx context.Context) (bool, error) {
		deployment, err := cluster.Deployment(ctx, "cortex-operator")
		if err != nil {
			return false, err
		}
		pods, err := cluster.Pods(ctx, deployment.Spec.Selector)
		steady := len(pods) == int(*deployment.Spec.Replicas)
		for i := range pods {
			fresh := len(pods[i].Status.ContainerStatuses) == 1 && pods[i].Status.ContainerStatuses[0].RestartCount == 0
			steady = steady && fresh && pods[i].Status.ContainerStatuses[0].Ready && pods[i].DeletionTimestamp == nil
			if !fresh && len(pods[i].Status.ContainerStatuses) == 1 && pods[i].DeletionTimestamp == nil {
				err = errors.Join(err, client.IgnoreNotFound(cluster.Delete(ctx, &pods[i])))
			}
		}
		return steady, err
	})).To(Succeed())
	Expect(cluster.Settled(ctx, "cortex-operator")).To(Succeed())
	since := time.Now()
	var leader string
	Expect(cluster.Until(ctx, "a leader that runs", func(ctx context.Context) (bool, error) {
		var err error
		_, leader, err = cluster.Leader(ctx, since)
		if err != nil {
			return false, err
		}
		var pod corev1.Pod
		err = cluster.Get(ctx, client.ObjectKey{Namespace: harness.Namespace, Name: leader}, &pod)
		return pod.Status.Phase == corev1.PodRunning, err
	})).To(Succeed())
	return leader
}

func gatewayPods(ctx context.Context) []corev1.Pod {
	GinkgoHelper()
	Expect(cluster.Settled(ctx, "cortex-gateway")).To(Succeed())
	pods, err := cluster.Pods(ctx, &metav1.LabelSelector{MatchLabels: map[string]string{"app": "cortex-api"}})
	Expect(err).NotTo(HaveOccurred())
	return pods
}

// restarted waits until a pod whose program was killed runs it anew: until the kubelet has seen that, the pod looks well, and is asked.
func restarted(ctx context.Context, killed corev1.Pod) {
	GinkgoHelper()
	Expect(cluster.Until(ctx, killed.Name+" to run anew", func(ctx context.Context) (bool, error) {
		var pod corev1.Pod
		err := cluster.Get(ctx, client.ObjectKeyFromObject(&killed), &pod)
		now := pod.Status.ContainerStatuses
		return err == nil && len(now) == 1 && now[0].Ready && now[0].RestartCount > killed.Status.ContainerStatuses[0].RestartCount, err
	})).To(Succeed())
	Expect(cluster.Settled(ctx, "cortex-gateway")).To(Succeed())
}

func podURL(pod corev1.Pod) string { return "http://" + pod.Status.PodIP + ":8000" }
