// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package ownership_test

import (
	"encoding/json"
	"fmt"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/ownership"
	"github.com/ry-ops/cortex/internal/workload"
)

const manifest = `{
  "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"namespace": "default", "name": %q},
  "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "sandfly"}}, "template": {
    "metadata": {"labels": {"app": "sandfly"}},
    "spec": {"containers": [{"name": "server", "image": "server:1", "resources": {"limits": {"memory": "64Mi"}}}]}}}}`

// declaration is the manifest of one Deployment, with labels and annotations.
func declaration(name string, labels, annotations map[string]string) *unstructured.Unstructured {
	object := &unstructured.Unstructured{}
	Expect(json.Unmarshal(fmt.Appendf(nil, manifest, name), &object.Object)).To(Succeed())
	object.SetLabels(labels)
	object.SetAnnotations(annotations)
	return object
}

// apply is what `kubectl apply --server-side --force-conflicts --field-manager` does.
func apply(ctx SpecContext, manager string, object *unstructured.Unstructured) {
	GinkgoHelper()
	Expect(api.Apply(ctx, client.ApplyConfigurationFromUnstructured(object.DeepCopy()), client.FieldOwner(manager), client.ForceOwnership)).To(Succeed())
}

// applyFromClient is what `kubectl apply` does to an object that is not there yet.
func applyFromClient(ctx SpecContext, manager string, object *unstructured.Unstructured) {
	GinkgoHelper()
	text, err := json.Marshal(object)
	Expect(err).NotTo(HaveOccurred())
	object = object.DeepCopy()
	annotations := map[string]string{lastApplied: string(text)}
	for key, value := range object.GetAnnotations() {
		annotations[key] = value
	}
	object.SetAnnotations(annotations)
	Expect(api.Create(ctx, object, client.FieldOwner(manager))).To(Succeed())
}

func write(ctx SpecContext, manager, name, patch string) {
	GinkgoHelper()
	Expect(api.Patch(ctx, named(name), client.RawPatch(types.MergePatchType, []byte(patch)), client.FieldOwner(manager))).To(Succeed())
}

// scale is what `kubectl scale` and autoscalers do.
func scale(ctx SpecContext, manager, name string, count int32) {
	GinkgoHelper()
	Expect(api.SubResource("scale").Update(ctx, named(name), client.WithSubResourceBody(&autoscalingv1.Scale{Spec: autoscalingv1.ScaleSpec{Replicas: count}}), client.FieldOwner(manager))).To(Succeed())
}

func named(name string) *appsv1.Deployment {
	return &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name}}
}

func get(ctx SpecContext, name string) *appsv1.Deployment {
	GinkgoHelper()
	deployment := named(name)
	Expect(api.Get(ctx, client.ObjectKeyFromObject(deployment), deployment)).To(Succeed())
	return deployment
}

func hold(object metav1.Object, path ...string) ownership.Hold {
	_, got := ownership.HoldsField(object, path...)
	return got
}

func ownerOf(object metav1.Object, path ...string) string {
	owner, _ := ownership.FieldOwner(object, path...)
	if owner.Applied {
		return owner.Manager + " by Apply"
	}
	return owner.Manager
}

func tracking(name string) map[string]string {
	return map[string]string{trackingID: "shop:apps/Deployment:default/" + name}
}

