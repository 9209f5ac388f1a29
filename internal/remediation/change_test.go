// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package remediation_test

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/scheme"
	clocktesting "k8s.io/utils/clock/testing"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/remediation"
	"github.com/ry-ops/cortex/internal/workload"
)

// kinds of workload that an action can change.
var kinds = []v1alpha1.TargetKind{v1alpha1.KindDeployment, v1alpha1.KindStatefulSet, v1alpha1.KindDaemonSet}

// template of a version of the server.
func template(image string) corev1.PodTemplateSpec {
	return corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "sandfly"}},
		Spec: corev1.PodSpec{Containers: []corev1.Container{
			{Name: "sidecar", Image: "proxy:v1"},
			{Name: "server", Image: image, Resources: corev1.ResourceRequirements{
				Limits:   corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("128Mi"), corev1.ResourceCPU: resource.MustParse("1")},
				Requests: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("64Mi")},
			}},
		}},
	}
}

// bad is the version that fails, with an annotation and a volume that the one before had not.
func bad() corev1.PodTemplateSpec {
	t := template("sandfly:v2")
	t.Annotations = map[string]string{"note": "new"}
	t.Spec.Volumes = []corev1.Volume{{Name: "scratch"}}
	return t
}

// ill is a workload of a kind with a bad template, as the planner has seen it.
func ill(kind v1alpha1.TargetKind) client.Object {
	meta := metav1.ObjectMeta{Namespace: namespace, Name: "sandfly", UID: "u1", Generation: 3}
	selector := &metav1.LabelSelector{MatchLabels: map[string]string{"app": "sandfly"}}
	switch kind {
	case v1alpha1.KindStatefulSet:
		return &appsv1.StatefulSet{ObjectMeta: meta, Spec: appsv1.StatefulSetSpec{Replicas: ptr.To[int32](2), Selector: selector, Template: bad()}}
	case v1alpha1.KindDaemonSet:
		return &appsv1.DaemonSet{ObjectMeta: meta, Spec: appsv1.DaemonSetSpec{Selector: selector, Template: bad()}}
	default:
		return &appsv1.Deployment{ObjectMeta: meta, Spec: appsv1.DeploymentSpec{Replicas: ptr.To[int32](2), Selector: selector, Template: bad(), Paused: true}}
	}
}

// earlier keeps the good template the way the controllers of a kind do.
func earlier(t *testing.T, kind v1alpha1.TargetKind) client.Object {
	t.Helper()
	meta := metav1.ObjectMeta{Namespace: namespace, Name: "sandfly-1", UID: "r1", Labels: map[string]string{appsv1.ControllerRevisionHashLabelKey: "1"}}
	if kind == v1alpha1.KindDeployment {
		kept := template("sandfly:v1")
		kept.Labels[appsv1.DefaultDeploymentUniqueLabelKey] = "1"
		return &appsv1.ReplicaSet{ObjectMeta: meta, Spec: appsv1.ReplicaSetSpec{Template: kept}}
	}
	return &appsv1.ControllerRevision{ObjectMeta: meta, Data: runtime.RawExtension{Raw: kept(t, template("sandfly:v1"))}, Revision: 1}
}

// kept is the patch that a ControllerRevision is.
func kept(t *testing.T, template corev1.PodTemplateSpec) []byte {
	t.Helper()
	raw, err := json.Marshal(template)
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]any
	if err := json.Unmarshal(raw, &fields); err != nil {
		t.Fatal(err)
	}
	fields["$patch"] = "replace"
	raw, err = json.Marshal(map[string]any{"spec": map[string]any{"template": fields}})
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func planned(kind v1alpha1.TargetKind, actionType v1alpha1.ActionType) v1alpha1.PlannedAction {
	action := v1alpha1.PlannedAction{
		Type: actionType, Detail: "Done", Undo: "kubectl undo",
		Object: v1alpha1.ObjectReference{Kind: string(kind), Name: "sandfly", UID: "u1", Generation: 3},
	}
	switch actionType {
	case v1alpha1.ActionScale:
		action.Replicas = ptr.To[int32](3)
	case v1alpha1.ActionRollback:
		action.Revision, action.RevisionNumber = &v1alpha1.ObjectReference{Kind: "ControllerRevision", Name: "sandfly-1", UID: "r1"}, 1
		if kind == v1alpha1.KindDeployment {
			action.Revision.Kind = "ReplicaSet"
		}
	case v1alpha1.ActionRaiseMemoryLimit:
		action.Container, action.MemoryLimit = "server", ptr.To(resource.MustParse("192Mi"))
	case v1alpha1.ActionPatch:
		action.Patch = &v1alpha1.Patch{Type: v1alpha1.PatchStrategic, Data: `{"spec":{"template":{"spec":{"containers":[{"name":"server","image":"sandfly:v3"}]}}}}`}
	}
	return action
}

