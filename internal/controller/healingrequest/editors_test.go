// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package healingrequest_test

import (
	"context"
	"encoding/json"
	"fmt"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

// Field managers of the others.
const (
	person = "kubectl-edit"
	argo   = "argocd-controller"
)

// edit is a person's, by `kubectl edit`.
func (w *world) edit(ctx context.Context, change func(*appsv1.Deployment)) {
	deployment := w.deployment(ctx)
	change(deployment)
	Expect(w.Update(ctx, deployment, client.FieldOwner(person))).To(Succeed())
}

// sync applies what Git says as Argo CD does: no replica.
func (w *world) sync(ctx context.Context) {
	declared := w.newDeployment()
	declared.TypeMeta = metav1.TypeMeta{APIVersion: "apps/v1", Kind: "Deployment"}
	declared.Annotations = map[string]string{
		"argocd.argoproj.io/tracking-id": "sandfly:apps/Deployment:" + w.namespace + "/" + app,
		v1alpha1.AnnotationReplicas:      "3",
	}
	declared.Spec.Replicas = ptr.To[int32](0)
	fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(declared)
	Expect(err).NotTo(HaveOccurred())
	delete(fields, "status")
	Expect(w.Apply(ctx, client.ApplyConfigurationFromUnstructured(&unstructured.Unstructured{Object: fields}), client.FieldOwner(argo), client.ForceOwnership)).To(Succeed())
}

// told is all that a request says to people.
func told(request *v1alpha1.HealingRequest) string {
	raw, err := json.Marshal(request.Status)
	Expect(err).NotTo(HaveOccurred())
	return string(raw)
}

var _ = Describe("Others that edit the target in mid-heal", Ordered, ContinueOnFailure, func() {
	cases := 0
	AfterAll(func() { AddReportEntry("others that edit", fmt.Sprintf("%d cases", cases)) })

	ill := waiting("CrashLoopBackOff", "back-off 10s")
	for _, flow := range []workflow{
		{name: "scaled to zero", mess: func(ctx context.Context, w *world) { w.scale(ctx, 0) },
			phase: v1alpha1.PhaseSucceeded, reason: v1alpha1.ReasonHealed, changed: 1},
		{name: "crash loop", mess: func(ctx context.Context, w *world) { w.rollOut(ctx, ill) }, pods: ill,
			phase: v1alpha1.PhaseFailed, reason: v1alpha1.ReasonFixIneffective, changed: 1},
	} {
		It("win, whichever write they come before: "+flow.name, func(ctx context.Context) {
			_, writes := undisturbed(ctx, flow)
			cases += writes
			inParallel(upTo(writes), func(n int) {
				at := fmt.Sprintf("before write %d of %d", n, writes)
				w := newWorld(ctx)
				flow.mess(ctx, w)
				request := w.request(ctx, flow.spec)
				planned, ours := false, 0
				edit := (&counter{}).before(n, func() {
					planned = ours == 0
					w.edit(ctx, func(d *appsv1.Deployment) { d.Spec.Template.Spec.Containers[0].Image = "sandfly:person" })
				})
				operator := w.operator(through(func(what string, write func() error) error {
					err := edit(what, write)
					if what == "patch" && err == nil {
						ours++
					}
					return err
				}))
				patient := flow
				patient.meanwhile = func(ctx context.Context, w *world, request *v1alpha1.HealingRequest) {
					wait(ctx, w, request)
					answer(v1alpha1.ApprovalDenied)(ctx, w, request) // a rollback would undo the edit
				}
				w.run(ctx, patient, request, func() reconciler { return operator })
				Expect(w.deployment(ctx).Spec.Template.Spec.Containers[0].Image).To(Equal("sandfly:person"), at)
				Expect(ours).To(BeNumerically("<=", 2), at)
				if planned && ours > 0 {
					// Two who write within one second cannot be told apart: managed fields have no finer time.
					Expect(told(request)).To(MatchRegexp(`was changed by (%s|[\w-]+\.test) since`, person), at)
				}
			})
		})
	}

	// fight lets somebody undo each change of ours as soon as it is made.
	fight := func(ctx context.Context, w *world, spec func(*v1alpha1.HealingRequestSpec), undo func()) (*v1alpha1.HealingRequest, int) {
		cases++
		request := w.request(ctx, spec)
		ours := 0
		operator := w.operator(through(func(what string, write func() error) error {
			err := write()
			if what == "patch" && err == nil {
				ours++
				undo()
			}
			return err
		}))
		flow := workflow{meanwhile: func(ctx context.Context, w *world, request *v1alpha1.HealingRequest) {
			answer(v1alpha1.ApprovalApproved)(ctx, w, request)
			wait(ctx, w, request)
		}}
		w.run(ctx, flow, request, func() reconciler { return operator })
		return request, ours
	}

	It("are not fought: a person who scales to zero again", func(ctx context.Context) {
		w := newWorld(ctx)
		w.scale(ctx, 0)
		request, ours := fight(ctx, w, nil, func() { w.edit(ctx, func(d *appsv1.Deployment) { d.Spec.Replicas = ptr.To[int32](0) }) })
		Expect(ours).To(Equal(1))
		Expect(*w.deployment(ctx).Spec.Replicas).To(BeZero())
		Expect(request.Status.Phase).To(Equal(v1alpha1.PhaseFailed))
		Expect(told(request)).To(ContainSubstring(person))
	})

	It("are not fought: Argo CD, which takes hold of the target while it is healed", func(ctx context.Context) {
		w := newWorld(ctx)
		w.scale(ctx, 0)
		request, ours := fight(ctx, w, nil, func() { w.sync(ctx) })
		Expect(ours).To(Equal(1))
		Expect(*w.deployment(ctx).Spec.Replicas).To(BeZero())
		Expect(request.Status.Phase).To(Equal(v1alpha1.PhaseFailed))
		Expect(told(request)).To(ContainSubstring(argo))
	})

	It("are not fought: Argo CD, where a person has approved the change that it undoes", func(ctx context.Context) {
		w := newWorld(ctx)
		w.sync(ctx)
		w.settle(ctx)
		request, ours := fight(ctx, w, func(spec *v1alpha1.HealingRequestSpec) { spec.Mode = v1alpha1.ModeApproval }, func() { w.sync(ctx) })
		Expect(ours).To(Equal(1))
		Expect(*w.deployment(ctx).Spec.Replicas).To(BeZero())
		Expect(request.Status.Phase).To(Equal(v1alpha1.PhaseFailed))
		Expect(told(request)).To(ContainSubstring("Argo CD application sandfly will undo it; change spec.replicas in Git"))
	})

	It("do not let a second request in by wiping the stamp of the first", func(ctx context.Context) {
		cases++
		w := newWorld(ctx)
		w.scale(ctx, 0)
		first := w.request(ctx, nil)
		second := w.request(ctx, func(spec *v1alpha1.HealingRequestSpec) { spec.TargetRef.Kind = v1alpha1.KindDeployment })
		w.until(ctx, second, v1alpha1.PhaseRemediating)
		w.until(ctx, first, v1alpha1.PhaseVerifying)
		w.scale(ctx, 0)
		Expect(w.deployment(ctx).Annotations).NotTo(HaveKey(v1alpha1.AnnotationAppliedBy))
		third := w.request(ctx, func(spec *v1alpha1.HealingRequestSpec) { spec.TargetRef.Kind = v1alpha1.KindDeployment })
		for range 6 {
			w.step(ctx, second)
			w.step(ctx, third)
		}
		Expect(*w.deployment(ctx).Spec.Replicas).To(BeZero())
		Expect(second.Status.FixApplied + third.Status.FixApplied).To(BeEmpty())
		Expect(second.Status.Phase).To(Equal(v1alpha1.PhaseBlocked))
	})
})
