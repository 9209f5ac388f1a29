// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package healingrequest_test

import (
	"context"
	"regexp"
	"strings"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

// workflow is one way that a heal can go, from a broken target to the end of the request.
type workflow struct {
	name string
	// mess breaks the target before anybody asks for a heal.
	mess func(context.Context, *world)
	spec func(*v1alpha1.HealingRequestSpec)
	// pods spoils the pods that a change of the template brings about; nil lets them be well.
	pods func(*corev1.Pod)
	// meanwhile is what people and time do between two reconciles.
	meanwhile func(context.Context, *world, *v1alpha1.HealingRequest)
	// The end.
	phase  v1alpha1.Phase
	reason string
	// changed is how often the target's spec is changed.
	changed int64
	// byHand: another request is only played, and an operator that is not driven by hand would heal that one as well.
	byHand bool
}

func workflows() []workflow {
	zero := func(ctx context.Context, w *world) { w.scale(ctx, 0) }
	crash := func(ctx context.Context, w *world) { w.rollOut(ctx, waiting("CrashLoopBackOff", "back-off 40s")) }
	asks := func(spec *v1alpha1.HealingRequestSpec) { spec.Mode = v1alpha1.ModeApproval }
	return []workflow{
		{name: "scaled to zero", mess: zero, phase: v1alpha1.PhaseSucceeded, reason: v1alpha1.ReasonHealed, changed: 1},
		{name: "crash loop, mended by a restart", mess: crash, phase: v1alpha1.PhaseSucceeded, reason: v1alpha1.ReasonHealed, changed: 1},
		{name: "crash loop, not mended", mess: crash, pods: waiting("CrashLoopBackOff", "back-off 10s"),
			phase: v1alpha1.PhaseFailed, reason: v1alpha1.ReasonFixIneffective, changed: 1},
		{name: "hung server", mess: func(_ context.Context, w *world) { w.serve(hangs) },
			meanwhile: func(ctx context.Context, w *world, _ *v1alpha1.HealingRequest) {
				if w.deployment(ctx).Spec.Template.Annotations[v1alpha1.AnnotationRestartedAt] != "" {
					w.serve(answers)
				}
			}, phase: v1alpha1.PhaseSucceeded, reason: v1alpha1.ReasonHealed, changed: 1},
		{name: "not ready, waited for in vain, restarted", mess: func(ctx context.Context, w *world) { w.rollOut(ctx, notReady) },
			meanwhile: func(_ context.Context, w *world, request *v1alpha1.HealingRequest) {
				if request.Status.Phase == v1alpha1.PhaseVerifying && len(request.Status.Actions) == 1 {
					w.clock.SetTime(request.Status.Actions[0].AppliedAt.Add(61 * time.Second))
				}
			}, phase: v1alpha1.PhaseSucceeded, reason: v1alpha1.ReasonHealed, changed: 1},
		{name: "nothing wrong", mess: func(context.Context, *world) {}, phase: v1alpha1.PhaseSucceeded, reason: v1alpha1.ReasonHealthy},
		{name: "dry run", mess: zero, spec: func(spec *v1alpha1.HealingRequestSpec) { spec.Mode = v1alpha1.ModeDryRun },
			phase: v1alpha1.PhaseSucceeded, reason: v1alpha1.ReasonDryRun},
		{name: "approved", mess: zero, spec: asks, meanwhile: answer(v1alpha1.ApprovalApproved),
			phase: v1alpha1.PhaseSucceeded, reason: v1alpha1.ReasonHealed, changed: 1},
		{name: "denied", mess: zero, spec: asks, meanwhile: answer(v1alpha1.ApprovalDenied),
			phase: v1alpha1.PhaseFailed, reason: v1alpha1.ReasonDenied},
		{name: "stopped while it is verified", mess: zero, pods: notReady,
			meanwhile: func(ctx context.Context, w *world, request *v1alpha1.HealingRequest) {
				if request.Status.Phase == v1alpha1.PhaseVerifying && request.Spec.Approval == "" {
					request.Spec.Approval = v1alpha1.ApprovalDenied
					Expect(w.Update(ctx, request)).To(Succeed())
				}
			}, phase: v1alpha1.PhaseFailed, reason: v1alpha1.ReasonCanceled, changed: 1},
		{name: "held back by another request", mess: zero,
			meanwhile: func(ctx context.Context, w *world, request *v1alpha1.HealingRequest) {
				w.predecessor(ctx, request)
			}, phase: v1alpha1.PhaseSucceeded, reason: v1alpha1.ReasonHealed, changed: 1, byHand: true},
		{name: "mended by a person meanwhile", mess: crash, spec: asks,
			meanwhile: func(ctx context.Context, w *world, request *v1alpha1.HealingRequest) {
				if request.Status.Phase == v1alpha1.PhaseAwaitingApproval {
					w.settle(ctx)
				}
			}, phase: v1alpha1.PhaseSucceeded, reason: v1alpha1.ReasonHealthy},
	}
}

func notReady(pod *corev1.Pod) {
	pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionFalse}}
	pod.Status.ContainerStatuses[0].Ready = false
}