// wanted is what each action makes of a template, and of the rest of the spec.
var wanted = map[v1alpha1.ActionType]func(client.Object){
	v1alpha1.ActionScale: func(o client.Object) {
		switch o := o.(type) {
		case *appsv1.Deployment:
			o.Spec.Replicas = ptr.To[int32](3)
		case *appsv1.StatefulSet:
			o.Spec.Replicas = ptr.To[int32](3)
		}
	},
	v1alpha1.ActionRestart: func(o client.Object) {
		w, _ := workload.From(o)
		w.Template.Annotations[v1alpha1.AnnotationRestartedAt] = now.Format("2006-01-02T15:04:05Z07:00")
	},
	v1alpha1.ActionRollback: func(o client.Object) {
		w, _ := workload.From(o)
		*w.Template = template("sandfly:v1")
	},
	v1alpha1.ActionResume: func(o client.Object) {
		if d, ok := o.(*appsv1.Deployment); ok {
			d.Spec.Paused = false
		}
	},
	v1alpha1.ActionRaiseMemoryLimit: func(o client.Object) {
		w, _ := workload.From(o)
		w.Template.Spec.Containers[1].Resources.Limits[corev1.ResourceMemory] = resource.MustParse("192Mi")
	},
	v1alpha1.ActionPatch: func(o client.Object) {
		w, _ := workload.From(o)
		w.Template.Spec.Containers[1].Image = "sandfly:v3"
	},
}

// can says which kinds an action is for: only a Deployment can be paused, and a DaemonSet has no count.
func can(actionType v1alpha1.ActionType, kind v1alpha1.TargetKind) bool {
	switch actionType {
	case v1alpha1.ActionResume:
		return kind == v1alpha1.KindDeployment
	case v1alpha1.ActionScale:
		return kind != v1alpha1.KindDaemonSet
	default:
		return true
	}
}

// spec of an object as JSON would have it.
func spec(t *testing.T, object client.Object) any {
	t.Helper()
	raw, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]any
	if err := json.Unmarshal(raw, &fields); err != nil {
		t.Fatal(err)
	}
	return fields["spec"]
}

// place is a cluster that counts its writes.
type place struct {
	client.Client
	writes int
	// before stands for somebody else who is quicker.
	before func()
}

func newPlace(objects ...client.Object) (*place, *remediation.Applier) {
	p := &place{}
	write := func(do func() error) error {
		if before := p.before; before != nil {
			p.before = nil
			before()
		}
		p.writes++
		return do()
	}
	p.Client = fake.NewClientBuilder().WithScheme(scheme.Scheme).WithReturnManagedFields().WithObjects(objects...).WithInterceptorFuncs(interceptor.Funcs{
		Patch: func(ctx context.Context, c client.WithWatch, obj client.Object, patch client.Patch, opts ...client.PatchOption) error {
			return write(func() error { return c.Patch(ctx, obj, patch, opts...) })
		},
		Delete: func(ctx context.Context, c client.WithWatch, obj client.Object, opts ...client.DeleteOption) error {
			return write(func() error { return c.Delete(ctx, obj, opts...) })
		},
	}).Build()
	return p, &remediation.Applier{Client: p.Client, Reader: p.Client, Clock: clocktesting.NewFakePassiveClock(now)}
}

func (p *place) read(t *testing.T, kind v1alpha1.TargetKind) client.Object {
	t.Helper()
	object := workload.New(string(kind))
	if err := p.Get(t.Context(), name, object); err != nil {
		t.Fatal(err)
	}
	return object
}

