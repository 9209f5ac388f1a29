// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package retention_test

import (
	"context"
	"slices"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clocktesting "k8s.io/utils/clock/testing"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	ctrlconfig "sigs.k8s.io/controller-runtime/pkg/config"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/controller/retention"
)

const (
	sandfly = "sandfly-mcp-server"
	day     = 24 * time.Hour
)

var ref = v1alpha1.TargetReference{Kind: v1alpha1.KindService, Name: sandfly}

// archive is a namespace with a Service and the requests that there were for it.
type archive struct {
	client.Client
	namespace string
	clock     *clocktesting.FakeClock
}

func newArchive(ctx context.Context) *archive {
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "archive-"}}
	Expect(k8sClient.Create(ctx, namespace)).To(Succeed())
	a := &archive{Client: k8sClient, namespace: namespace.Name, clock: clocktesting.NewFakeClock(time.Now().Truncate(time.Microsecond))}
	service := &corev1.Service{ObjectMeta: a.meta(sandfly), Spec: corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 3000}}}}
	Expect(a.Create(ctx, service)).To(Succeed())
	return a
}

func (a *archive) meta(name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: a.namespace, Name: name}
}

// retains writes the policy of the namespace.
func (a *archive) retains(ctx context.Context, retention v1alpha1.Retention) *v1alpha1.HealingPolicy {
	policy := &v1alpha1.HealingPolicy{ObjectMeta: a.meta("keep"), Spec: v1alpha1.HealingPolicySpec{Retention: &retention}}
	Expect(a.Create(ctx, policy)).To(Succeed())
	return policy
}

func few(n int32) v1alpha1.Retention { return v1alpha1.Retention{MaxRequests: &n} }

// request is one for the Service whose conditions are as they are given.
func (a *archive) request(ctx context.Context, name string, change func(*v1alpha1.HealingRequest), conditions ...metav1.Condition) *v1alpha1.HealingRequest {
	request := &v1alpha1.HealingRequest{ObjectMeta: a.meta(name), Spec: v1alpha1.HealingRequestSpec{TargetRef: ref}}
	if change != nil {
		change(request)
	}
	status := request.Status
	Expect(a.Create(ctx, request)).To(Succeed())
	request.Status = status
	for _, condition := range conditions {
		condition.LastTransitionTime = metav1.NewTime(a.clock.Now())
		request.Status.Conditions = append(request.Status.Conditions, condition)
	}
	Expect(a.Status().Update(ctx, request)).To(Succeed())
	return request
}

// over is a request that ended a while ago, and changed nothing unless it is told what.
func (a *archive) over(ctx context.Context, name string, ago time.Duration, change func(*v1alpha1.HealingRequest)) *v1alpha1.HealingRequest {
	ended := metav1.NewMicroTime(a.clock.Now().Add(-ago))
	return a.request(ctx, name, func(request *v1alpha1.HealingRequest) {
		request.Status.StartedAt, request.Status.CompletedAt = &ended, &ended
		if change != nil {
			change(request)
		}
	}, metav1.Condition{Type: v1alpha1.ConditionComplete, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonManualFixNeeded})
}

// restarted is what a request did some time before its end, and it did not help.
func restarted(before time.Duration) func(*v1alpha1.HealingRequest) {
	return func(request *v1alpha1.HealingRequest) {
		at := metav1.NewMicroTime(request.Status.CompletedAt.Add(-before))
		workload := v1alpha1.ObjectReference{Kind: string(v1alpha1.KindDeployment), Name: sandfly, UID: "workload"}
		request.Status.WorkloadRef = &workload
		request.Status.Actions = []v1alpha1.ActionResult{{Type: v1alpha1.ActionRestart, Object: workload, State: v1alpha1.ActionIneffective, AppliedAt: &at}}
	}
}

// left are the names of the requests that there are, in their order.
func (a *archive) left(ctx context.Context) []string {
	GinkgoHelper()
	var all v1alpha1.HealingRequestList
	Expect(a.List(ctx, &all, client.InNamespace(a.namespace))).To(Succeed())
	var names []string
	for _, request := range all.Items {
		names = append(names, request.Name)
	}
	slices.Sort(names)
	return names
}

func (a *archive) keeper(c client.Client) *retention.Reconciler {
	return &retention.Reconciler{Client: c, Live: a, Clock: a.clock}
}

// tidy lets a keeper look once, and returns when it wants to look again: never is zero.
func (a *archive) tidy(ctx context.Context) time.Duration {
	GinkgoHelper()
	result, err := a.keeper(a.Client).Reconcile(ctx, retention.Target{Namespace: a.namespace, Ref: ref})
	Expect(err).NotTo(HaveOccurred())
	return result.RequeueAfter
}

