// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package healingrequest_test

import (
	"context"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	ctrlconfig "sigs.k8s.io/controller-runtime/pkg/config"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/controller/healingrequest"
)

// start runs a real manager over one world. The world's clock stands still, so nothing but a watch can wake it.
func start(w *world) {
	manage(context.Background(), restConfig, []string{w.namespace}, func(mgr ctrl.Manager) *healingrequest.Reconciler {
		return w.operator(mgr.GetClient())
	})
}

// manage runs a real manager over namespaces, as a user, until the end of the spec.
func manage(ctx context.Context, config *rest.Config, namespaces []string, operator func(ctrl.Manager) *healingrequest.Reconciler) {
	watched := map[string]cache.Config{}
	for _, namespace := range namespaces {
		watched[namespace] = cache.Config{}
	}
	mgr, err := ctrl.NewManager(config, ctrl.Options{
		Scheme:                  scheme,
		Metrics:                 metricsserver.Options{BindAddress: "0"},
		Cache:                   cache.Options{DefaultNamespaces: watched},
		Controller:              ctrlconfig.Controller{SkipNameValidation: ptr.To(true)},
		GracefulShutdownTimeout: ptr.To(patience),
	})
	Expect(err).NotTo(HaveOccurred())
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	Expect(operator(mgr).SetupWithManager(running, mgr)).To(Succeed())
	done := make(chan error, 1)
	go func() { done <- mgr.Start(running) }()
	DeferCleanup(func() {
		stop()
		Eventually(done).WithTimeout(patience).Should(Receive(BeNil()))
	})
	Expect(mgr.GetCache().WaitForCacheSync(running)).To(BeTrue())
}

var _ = Describe("A running operator", func() {
	phase := func(ctx context.Context, w *world, request *v1alpha1.HealingRequest) func() v1alpha1.Phase {
		return func() v1alpha1.Phase {
			Expect(w.Get(ctx, client.ObjectKeyFromObject(request), request)).To(Succeed())
			return request.Status.Phase
		}
	}

	It("is woken by what it waits for", func(ctx context.Context) {
		w := newWorld(ctx)
		w.scale(ctx, 0)
		start(w)
		first := w.request(ctx, nil)
		Eventually(phase(ctx, w, first)).WithTimeout(patience).Should(Equal(v1alpha1.PhaseVerifying))
		second := w.request(ctx, nil)
		Eventually(phase(ctx, w, second)).WithTimeout(patience).Should(Equal(v1alpha1.PhaseBlocked))
		w.settle(ctx)
		Eventually(phase(ctx, w, first)).WithTimeout(patience).Should(Equal(v1alpha1.PhaseSucceeded))
		By("waking the request that the first one held back")
		Eventually(phase(ctx, w, second)).WithTimeout(patience).Should(Equal(v1alpha1.PhaseSucceeded))
	})

	It("goes on with a request whose predecessor was deleted in mid-heal", func(ctx context.Context) {
		w := newWorld(ctx)
		w.scale(ctx, 0)
		start(w)
		first := w.request(ctx, nil)
		Eventually(phase(ctx, w, first)).WithTimeout(patience).Should(Equal(v1alpha1.PhaseVerifying))
		second := w.request(ctx, nil)
		Eventually(phase(ctx, w, second)).WithTimeout(patience).Should(Equal(v1alpha1.PhaseBlocked))
		Expect(w.Delete(ctx, first)).To(Succeed())
		Eventually(phase(ctx, w, second)).WithTimeout(patience).ShouldNot(Equal(v1alpha1.PhaseBlocked))
	})

	It("ends what is a step of a request whose time is up", func(ctx context.Context) {
		t := newTown(ctx)
		t.build(ctx, "a", "b")
		t.build(ctx, "b").lame = true
		other := t.ask(ctx, "b", nil)
		start(t.world)
		Eventually(phase(ctx, t.world, other)).WithTimeout(patience).Should(Equal(v1alpha1.PhaseVerifying))
		a := t.ask(ctx, "a", nil)
		Eventually(phase(ctx, t.world, a)).WithTimeout(patience).Should(Equal(v1alpha1.PhaseVerifying))
		step := t.stepOf(ctx, a)
		Eventually(phase(ctx, t.world, step)).WithTimeout(patience).Should(Equal(v1alpha1.PhaseBlocked))
		ended := a.DeepCopy()
		ended.Status.Conditions = append(ended.Status.Conditions, metav1.Condition{
			Type: v1alpha1.ConditionComplete, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonDeadlineExceeded, LastTransitionTime: metav1.Now(),
		})
		Expect(t.Status().Patch(ctx, ended, client.MergeFrom(a))).To(Succeed())
		Eventually(phase(ctx, t.world, step)).WithTimeout(patience).Should(Equal(v1alpha1.PhaseFailed))
	})
})