// TestChange makes every change on every kind, twice: it is made once, stamped, and nothing else is changed.
func TestChange(t *testing.T) {
	for actionType, want := range wanted {
		for _, kind := range kinds {
			t.Run(string(actionType)+" of a "+string(kind), func(t *testing.T) {
				p, applier := newPlace(ill(kind), earlier(t, kind))
				action := planned(kind, actionType)
				if before, err := applier.Applied(t.Context(), namespace, stamp, action); before != nil || err != nil {
					t.Fatalf("before: %+v, %v", before, err)
				}
				expected := ill(kind)
				state := v1alpha1.ActionFailed
				if can(actionType, kind) {
					want(expected)
					state = v1alpha1.ActionApplied
				}
				for range 2 {
					result, err := applier.Apply(t.Context(), namespace, stamp, action)
					if err != nil || result.State != state || state == v1alpha1.ActionApplied && (result.Undo != action.Undo || result.Detail != action.Detail || result.AppliedAt == nil) {
						t.Fatalf("%+v, %v", result, err)
					}
				}
				after := p.read(t, kind)
				if diff := cmp.Diff(spec(t, expected), spec(t, after)); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
				applied, err := applier.Applied(t.Context(), namespace, stamp, action)
				if err != nil || (applied != nil) != (state == v1alpha1.ActionApplied) {
					t.Errorf("after: %+v, %v", applied, err)
				}
				if writes := map[v1alpha1.ActionState]int{v1alpha1.ActionApplied: 1}[state]; p.writes != writes {
					t.Errorf("%d writes, want %d", p.writes, writes)
				}
			})
		}
	}
}

// TestChangeGivesWay has somebody else move the object between the plan and the change, and between reading and writing.
func TestChangeGivesWay(t *testing.T) {
	for actionType := range wanted {
		for _, kind := range kinds {
			if !can(actionType, kind) {
				continue
			}
			t.Run(string(actionType)+" of a "+string(kind), func(t *testing.T) {
				action := planned(kind, actionType)
				for name, change := range map[string]func(client.Object){
					"created anew": func(o client.Object) { o.SetUID("u2") },
					"edited":       func(o client.Object) { o.SetGeneration(4) },
				} {
					object := ill(kind)
					change(object)
					p, applier := newPlace(object, earlier(t, kind))
					if result, err := applier.Apply(t.Context(), namespace, stamp, action); err != nil || result.State != v1alpha1.ActionSkipped || p.writes != 0 {
						t.Errorf("%s: %+v, %v, %d writes", name, result, err, p.writes)
					}
				}
				p, applier := newPlace(earlier(t, kind))
				if result, err := applier.Apply(t.Context(), namespace, stamp, action); err != nil || result.State != v1alpha1.ActionSkipped || p.writes != 0 {
					t.Errorf("gone: %+v, %v, %d writes", result, err, p.writes)
				}

				p, applier = newPlace(ill(kind), earlier(t, kind))
				p.before = func() {
					moved := p.read(t, kind)
					moved.SetLabels(map[string]string{"by": "somebody"})
					if err := p.Update(t.Context(), moved); err != nil {
						t.Error(err)
					}
				}
				if result, err := applier.Apply(t.Context(), namespace, stamp, action); !apierrors.IsConflict(err) {
					t.Errorf("moved in between: %+v, %v", result, err)
				}
				if diff := cmp.Diff(spec(t, ill(kind)), spec(t, p.read(t, kind))); diff != "" {
					t.Errorf("moved in between:\n%s", diff)
				}
			})
		}
	}
}

// TestRollbackOfAnotherRevision: what keeps the revision is gone, or is not what the plan names.
func TestRollbackOfAnotherRevision(t *testing.T) {
	for _, kind := range kinds {
		other := earlier(t, kind)
		other.SetUID("r2")
		for name, objects := range map[string][]client.Object{"gone": {ill(kind)}, "created anew": {ill(kind), other}} {
			p, applier := newPlace(objects...)
			result, err := applier.Apply(t.Context(), namespace, stamp, planned(kind, v1alpha1.ActionRollback))
			if err != nil || result.State != v1alpha1.ActionSkipped || p.writes != 0 {
				t.Errorf("%s, %s: %+v, %v", kind, name, result, err)
			}
		}
	}
}

