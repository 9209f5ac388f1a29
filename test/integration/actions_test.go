// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package integration_test

import (
	"context"
	"encoding/json"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/utils/clock"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/remediation"
	"github.com/ry-ops/cortex/internal/workload"
)

// behind is a reader that shows one object as it was a moment ago.
type behind struct {
	client.Reader
	stale client.Object
}

func (b behind) Get(ctx context.Context, key client.ObjectKey, into client.Object, opts ...client.GetOption) error {
	if err := b.Reader.Get(ctx, key, into, opts...); err != nil || key != client.ObjectKeyFromObject(b.stale) {
		return err
	}
	raw, err := json.Marshal(b.stale)
	if err != nil {
		return err
	}
	return json.Unmarshal(raw, into)
}

func podTemplate(image string) corev1.PodTemplateSpec {
	return corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "x"}}, Spec: corev1.PodSpec{Containers: []corev1.Container{
		{Name: "proxy", Image: "proxy:1", Ports: []corev1.ContainerPort{{Name: "a", ContainerPort: 1}, {Name: "b", ContainerPort: 2}}},
		{Name: "server", Image: image, Env: []corev1.EnvVar{{Name: "A", Value: "1"}}, Resources: corev1.ResourceRequirements{
			Limits:   corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("128Mi")},
			Requests: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("64Mi")},
		}},
	}}}
}

// newer differs from podTemplate in what is added, in what is gone, and in what is other.
func newer() corev1.PodTemplateSpec {
	t := podTemplate("server:2")
	t.Annotations, t.Labels["release"] = map[string]string{"note": "new"}, "2"
	t.Spec.Containers[1].Env = []corev1.EnvVar{{Name: "B", Value: "2"}}
	t.Spec.NodeSelector = map[string]string{"disk": "fast"}
	t.Spec.Containers[0].Ports = t.Spec.Containers[0].Ports[:1]
	return t
}

func newWorkload(kind v1alpha1.TargetKind, template corev1.PodTemplateSpec) client.Object {
	meta := metav1.ObjectMeta{Namespace: "default", GenerateName: "act-"}
	selector := &metav1.LabelSelector{MatchLabels: map[string]string{"app": "x"}}
	switch kind {
	case v1alpha1.KindStatefulSet:
		return &appsv1.StatefulSet{ObjectMeta: meta, Spec: appsv1.StatefulSetSpec{Replicas: ptr.To[int32](0), Selector: selector, Template: template}}
	case v1alpha1.KindDaemonSet:
		return &appsv1.DaemonSet{ObjectMeta: meta, Spec: appsv1.DaemonSetSpec{Selector: selector, Template: template}}
	default:
		return &appsv1.Deployment{ObjectMeta: meta, Spec: appsv1.DeploymentSpec{Replicas: ptr.To[int32](0), Selector: selector, Template: template, Paused: true}}
	}
}

// keep stores a template the way the controllers of a kind do, as the API server has defaulted it.
func keep(ctx context.Context, kind v1alpha1.TargetKind, name string, template corev1.PodTemplateSpec) v1alpha1.ObjectReference {
	meta := metav1.ObjectMeta{Namespace: "default", Name: name + "-1"}
	if kind == v1alpha1.KindDeployment {
		labelled := *template.DeepCopy()
		labelled.Labels[appsv1.DefaultDeploymentUniqueLabelKey] = "1"
		rs := &appsv1.ReplicaSet{ObjectMeta: meta, Spec: appsv1.ReplicaSetSpec{Replicas: ptr.To[int32](0), Template: labelled, Selector: &metav1.LabelSelector{MatchLabels: labelled.Labels}}}
		Expect(api.Create(ctx, rs)).To(Succeed())
		return v1alpha1.ObjectReference{Kind: "ReplicaSet", Name: rs.Name, UID: rs.UID}
	}
	raw, err := json.Marshal(template)
	Expect(err).NotTo(HaveOccurred())
	data := append([]byte(`{"spec":{"template":{"$patch":"replace",`), raw[1:]...)
	revision := &appsv1.ControllerRevision{ObjectMeta: meta, Revision: 1, Data: runtime.RawExtension{Raw: append(data, '}', '}')}}
	Expect(api.Create(ctx, revision)).To(Succeed())
	return v1alpha1.ObjectReference{Kind: "ControllerRevision", Name: revision.Name, UID: revision.UID}
}

func reference(object client.Object, kind v1alpha1.TargetKind) v1alpha1.ObjectReference {
	return v1alpha1.ObjectReference{Kind: string(kind), Name: object.GetName(), UID: object.GetUID(), ResourceVersion: object.GetResourceVersion(), Generation: object.GetGeneration()}
}

