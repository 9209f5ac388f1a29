// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package healingrequest_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/dependency"
)

var _ = Describe("A target whose dependency is down", func() {
	It("is healed by the end of a chain of three, which everybody who waits can follow", func(ctx context.Context) {
		t := newTown(ctx)
		t.build(ctx, "a", "b")
		t.build(ctx, "b", "c")
		t.build(ctx, "c").atZero = true
		t.ask(ctx, "a", nil)
		t.work(ctx, t.operator(t.Client))

		requests := t.requests(ctx)
		Expect(requests).To(HaveLen(3))
		for _, service := range []string{"a", "b", "c"} {
			Expect(requests[service]).To(HaveLen(1))
			Expect(requests[service][0].Status.Phase).To(Equal(v1alpha1.PhaseSucceeded), "%s: %+v", service, requests[service][0].Status)
		}
		a, b, c := requests["a"][0], requests["b"][0], requests["c"][0]
		Expect(a.Status.FixApplied).To(Equal("b: c: " + c.Status.FixApplied))
		Expect(c.Status.FixApplied).To(HavePrefix("Scaled deployment c"))
		Expect(a.Status.Actions).To(HaveExactElements(And(
			HaveField("Type", v1alpha1.ActionHealDependency), HaveField("State", v1alpha1.ActionVerified), HaveField("Object.Name", "b"))))
		Expect(a.Status.Verification.Checks[0]).To(And(HaveField("Name", "Dependency"), HaveField("Verdict", v1alpha1.VerdictPassed)))

		Expect(b.OwnerReferences).To(HaveExactElements(HaveField("UID", a.UID)))
		Expect(c.OwnerReferences).To(HaveExactElements(HaveField("UID", b.UID)))
		Expect(c.Annotations).To(HaveKeyWithValue(v1alpha1.AnnotationAncestors, "a,b"))
		Expect(c.Spec.Trigger).To(Equal(v1alpha1.TriggerDependency))
		Expect(c.Spec.Timeout.Duration).To(BeNumerically("<", b.Spec.Timeout.Duration))
		Expect(b.Spec.Timeout.Duration).To(BeNumerically("<", v1alpha1.DefaultTimeout))

		// Every step of c stands in the story of a, in order and once.
		var relayed, told []string
		for _, entry := range a.Status.Progress {
			if message, ok := strings.CutPrefix(entry.Message, "b: c: "); ok {
				relayed = append(relayed, message)
			}
		}
		for _, entry := range c.Status.Progress {
			told = append(told, entry.Message)
		}
		Expect(relayed).To(Equal(told))
	})

	It("is restarted once the dependency is well, if it does not come back by itself", func(ctx context.Context) {
		t := newTown(ctx)
		t.build(ctx, "a", "b").stuck = true
		t.build(ctx, "b").atZero = true
		t.ask(ctx, "a", nil)
		t.work(ctx, t.operator(t.Client))
		a := t.requests(ctx)["a"][0]
		Expect(a.Status.Phase).To(Equal(v1alpha1.PhaseSucceeded), "%+v", a.Status)
		Expect(a.Status.FixApplied).To(MatchRegexp(`^b: Scaled deployment b.*; Restarted deployment a`))
		Expect(a.Status.Actions).To(HaveExactElements(
			And(HaveField("Type", v1alpha1.ActionHealDependency), HaveField("State", v1alpha1.ActionVerified)),
			And(HaveField("Type", v1alpha1.ActionRestart), HaveField("State", v1alpha1.ActionVerified))))
	})

	It("fails with what the heal of the dependency has found for a person to do", func(ctx context.Context) {
		t := newTown(ctx)
		t.build(ctx, "a", "b")
		t.build(ctx, "b", "c")
		t.build(ctx, "c").broken = true
		t.ask(ctx, "a", nil)
		t.work(ctx, t.operator(t.Client))
		requests := t.requests(ctx)
		a, c := requests["a"][0], requests["c"][0]
		Expect(c.Status.Cause).To(Equal(v1alpha1.CauseImageNotFound))
		Expect(a.Status.Phase).To(Equal(v1alpha1.PhaseFailed))
		Expect(a.Status.Recommendation).To(Equal(c.Status.Recommendation))
		Expect(a.Status.SuggestedPatch).To(Equal(c.Status.SuggestedPatch))
		Expect(a.Status.FixApplied).To(BeEmpty())
		Expect(complete(a)).To(And(HaveField("Reason", v1alpha1.ReasonManualFixNeeded),
			HaveField("Message", HavePrefix("Unable to fix automatically: Service b was not healed: Service c was not healed: "))))
	})

	It("is told of a cycle by its whole length, and none of it is touched", func(ctx context.Context) {
		t := newTown(ctx)
		t.build(ctx, "a", "b")
		t.build(ctx, "b", "c")
		t.build(ctx, "c", "a")
		t.ask(ctx, "a", nil)
		t.work(ctx, t.operator(t.Client))
		requests := t.requests(ctx)
		Expect(requests).To(HaveLen(3))
		for _, service := range []string{"a", "b", "c"} {
			Expect(requests[service]).To(HaveLen(1))
			Expect(complete(requests[service][0]).Message).To(ContainSubstring("a -> b -> c -> a"))
			Expect(requests[service][0].Status.FixApplied).To(BeEmpty())
			Expect(requests[service][0].Status.Recommendation).To(ContainSubstring("a -> b -> c -> a"))
		}
	})

	It("does not wait for another chain that waits for it", func(ctx context.Context) {
		t := newTown(ctx)
		t.build(ctx, "a", "b")
		t.build(ctx, "b", "a")
		t.ask(ctx, "a", nil)
		t.ask(ctx, "b", nil)
		began := t.clock.Now()
		t.work(ctx, t.operator(t.Client))
		Expect(t.clock.Now()).To(Equal(began), "nobody had to wait for a deadline")
		requests := t.requests(ctx)
		for _, request := range append(requests["a"], requests["b"]...) {
			Expect(complete(request).Message).To(ContainSubstring("form a cycle"), request.Name)
		}
	})

	It("does not wait for another chain that was made at the same moment", func(ctx context.Context) {
		t := newTown(ctx)
		t.build(ctx, "a", "b")
		t.build(ctx, "b", "a")
		a, b := t.ask(ctx, "a", nil), t.ask(ctx, "b", nil)
		t.until(ctx, a, v1alpha1.PhaseRemediating)
		t.until(ctx, b, v1alpha1.PhaseRemediating)
		// Each is past the look at the other.
		Expect(t.Create(ctx, dependency.New(a, 0, "b", t.clock.Now()))).To(Succeed())
		Expect(t.Create(ctx, dependency.New(b, 0, "a", t.clock.Now()))).To(Succeed())
		t.work(ctx, t.operator(t.Client))
		for _, request := range []*v1alpha1.HealingRequest{a, b} {
			Expect(t.Get(ctx, client.ObjectKeyFromObject(request), request)).To(Succeed())
			Expect(complete(request).Message).To(ContainSubstring("form a cycle"), request.Spec.TargetRef.Name)
		}
	})

	It("waits for a heal of the dependency that is under way already", func(ctx context.Context) {
		t := newTown(ctx)
		t.build(ctx, "a", "b")
		t.build(ctx, "b").atZero = true
		b := t.ask(ctx, "b", nil)
		t.step(ctx, b)
		t.until(ctx, t.ask(ctx, "a", nil), v1alpha1.PhaseVerifying)
		t.work(ctx, t.operator(t.Client))
		requests := t.requests(ctx)
		Expect(requests["b"]).To(HaveLen(2))
		fixes := 0
		for _, request := range append(requests["a"], requests["b"]...) {
			Expect(request.Status.Phase).To(Equal(v1alpha1.PhaseSucceeded), "%s: %+v", request.Name, request.Status)
			if strings.HasPrefix(request.Status.FixApplied, "Scaled") {
				fixes++
			}
		}
		Expect(fixes).To(Equal(1))
	})

	It("has no dependency healed for which the time is too short, and says so", func(ctx context.Context) {
		t := newTown(ctx)
		t.build(ctx, "a", "b")
		t.build(ctx, "b").atZero = true
		t.ask(ctx, "a", func(spec *v1alpha1.HealingRequestSpec) { spec.Timeout = &metav1.Duration{Duration: 12 * time.Second} })
		t.work(ctx, t.operator(t.Client))
		requests := t.requests(ctx)
		Expect(requests).To(HaveLen(1))
		Expect(complete(requests["a"][0]).Message).To(ContainSubstring("a heal takes at least 10s, and of the time for the whole chain 7s is left"))
	})

	It("does not keep those who wait while the dependency waits for a person", func(ctx context.Context) {
		t := newTown(ctx)
		t.build(ctx, "a", "b")
		t.build(ctx, "b").atZero = true
		t.ask(ctx, "a", func(spec *v1alpha1.HealingRequestSpec) { spec.Mode = v1alpha1.ModeApproval })
		for range 12 {
			t.round(ctx, t.operator(t.Client))
		}
		requests := t.requests(ctx)
		a, b := requests["a"][0], requests["b"][0]
		Expect(b.Status.Phase).To(Equal(v1alpha1.PhaseAwaitingApproval))
		Expect(a.Status.Phase).To(Equal(v1alpha1.PhaseFailed))
		Expect(a.Status.Recommendation).To(ContainSubstring("kubectl cortex approve %s -n %s", b.Name, b.Namespace))
		Expect(a.Status.Actions[0].State).To(Equal(v1alpha1.ActionSkipped), "the next request may try it")

		b.Spec.Approval = v1alpha1.ApprovalApproved
		Expect(t.Update(ctx, b)).To(Succeed())
		t.work(ctx, t.operator(t.Client))
		Expect(t.requests(ctx)["b"][0].Status.Phase).To(Equal(v1alpha1.PhaseSucceeded))
	})

	DescribeTable("stops what it has begun when a person stops it", func(ctx context.Context, stop func(*town, *v1alpha1.HealingRequest)) {
		t := newTown(ctx)
		t.build(ctx, "a", "b")
		t.build(ctx, "b").lame = true
		a := t.ask(ctx, "a", nil)
		operator := t.operator(t.Client)
		for range 3 {
			t.round(ctx, operator)
		}
		Expect(t.requests(ctx)["b"]).To(HaveLen(1))
		Expect(t.Get(ctx, client.ObjectKeyFromObject(a), a)).To(Succeed())
		stop(t, a)
		t.work(ctx, operator)
		Expect(complete(t.requests(ctx)["b"][0]).Reason).To(Equal(v1alpha1.ReasonCanceled))
	},
		Entry("by a word", func(t *town, a *v1alpha1.HealingRequest) {
			a.Spec.Approval = v1alpha1.ApprovalDenied
			Expect(t.Update(context.Background(), a)).To(Succeed())
		}),
		Entry("by deleting the request", func(t *town, a *v1alpha1.HealingRequest) {
			Expect(t.Delete(context.Background(), a)).To(Succeed())
		}),
	)

	DescribeTable("does not leave a step behind that nobody waits for", func(ctx context.Context, change func(*v1alpha1.HealingRequest), phase v1alpha1.Phase) {
		t := newTown(ctx)
		t.build(ctx, "a", "b")
		t.build(ctx, "b").lame = true
		// Somebody else is at work on b, for longer than a has time.
		other := t.ask(ctx, "b", func(spec *v1alpha1.HealingRequestSpec) { spec.Timeout = &metav1.Duration{Duration: 10 * time.Minute} })
		t.until(ctx, other, v1alpha1.PhaseVerifying)
		a := t.ask(ctx, "a", nil)
		operator := t.operator(t.Client)
		for range 4 {
			t.round(ctx, operator)
		}
		step := t.stepOf(ctx, a)
		Expect(step.Status.Phase).To(Equal(v1alpha1.PhaseBlocked))
		if change != nil {
			change(step)
			Expect(t.Update(ctx, step)).To(Succeed())
		}
		t.clock.Step(v1alpha1.DefaultTimeout)
		t.until(ctx, a, v1alpha1.PhaseFailed)
		Expect(complete(a).Reason).To(Equal(v1alpha1.ReasonDeadlineExceeded))
		t.step(ctx, step)
		Expect(step.Status.Phase).To(Equal(phase), "%+v", step.Status)
		if phase == v1alpha1.PhaseFailed {
			Expect(complete(step).Message).To(HavePrefix("The time of HealingRequest %s is up, which this is a step of. Nothing was changed.", a.Name))
		}
	},
		Entry("which waits for its turn", nil, v1alpha1.PhaseFailed),
		Entry("but one that a person has approved", func(step *v1alpha1.HealingRequest) { step.Spec.Approval = v1alpha1.ApprovalApproved }, v1alpha1.PhaseBlocked),
	)

	DescribeTable("when its time was up, and it had not heard from its step", func(ctx context.Context, mode v1alpha1.Mode, reached v1alpha1.Phase, reason string) {
		t := newTown(ctx)
		t.build(ctx, "a", "b")
		t.build(ctx, "b").atZero = true
		a := t.ask(ctx, "a", func(spec *v1alpha1.HealingRequestSpec) { spec.Mode = mode })
		t.until(ctx, a, v1alpha1.PhaseVerifying)
		step := t.stepOf(ctx, a)
		t.until(ctx, step, reached)
		a.Status.Conditions = append(a.Status.Conditions, metav1.Condition{
			Type: v1alpha1.ConditionComplete, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonDeadlineExceeded, LastTransitionTime: metav1.Now(),
		})
		Expect(t.Status().Update(ctx, a)).To(Succeed())
		t.catchUp(ctx)
		t.step(ctx, step)
		Expect(complete(step).Reason).To(Equal(reason))
	},
		Entry("leaves no question open", v1alpha1.ModeApproval, v1alpha1.PhaseAwaitingApproval, v1alpha1.ReasonDeadlineExceeded),
		Entry("lets what it has begun come to its end", v1alpha1.Mode(""), v1alpha1.PhaseVerifying, v1alpha1.ReasonHealed),
	)

	It("is healed once, wherever the operator dies", func(ctx context.Context) {
		fresh := func() *town {
			t := newTown(ctx)
			t.build(ctx, "a", "b")
			t.build(ctx, "b").atZero = true
			t.ask(ctx, "a", nil)
			return t
		}
		counted := &counter{}
		undisturbed := fresh()
		undisturbed.work(ctx, undisturbed.operator(through(counted.write)))
		inParallel(upTo(counted.writes), func(n int) {
			for _, after := range []bool{false, true} {
				at := fmt.Sprintf("write %d of %d, after: %v", n, counted.writes, after)
				t := fresh()
				doomed := t.operator(through((&death{n: n, after: after}).write))
				Expect(t.workUntilDeath(ctx, doomed)).To(MatchError(errDied), at)
				t.work(ctx, t.operator(t.Client))
				requests := t.requests(ctx)
				Expect(requests["a"]).To(HaveLen(1), at)
				Expect(requests["b"]).To(HaveLen(1), at)
				Expect(requests["a"][0].Status.FixApplied).To(HavePrefix("b: Scaled deployment b"), at)
				Expect(complete(requests["a"][0]).Reason).To(Equal(v1alpha1.ReasonHealed), at)
				Expect(t.live(ctx, "b").Generation).To(Equal(undisturbed.live(ctx, "b").Generation), at)
			}
		})
		AddReportEntry("crash cases of a dependency", 2*counted.writes)
	})
})