// TestPlanThatDoesNotFit ends, and is not made again and again.
func TestPlanThatDoesNotFit(t *testing.T) {
	for name, change := range map[string]func(*v1alpha1.PlannedAction){
		"a patch that the object refuses": func(a *v1alpha1.PlannedAction) {
			a.Type, a.Patch = v1alpha1.ActionPatch, &v1alpha1.Patch{Type: v1alpha1.PatchJSON, Data: `[{"op":"test","path":"/spec/replicas","value":7}]`}
		},
		"no patch":                  func(a *v1alpha1.PlannedAction) { a.Type = v1alpha1.ActionPatch },
		"no container of that name": func(a *v1alpha1.PlannedAction) { a.Type, a.Container = v1alpha1.ActionRaiseMemoryLimit, "other" },
		"no revision":               func(a *v1alpha1.PlannedAction) { a.Type = v1alpha1.ActionRollback },
		"no count":                  func(a *v1alpha1.PlannedAction) { a.Type = v1alpha1.ActionScale },
		"no such action":            func(a *v1alpha1.PlannedAction) { a.Type = "Pray" },
	} {
		p, applier := newPlace(ill(v1alpha1.KindDeployment))
		action := planned(v1alpha1.KindDeployment, v1alpha1.ActionWait)
		change(&action)
		result, err := applier.Apply(t.Context(), namespace, stamp, action)
		if err != nil || result.State != v1alpha1.ActionFailed || result.Detail == "" || p.writes != 0 {
			t.Errorf("%s: %+v, %v", name, result, err)
		}
	}
}

// TestPatchOfAService is by its resourceVersion: a Service has no generation.
func TestPatchOfAService(t *testing.T) {
	service := func() *corev1.Service {
		return &corev1.Service{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "sandfly", UID: "s1"},
			Spec:       corev1.ServiceSpec{Selector: map[string]string{"app": "sandfly-v1", "tier": "mcp"}, Ports: []corev1.ServicePort{{Port: 3000}, {Name: "x", Port: 4000}}},
		}
	}
	for name, patch := range map[string]v1alpha1.Patch{
		"merge":     {Type: v1alpha1.PatchMerge, Data: `{"spec":{"selector":{"app":"sandfly"}}}`},
		"strategic": {Type: v1alpha1.PatchStrategic, Data: `{"spec":{"selector":{"app":"sandfly"}}}`},
		"json":      {Type: v1alpha1.PatchJSON, Data: `[{"op":"test","path":"/spec/selector/app","value":"sandfly-v1"},{"op":"replace","path":"/spec/selector/app","value":"sandfly"}]`},
	} {
		t.Run(name, func(t *testing.T) {
			p, applier := newPlace(service())
			var live corev1.Service
			get := func() {
				if err := p.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: "sandfly"}, &live); err != nil {
					t.Fatal(err)
				}
			}
			get()
			action := v1alpha1.PlannedAction{Type: v1alpha1.ActionPatch, Patch: &patch, Object: v1alpha1.ObjectReference{Kind: "Service", Name: "sandfly", UID: "s1", ResourceVersion: live.ResourceVersion}}
			for range 2 {
				if result, err := applier.Apply(t.Context(), namespace, stamp, action); err != nil || result.State != v1alpha1.ActionApplied {
					t.Fatalf("%+v, %v", result, err)
				}
			}
			get()
			want := service()
			want.Spec.Selector["app"] = "sandfly"
			if diff := cmp.Diff(want.Spec, live.Spec); diff != "" || live.Annotations[v1alpha1.AnnotationAppliedBy] != stamp.String() || p.writes != 1 {
				t.Errorf("%v, %d writes:\n%s", live.Annotations, p.writes, diff)
			}
			other := remediation.Stamp{Request: "another"}
			if result, err := applier.Apply(t.Context(), namespace, other, action); err != nil || result.State != v1alpha1.ActionSkipped || p.writes != 1 {
				t.Errorf("after an edit: %+v, %v", result, err)
			}
		})
	}
}

// TestRollbackToWhatCannotBeRead ends: a ControllerRevision never changes.
func TestRollbackToWhatCannotBeRead(t *testing.T) {
	kind := v1alpha1.KindStatefulSet
	for _, data := range []string{`{"spec":{}}`, `{"spec":{"template":7}}`} {
		unreadable := &appsv1.ControllerRevision{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "sandfly-1", UID: "r1"}, Data: runtime.RawExtension{Raw: []byte(data)}}
		p, applier := newPlace(ill(kind), unreadable)
		result, err := applier.Apply(t.Context(), namespace, stamp, planned(kind, v1alpha1.ActionRollback))
		if err != nil || result.State != v1alpha1.ActionFailed || result.Detail == "" || p.writes != 0 {
			t.Errorf("%s: %+v, %v", data, result, err)
		}
	}
}