// answer is a person's, once they are asked.
func answer(approval v1alpha1.Approval) func(context.Context, *world, *v1alpha1.HealingRequest) {
	return func(ctx context.Context, w *world, request *v1alpha1.HealingRequest) {
		if request.Status.Phase == v1alpha1.PhaseAwaitingApproval && request.Spec.Approval == "" {
			request.Spec.Approval = approval
			Expect(w.Update(ctx, request)).To(Succeed())
		}
	}
}

// predecessor is an older request for the target, which ends once the younger one has waited for it.
func (w *world) predecessor(ctx context.Context, request *v1alpha1.HealingRequest) {
	var all v1alpha1.HealingRequestList
	Expect(w.List(ctx, &all, client.InNamespace(w.namespace))).To(Succeed())
	for i := range all.Items {
		other := &all.Items[i]
		if other.UID != request.UID && !other.Done() && request.Status.Phase == v1alpha1.PhaseBlocked {
			other.Status.Conditions[0].Status = "True"
			Expect(w.Client.Status().Update(ctx, other)).To(Succeed())
		}
	}
	if len(all.Items) == 1 {
		older := w.request(ctx, nil)
		started := now(w)
		older.Status.StartedAt = &started
		older.Status.Conditions = condition(v1alpha1.ConditionComplete, "False", v1alpha1.ReasonDenied, w)
		Expect(w.Client.Status().Update(ctx, older)).To(Succeed())
	}
}

// run drives a request to its end with what makes one operator a reconcile, and lets the cluster and people act in between. It
// returns the errors that the operators ended with.
func (w *world) run(ctx context.Context, flow workflow, request *v1alpha1.HealingRequest, operator func() reconciler) []error {
	var errs []error
	for range 40 {
		Expect(w.Get(ctx, client.ObjectKeyFromObject(request), request)).To(Succeed())
		if request.Done() {
			return errs
		}
		w.act(ctx, flow, request)
		if _, err := operator().Reconcile(ctx, ctrl.Request{NamespacedName: client.ObjectKeyFromObject(request)}); err != nil {
			errs = append(errs, err)
		}
	}
	Expect(request.Done()).To(BeTrue(), "no end after 40 reconciles, %d errors, now %s: %+v", len(errs), w.clock.Now(), request.Status)
	return errs
}

// act lets the cluster do what it does about a change, and people and time what they do.
func (w *world) act(ctx context.Context, flow workflow, request *v1alpha1.HealingRequest) {
	if deployment := w.deployment(ctx); deployment.Generation != deployment.Status.ObservedGeneration {
		w.clock.Step(2 * time.Second)
		spoil := flow.pods
		if spoil == nil {
			spoil = func(*corev1.Pod) {}
		}
		w.rollOut(ctx, spoil)
	}
	if flow.meanwhile != nil {
		flow.meanwhile(ctx, w, request)
	}
}

type reconciler interface {
	Reconcile(context.Context, ctrl.Request) (ctrl.Result, error)
}

// end is what is compared of two runs of one workflow.
type end struct {
	Phase          v1alpha1.Phase
	Reason         string
	Cause          v1alpha1.Cause
	Fix            string
	Actions        []string
	Changed        int64
	Recommendation string
}

// before is the part of a fix that only the one who made it can tell, and not the one who finds it made.
var before = regexp.MustCompile(` from \d+ `)

func (w *world) end(ctx context.Context, request *v1alpha1.HealingRequest, generation int64) end {
	e := end{
		Phase: request.Status.Phase, Cause: request.Status.Cause, Fix: before.ReplaceAllString(request.Status.FixApplied, " "),
		Changed: w.deployment(ctx).Generation - generation, Recommendation: strings.ReplaceAll(request.Status.Recommendation, w.namespace, "NAMESPACE"),
	}
	for _, condition := range request.Status.Conditions {
		if condition.Type == v1alpha1.ConditionComplete {
			e.Reason = condition.Reason
		}
	}
	for _, action := range request.Status.Actions {
		e.Actions = append(e.Actions, string(action.Type)+" "+string(action.State))
	}
	return e
}