// stepOf is the one step of a request.
func (t *town) stepOf(ctx context.Context, request *v1alpha1.HealingRequest) *v1alpha1.HealingRequest {
	GinkgoHelper()
	for _, all := range t.requests(ctx) {
		for _, step := range all {
			if dependency.IsChild(step, request) {
				return step
			}
		}
	}
	Fail("there is no step of " + request.Name)
	return nil
}

func complete(request *v1alpha1.HealingRequest) metav1.Condition {
	i := slices.IndexFunc(request.Status.Conditions, func(c metav1.Condition) bool { return c.Type == v1alpha1.ConditionComplete })
	Expect(i).To(BeNumerically(">=", 0), "%s is not over: %+v", request.Name, request.Status)
	return request.Status.Conditions[i]
}

// work lets an operator and the cluster work until nothing is under way.
func (t *town) work(ctx context.Context, operator reconciler) {
	GinkgoHelper()
	Expect(t.workUntilDeath(ctx, operator)).To(Succeed())
	for _, all := range t.requests(ctx) {
		for _, request := range all {
			Expect(request.Status.CompletedAt).NotTo(BeNil(), "%s is not over: %+v", request.Name, request.Status)
		}
	}
}

func (t *town) workUntilDeath(ctx context.Context, operator reconciler) error {
	for range 40 {
		if err := t.tryRound(ctx, operator); err != nil {
			return err
		}
		if t.over(ctx) {
			return nil
		}
	}
	return nil
}

func (t *town) over(ctx context.Context) bool {
	for _, all := range t.requests(ctx) {
		if slices.ContainsFunc(all, func(r *v1alpha1.HealingRequest) bool { return !r.Done() }) {
			return false
		}
	}
	return true
}

// round lets an operator look at every request once, and the cluster catch up after each.
func (t *town) round(ctx context.Context, operator reconciler) {
	GinkgoHelper()
	Expect(t.tryRound(ctx, operator)).To(Succeed())
}

func (t *town) tryRound(ctx context.Context, operator reconciler) error {
	var keys []client.ObjectKey
	for _, all := range t.requests(ctx) {
		for _, request := range all {
			keys = append(keys, client.ObjectKeyFromObject(request))
		}
	}
	slices.SortFunc(keys, func(a, b client.ObjectKey) int { return strings.Compare(a.Name, b.Name) })
	for _, key := range keys {
		if _, err := operator.Reconcile(ctx, ctrl.Request{NamespacedName: key}); err != nil {
			return err
		}
		t.catchUp(ctx)
	}
	return nil
}