var _ = Describe("The requests of a target that are over", func() {
	var a *archive
	BeforeEach(func(ctx context.Context) { a = newArchive(ctx) })

	It("go with their age, each in its time, but for the last one", func(ctx context.Context) {
		a.over(ctx, "a", 8*day, nil)
		a.over(ctx, "b", 6*day, nil)
		a.over(ctx, "c", 5*day, nil)
		Expect(a.tidy(ctx)).To(Equal(day), "it is to look again when b is too old")
		Expect(a.left(ctx)).To(Equal([]string{"b", "c"}))

		a.clock.Step(day - time.Microsecond)
		Expect(a.tidy(ctx)).To(Equal(time.Microsecond))
		Expect(a.left(ctx)).To(Equal([]string{"b", "c"}))

		a.clock.Step(time.Microsecond)
		Expect(a.tidy(ctx)).To(BeZero(), "the last one stays")
		Expect(a.left(ctx)).To(Equal([]string{"c"}))
		a.clock.Step(365 * day)
		Expect(a.tidy(ctx)).To(BeZero())
		Expect(a.left(ctx)).To(Equal([]string{"c"}))
	})

	It("go with their number, the oldest first", func(ctx context.Context) {
		a.retains(ctx, few(2))
		a.over(ctx, "a", 2*time.Hour, nil)
		a.over(ctx, "c", 4*time.Hour, nil)
		a.over(ctx, "b", 3*time.Hour, nil)
		Expect(a.tidy(ctx)).To(Equal(7*day - 3*time.Hour))
		Expect(a.left(ctx)).To(Equal([]string{"a", "b"}))
	})

	It("go by the defaults where the Service is gone", func(ctx context.Context) {
		a.retains(ctx, few(1))
		Expect(a.Delete(ctx, &corev1.Service{ObjectMeta: a.meta(sandfly)})).To(Succeed())
		a.over(ctx, "a", 8*day, nil)
		a.over(ctx, "b", 2*time.Hour, nil)
		a.over(ctx, "c", time.Hour, nil)
		a.tidy(ctx)
		Expect(a.left(ctx)).To(Equal([]string{"b", "c"}))
	})

	It("stay while they are not over, and where they are another target's", func(ctx context.Context) {
		a.retains(ctx, few(1))
		planned := func(reason string) metav1.Condition {
			return metav1.Condition{Type: v1alpha1.ConditionPlanned, Status: metav1.ConditionFalse, Reason: reason}
		}
		old := func(request *v1alpha1.HealingRequest) {
			request.Status.StartedAt = ptr.To(metav1.NewMicroTime(a.clock.Now().Add(-30 * day)))
		}
		a.request(ctx, "new", nil)
		a.request(ctx, "at-work", old, metav1.Condition{Type: v1alpha1.ConditionRemediated, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonApplied})
		a.request(ctx, "asks", old, planned(v1alpha1.ReasonAwaitingApproval))
		a.request(ctx, "waits", old, planned(v1alpha1.ReasonCooldownActive))
		a.over(ctx, "workload", 8*day, func(request *v1alpha1.HealingRequest) { request.Spec.TargetRef.Kind = v1alpha1.KindDeployment })
		a.over(ctx, "other", 8*day, func(request *v1alpha1.HealingRequest) { request.Spec.TargetRef.Name = "proxmox-mcp-server" })
		a.over(ctx, "older", 2*time.Hour, nil)
		a.over(ctx, "last", time.Hour, nil)
		Expect(a.tidy(ctx)).To(BeZero())
		Expect(a.left(ctx)).To(Equal([]string{"asks", "at-work", "last", "new", "other", "waits", "workload"}))
	})

	It("stay as long as a limit counts them, and go when it no longer does", func(ctx context.Context) {
		a.retains(ctx, few(1))
		a.over(ctx, "a", 90*time.Minute, restarted(time.Minute))
		a.over(ctx, "b", 20*time.Minute, restarted(25*time.Minute))
		a.over(ctx, "c", 10*time.Minute, nil)
		a.over(ctx, "d", 5*time.Minute, nil)
		// c has asked a person, and d did so after it. Of a and b the row of failures is made, which ends an hour after the longest
		// pause, that of 15 minutes, from the end of the last one.
		Expect(a.tidy(ctx)).To(Equal(55 * time.Minute))
		Expect(a.left(ctx)).To(Equal([]string{"a", "b", "d"}))
		a.clock.Step(55*time.Minute - time.Microsecond)
		a.tidy(ctx)
		Expect(a.left(ctx)).To(Equal([]string{"a", "b", "d"}))
		a.clock.Step(time.Microsecond)
		Expect(a.tidy(ctx)).To(BeZero())
		Expect(a.left(ctx)).To(Equal([]string{"d"}))
	})

	It("stay where the policy cannot be read", func(ctx context.Context) {
		policy := a.retains(ctx, few(1))
		policy.Spec.Selector = &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{Key: "team", Operator: "Is"}}}
		Expect(a.Update(ctx, policy)).To(Succeed())
		a.over(ctx, "a", 8*day, nil)
		a.over(ctx, "b", 0, nil)
		_, err := a.keeper(a.Client).Reconcile(ctx, retention.Target{Namespace: a.namespace, Ref: ref})
		Expect(err).To(MatchError(ContainSubstring("keeping the requests of " + sandfly)))
		Expect(a.left(ctx)).To(Equal([]string{"a", "b"}))
	})

	It("stay where they are not what was judged", func(ctx context.Context) {
		a.over(ctx, "a", 8*day, nil)
		a.over(ctx, "b", 0, nil)
		_, err := a.keeper(touching{a.Client}).Reconcile(ctx, retention.Target{Namespace: a.namespace, Ref: ref})
		Expect(apierrors.IsConflict(err)).To(BeTrue(), "%v", err)
		Expect(a.left(ctx)).To(Equal([]string{"a", "b"}))
	})

	It("need no look where there are none", func(ctx context.Context) { Expect(a.tidy(ctx)).To(BeZero()) })
})