var _ = Describe("What a real API server records", func() {
	count := []string{"spec", "replicas"}
	restart := []string{"spec", "template", "metadata", "annotations", v1alpha1.AnnotationRestartedAt}
	const restarted = `{"spec":{"template":{"metadata":{"annotations":{"kubectl.kubernetes.io/restartedAt":"2026-11-23T14:05:00Z"}}}}}`

	It("tells what Argo CD applied on the server's side, and what a restart adds to it", func(ctx SpecContext) {
		apply(ctx, "argocd-controller", declaration("argo-ssa", nil, tracking("argo-ssa")))
		d := get(ctx, "argo-ssa")
		keeper, ok := ownership.GitOps(d)
		Expect(ok).To(BeTrue())
		Expect(keeper.String()).To(Equal("Argo CD application shop"))
		Expect(ownerOf(d, count...)).To(Equal("argocd-controller by Apply"))
		Expect(ownerOf(d, memory...)).To(Equal("argocd-controller by Apply"))
		Expect(ownerOf(d, "spec", "selector", "matchLabels", "app")).To(Equal("argocd-controller by Apply"), "an atomic map")
		Expect(ownerOf(d, "spec", "strategy")).To(BeEmpty(), "a default has no owner")
		Expect([]ownership.Hold{hold(d, count...), hold(d, memory...), hold(d, "spec", "template"), hold(d, restart...)}).
			To(Equal([]ownership.Hold{ownership.Holds, ownership.Holds, ownership.Holds, ownership.NotHeld}))

		write(ctx, v1alpha1.FieldManager, "argo-ssa", restarted)
		d = get(ctx, "argo-ssa")
		Expect(ownerOf(d, restart...)).To(Equal(v1alpha1.FieldManager))
		Expect(hold(d, restart...)).To(Equal(ownership.NotHeld))
		apply(ctx, "argocd-controller", declaration("argo-ssa", nil, tracking("argo-ssa")))
		Expect(get(ctx, "argo-ssa").Spec.Template.Annotations).To(HaveKey(v1alpha1.AnnotationRestartedAt), "the next sync leaves the restart alone")
	})

	It("forgets that Git holds a count which somebody else has set since, and the next sync takes it back", func(ctx SpecContext) {
		apply(ctx, "argocd-controller", declaration("argo-scaled", nil, tracking("argo-scaled")))
		scale(ctx, "kubectl", "argo-scaled", 0)
		d := get(ctx, "argo-scaled")
		Expect(ownerOf(d, count...)).To(BeEmpty(), "a 0 of the scale subresource is nobody's")
		Expect(hold(d, count...)).To(Equal(ownership.MayHold))
		write(ctx, v1alpha1.FieldManager, "argo-scaled", `{"spec":{"replicas":3}}`)
		d = get(ctx, "argo-scaled")
		Expect(ownerOf(d, count...)).To(Equal(v1alpha1.FieldManager))
		Expect(hold(d, count...)).To(Equal(ownership.MayHold))

		apply(ctx, "argocd-controller", declaration("argo-scaled", nil, tracking("argo-scaled")))
		d = get(ctx, "argo-scaled")
		Expect(*d.Spec.Replicas).To(BeEquivalentTo(2))
		Expect(hold(d, count...)).To(Equal(ownership.Holds))
	})

	It("tells what Argo CD applied from the client's side", func(ctx SpecContext) {
		object := declaration("argo-csa", map[string]string{"app.kubernetes.io/instance": "shop"}, nil)
		applyFromClient(ctx, "argocd-controller", object)
		d := get(ctx, "argo-csa")
		keeper, ok := ownership.GitOps(d)
		Expect(ok).To(BeTrue())
		Expect(keeper.String()).To(Equal("Argo CD application shop"))
		Expect(ownerOf(d, count...)).To(Equal("argocd-controller"))
		scale(ctx, "kubectl", "argo-csa", 0)
		d = get(ctx, "argo-csa")
		Expect(hold(d, count...)).To(Equal(ownership.Holds), "the manifest that was applied last tells it")
		Expect(hold(d, "spec", "paused")).To(Equal(ownership.NotHeld))
		Expect(hold(d, restart...)).To(Equal(ownership.NotHeld))
	})

	It("takes a manifest that a person applied for nobody's who stands by", func(ctx SpecContext) {
		applyFromClient(ctx, "kubectl-client-side-apply", declaration("by-hand", map[string]string{"app.kubernetes.io/instance": "shop"}, nil))
		d := get(ctx, "by-hand")
		_, ok := ownership.GitOps(d)
		Expect(ok).To(BeFalse())
		Expect(hold(d, count...)).To(Equal(ownership.NotHeld))
		Expect(ownerOf(d, count...)).To(Equal("kubectl-client-side-apply"))
	})

	It("tells what Flux applied", func(ctx SpecContext) {
		apply(ctx, "kustomize-controller", declaration("flux", fluxed, nil))
		d := get(ctx, "flux")
		keeper, ok := ownership.GitOps(d)
		Expect(ok).To(BeTrue())
		Expect(keeper.String()).To(Equal("Flux Kustomization flux-system/apps"))
		Expect(hold(d, count...)).To(Equal(ownership.Holds))
		write(ctx, v1alpha1.FieldManager, "flux", restarted)
		apply(ctx, "kustomize-controller", declaration("flux", fluxed, nil))
		Expect(get(ctx, "flux").Spec.Template.Annotations).To(HaveKey(v1alpha1.AnnotationRestartedAt))
	})

	It("keeps a field that a person declares apart from one that a person wrote", func(ctx SpecContext) {
		apply(ctx, "platform-team", declaration("declared", nil, nil))
		write(ctx, "kubectl-edit", "declared", `{"spec":{"paused":true}}`)
		d := get(ctx, "declared")
		Expect(ownerOf(d, count...)).To(Equal("platform-team by Apply"))
		Expect(ownerOf(d, "spec", "paused")).To(Equal("kubectl-edit"))
	})

	It("tells a count that an autoscaler set", func(ctx SpecContext) {
		apply(ctx, "platform-team", declaration("scaled", nil, nil))
		scale(ctx, "keda", "scaled", 3)
		d := get(ctx, "scaled")
		owner, ok := ownership.FieldOwner(d, count...)
		Expect(ok).To(BeTrue())
		Expect(owner.Manager + "/" + owner.Subresource).To(Equal("keda/scale"))
		w, _ := workload.From(d)
		scaler, ok := ownership.ScalerOf(w, nil)
		Expect(ok).To(BeTrue())
		Expect(scaler.Kind).To(Equal(ownership.KEDA))
	})

	It("tells an autoscaler that stands by while the workload is at 0", func(ctx SpecContext) {
		apply(ctx, "platform-team", declaration("autoscaled", nil, nil))
		scale(ctx, "kubectl", "autoscaled", 0)
		autoscaler := &autoscalingv2.HorizontalPodAutoscaler{
			ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "autoscaled"},
			Spec:       autoscalingv2.HorizontalPodAutoscalerSpec{MaxReplicas: 4, ScaleTargetRef: autoscalingv2.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Name: "autoscaled"}},
		}
		Expect(api.Create(ctx, autoscaler)).To(Succeed())
		autoscaler.Status = autoscalingv2.HorizontalPodAutoscalerStatus{Conditions: []autoscalingv2.HorizontalPodAutoscalerCondition{{Type: autoscalingv2.ScalingActive, Status: "False", Reason: "ScalingDisabled"}}}
		Expect(api.Status().Update(ctx, autoscaler)).To(Succeed())
		w, _ := workload.From(get(ctx, "autoscaled"))
		scaler, ok := ownership.ScalerOf(w, autoscaler)
		Expect(ok).To(BeTrue())
		Expect(scaler.String()).To(Equal("HorizontalPodAutoscaler autoscaled"))
		Expect(scaler.Min).To(BeEquivalentTo(1), "the API server's default")
		Expect(scaler.LeavesZero() && scaler.Disabled).To(BeTrue())
	})

	It("does not record who scales a workload whose manifest leaves the count out, and no apply sets it back", func(ctx SpecContext) {
		object := declaration("uncounted", nil, nil)
		unstructured.RemoveNestedField(object.Object, "spec", "replicas")
		apply(ctx, "platform-team", object)
		scale(ctx, "keda", "uncounted", 3)
		Expect(ownerOf(get(ctx, "uncounted"), count...)).To(BeEmpty())
		apply(ctx, "platform-team", object)
		Expect(*get(ctx, "uncounted").Spec.Replicas).To(BeEquivalentTo(3))
	})
})