var _ = Describe("An action", func() {
	stamp := remediation.Stamp{Request: "request", Attempt: 1}

	// takes applies an action to a real API server: a stale read is refused, a live one is accepted, and a second call changes nothing.
	takes := func(ctx context.Context, object client.Object, kind v1alpha1.TargetKind, action v1alpha1.PlannedAction) {
		action.Object = reference(object, kind)
		stale, ok := object.DeepCopyObject().(client.Object)
		Expect(ok).To(BeTrue())
		moved, ok := object.DeepCopyObject().(client.Object)
		Expect(ok).To(BeTrue())
		moved.SetLabels(map[string]string{"by": "somebody"})
		Expect(api.Update(ctx, moved)).To(Succeed())
		late := &remediation.Applier{Client: api, Reader: behind{api, stale}, Clock: clock.RealClock{}}
		_, err := late.Apply(ctx, "default", stamp, action)
		Expect(apierrors.IsConflict(err)).To(BeTrue(), "%v", err)
		Expect(api.Get(ctx, client.ObjectKeyFromObject(object), object)).To(Succeed())
		Expect(object.GetAnnotations()).NotTo(HaveKey(v1alpha1.AnnotationAppliedBy))

		action.Object = reference(object, kind)
		applier := &remediation.Applier{Client: api, Reader: api, Clock: clock.RealClock{}}
		var generation int64
		for range 2 {
			result, err := applier.Apply(ctx, "default", stamp, action)
			Expect(err).NotTo(HaveOccurred())
			Expect(result.State).To(Equal(v1alpha1.ActionApplied), result.Detail)
			Expect(api.Get(ctx, client.ObjectKeyFromObject(object), object)).To(Succeed())
			if generation == 0 {
				generation = object.GetGeneration()
			}
		}
		Expect(object.GetGeneration()).To(Equal(generation), "a second call changes nothing")
		Expect(object.GetAnnotations()).To(HaveKeyWithValue(v1alpha1.AnnotationAppliedBy, stamp.String()))
	}
	create := func(ctx context.Context, kind v1alpha1.TargetKind, template corev1.PodTemplateSpec) (client.Object, *workload.Workload) {
		object := newWorkload(kind, template)
		Expect(api.Create(ctx, object)).To(Succeed())
		w, ok := workload.From(object)
		Expect(ok).To(BeTrue())
		return object, w
	}

	for _, kind := range []v1alpha1.TargetKind{v1alpha1.KindDeployment, v1alpha1.KindStatefulSet, v1alpha1.KindDaemonSet} {
		It("rolls a "+string(kind)+" back to just the template that was", func(ctx context.Context) {
			old, before := create(ctx, kind, podTemplate("server:1"))
			was := before.Template.DeepCopy()
			revision := keep(ctx, kind, old.GetName(), *was)
			object, _ := create(ctx, kind, newer())
			takes(ctx, object, kind, v1alpha1.PlannedAction{Type: v1alpha1.ActionRollback, Revision: &revision, RevisionNumber: 1})
			after, _ := workload.From(object)
			Expect(after.Template).To(Equal(was))
			Expect(after.Replicas).To(Equal(before.Replicas))
		})

		It("restarts a "+string(kind), func(ctx context.Context) {
			object, before := create(ctx, kind, podTemplate("server:1"))
			was := before.Template.DeepCopy()
			takes(ctx, object, kind, v1alpha1.PlannedAction{Type: v1alpha1.ActionRestart})
			after, _ := workload.From(object)
			Expect(after.Template.Annotations).To(HaveKey(v1alpha1.AnnotationRestartedAt))
			after.Template.Annotations = was.Annotations
			Expect(after.Template).To(Equal(was))
		})

		It("raises the memory limit of one container of a "+string(kind), func(ctx context.Context) {
			object, before := create(ctx, kind, podTemplate("server:1"))
			was := before.Template.DeepCopy()
			takes(ctx, object, kind, v1alpha1.PlannedAction{Type: v1alpha1.ActionRaiseMemoryLimit, Container: "server", MemoryLimit: ptr.To(resource.MustParse("192Mi"))})
			after, _ := workload.From(object)
			Expect(after.Template.Spec.Containers[1].Resources.Limits.Memory().String()).To(Equal("192Mi"))
			after.Template.Spec.Containers[1].Resources.Limits = was.Spec.Containers[1].Resources.Limits
			Expect(after.Template).To(Equal(was))
		})

		It("applies a suggested patch to a "+string(kind), func(ctx context.Context) {
			object, before := create(ctx, kind, podTemplate("server:1"))
			was := before.Template.DeepCopy()
			takes(ctx, object, kind, v1alpha1.PlannedAction{Type: v1alpha1.ActionPatch, Patch: &v1alpha1.Patch{
				Type: v1alpha1.PatchStrategic, Data: `{"spec":{"template":{"spec":{"containers":[{"name":"server","image":"server:3"}]}}}}`,
			}})
			after, _ := workload.From(object)
			Expect(after.Template.Spec.Containers[1].Image).To(Equal("server:3"))
			after.Template.Spec.Containers[1].Image = "server:1"
			Expect(after.Template).To(Equal(was))
		})

		if kind != v1alpha1.KindDaemonSet {
			It("scales a "+string(kind)+" from zero", func(ctx context.Context) {
				object, _ := create(ctx, kind, podTemplate("server:1"))
				takes(ctx, object, kind, v1alpha1.PlannedAction{Type: v1alpha1.ActionScale, Replicas: ptr.To[int32](2)})
				after, _ := workload.From(object)
				Expect(after.Replicas).To(BeEquivalentTo(2))
			})
		}
	}

	It("resumes a Deployment", func(ctx context.Context) {
		object, _ := create(ctx, v1alpha1.KindDeployment, podTemplate("server:1"))
		takes(ctx, object, v1alpha1.KindDeployment, v1alpha1.PlannedAction{Type: v1alpha1.ActionResume})
		Expect(object).To(HaveField("Spec.Paused", false))
	})

	for _, patch := range []v1alpha1.Patch{
		{Type: v1alpha1.PatchMerge, Data: `{"spec":{"selector":{"app":"y"}}}`},
		{Type: v1alpha1.PatchStrategic, Data: `{"spec":{"selector":{"app":"y"}}}`},
		{Type: v1alpha1.PatchJSON, Data: `[{"op":"test","path":"/spec/selector/app","value":"x"},{"op":"replace","path":"/spec/selector/app","value":"y"}]`},
	} {
		It("patches a Service ("+string(patch.Type)+")", func(ctx context.Context) {
			service := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "default", GenerateName: "act-"}, Spec: corev1.ServiceSpec{
				ClusterIP: corev1.ClusterIPNone, Selector: map[string]string{"app": "x", "tier": "mcp"}, Ports: []corev1.ServicePort{{Name: "a", Port: 1}, {Name: "b", Port: 2}},
			}}
			Expect(api.Create(ctx, service)).To(Succeed())
			want := service.Spec.DeepCopy()
			want.Selector["app"] = "y"
			takes(ctx, service, v1alpha1.KindService, v1alpha1.PlannedAction{Type: v1alpha1.ActionPatch, Patch: &patch})
			Expect(&service.Spec).To(Equal(want))
		})
	}

	It("deletes pods that have ended, and not one that was made anew", func(ctx context.Context) {
		object, _ := create(ctx, v1alpha1.KindDeployment, podTemplate("server:1"))
		failed := func(phase corev1.PodPhase) *corev1.Pod {
			pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default", GenerateName: "act-"}, Spec: podTemplate("server:1").Spec}
			Expect(api.Create(ctx, pod)).To(Succeed())
			pod.Status.Phase = phase
			Expect(api.Status().Update(ctx, pod)).To(Succeed())
			return pod
		}
		ended, anew, serving := failed(corev1.PodFailed), failed(corev1.PodFailed), failed(corev1.PodRunning)
		serving.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
		Expect(api.Status().Update(ctx, serving)).To(Succeed())
		action := v1alpha1.PlannedAction{Type: v1alpha1.ActionDeletePods, Pods: []v1alpha1.ObjectReference{
			{Kind: "Pod", Name: ended.Name, UID: ended.UID}, {Kind: "Pod", Name: anew.Name, UID: "another"}, {Kind: "Pod", Name: serving.Name, UID: serving.UID},
		}}
		takes(ctx, object, v1alpha1.KindDeployment, action)
		Expect(apierrors.IsNotFound(api.Get(ctx, client.ObjectKeyFromObject(ended), &corev1.Pod{}))).To(BeTrue())
		Expect(api.Get(ctx, client.ObjectKeyFromObject(anew), &corev1.Pod{})).To(Succeed())
		Expect(api.Get(ctx, client.ObjectKeyFromObject(serving), &corev1.Pod{})).To(Succeed())
	})
})