// touching is a client whose every object is changed by somebody right before it deletes it.
type touching struct{ client.Client }

func (t touching) Delete(ctx context.Context, obj client.Object, opts ...client.DeleteOption) error {
	touched, ok := obj.DeepCopyObject().(*v1alpha1.HealingRequest)
	Expect(ok).To(BeTrue())
	touched.Labels = map[string]string{"look-at": "this"}
	Expect(t.Update(ctx, touched)).To(Succeed())
	return t.Client.Delete(ctx, obj, opts...)
}

var _ = Describe("A running keeper", func() {
	var a *archive
	names := func(ctx context.Context) func() []string { return func() []string { return a.left(ctx) } }
	BeforeEach(func(ctx context.Context) { a = newArchive(ctx) })
	// start runs a manager. The clock stands still, so nothing but a watch can wake the keeper.
	start := func(ctx context.Context) {
		mgr, err := ctrl.NewManager(restConfig, ctrl.Options{
			Scheme:                  scheme,
			Metrics:                 metricsserver.Options{BindAddress: "0"},
			Cache:                   cache.Options{DefaultNamespaces: map[string]cache.Config{a.namespace: {}}},
			Controller:              ctrlconfig.Controller{SkipNameValidation: ptr.To(true)},
			GracefulShutdownTimeout: ptr.To(patience),
		})
		Expect(err).NotTo(HaveOccurred())
		Expect(a.keeper(mgr.GetClient()).SetupWithManager(mgr)).To(Succeed())
		running, stop := context.WithCancel(context.WithoutCancel(ctx))
		done := make(chan error, 1)
		go func() { done <- mgr.Start(running) }()
		DeferCleanup(func() {
			stop()
			Eventually(done).WithTimeout(patience).Should(Receive(BeNil()))
		})
		Expect(mgr.GetCache().WaitForCacheSync(running)).To(BeTrue())
	}

	It("is woken by the end of a request", func(ctx context.Context) {
		a.over(ctx, "a", 8*day, nil)
		start(ctx)
		a.over(ctx, "b", time.Hour, nil)
		Eventually(names(ctx)).WithTimeout(patience).Should(Equal([]string{"b"}))
	})

	It("is woken by a policy that retains less", func(ctx context.Context) {
		policy := a.retains(ctx, few(2))
		for name, ago := range map[string]time.Duration{"a": 3 * time.Hour, "b": 2 * time.Hour, "c": time.Hour} {
			a.over(ctx, name, ago, nil)
		}
		start(ctx)
		Eventually(names(ctx)).WithTimeout(patience).Should(Equal([]string{"b", "c"}))
		policy.Spec.Retention = ptr.To(few(1))
		Expect(a.Update(ctx, policy)).To(Succeed())
		Eventually(names(ctx)).WithTimeout(patience).Should(Equal([]string{"c"}))
	})

	It("is woken by the end of a dependency's heal, for which the one that waited was kept", func(ctx context.Context) {
		waited := a.over(ctx, "a", 8*day, nil)
		a.over(ctx, "b", 8*day-time.Hour, nil)
		a.over(ctx, "c", time.Hour, nil)
		child := a.request(ctx, "child", func(request *v1alpha1.HealingRequest) {
			request.Spec.TargetRef.Name, request.Spec.Trigger = "sandfly-db", v1alpha1.TriggerDependency
			request.OwnerReferences = []metav1.OwnerReference{{
				APIVersion: v1alpha1.GroupVersion.String(), Kind: "HealingRequest", Name: waited.Name, UID: waited.UID,
			}}
		})
		start(ctx)
		Eventually(names(ctx)).WithTimeout(patience).Should(Equal([]string{"a", "c", "child"}))
		ended := metav1.NewMicroTime(a.clock.Now())
		child.Status.StartedAt, child.Status.CompletedAt = &ended, &ended
		child.Status.Conditions = []metav1.Condition{{
			Type: v1alpha1.ConditionComplete, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonHealthy, LastTransitionTime: metav1.NewTime(ended.Time),
		}}
		Expect(a.Status().Update(ctx, child)).To(Succeed())
		Eventually(names(ctx)).WithTimeout(patience).Should(Equal([]string{"c", "child"}))
	})
})
