// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package remediation_test

import (
	"context"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/scheme"
	clocktesting "k8s.io/utils/clock/testing"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/remediation"
)

const namespace = "cortex-system"

var (
	now   = time.Date(2026, 11, 23, 3, 0, 0, 0, time.UTC)
	stamp = remediation.Stamp{Request: "req", Attempt: 0}
	name  = types.NamespacedName{Namespace: namespace, Name: "sandfly"}
	// fixtureTime is when the fixtures of the diagnosis were seen.
	fixtureTime = time.Date(2026, 11, 23, 14, 5, 0, 0, time.UTC)
)

// world is a cluster with one Deployment in it, which counts the patches that it is sent.
type world struct {
	client  client.Client
	patches int
	// beforePatch stands for someone else who is quicker.
	beforePatch func()
}

func newWorld(t *testing.T, deployment *appsv1.Deployment) (*world, *remediation.Applier) {
	t.Helper()
	w := &world{}
	builder := fake.NewClientBuilder().WithScheme(scheme.Scheme).WithReturnManagedFields()
	if deployment != nil {
		builder = builder.WithObjects(deployment)
	}
	w.client = builder.WithInterceptorFuncs(interceptor.Funcs{
		Patch: func(ctx context.Context, c client.WithWatch, obj client.Object, patch client.Patch, opts ...client.PatchOption) error {
			if w.beforePatch != nil {
				w.beforePatch()
			}
			w.patches++
			return c.Patch(ctx, obj, patch, opts...)
		},
	}).Build()
	return w, &remediation.Applier{Client: w.client, Reader: w.client, Clock: clocktesting.NewFakePassiveClock(now)}
}

func (w *world) deployment(t *testing.T) *appsv1.Deployment {
	t.Helper()
	var deployment appsv1.Deployment
	if err := w.client.Get(t.Context(), name, &deployment); err != nil {
		t.Fatal(err)
	}
	return &deployment
}

func sandfly() *appsv1.Deployment {
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: namespace, Name: "sandfly", UID: "u1", Generation: 3,
			ManagedFields: []metav1.ManagedFieldsEntry{{Manager: "kubectl-scale", Operation: metav1.ManagedFieldsOperationUpdate, APIVersion: "apps/v1", FieldsType: "FieldsV1", FieldsV1: metav1.NewFieldsV1(`{}`), Time: &metav1.Time{Time: now}}},
		},
		Spec: appsv1.DeploymentSpec{Replicas: ptr.To[int32](0)},
	}
}

func action(actionType v1alpha1.ActionType) v1alpha1.PlannedAction {
	planned := v1alpha1.PlannedAction{Type: actionType, Detail: "what was done", Object: v1alpha1.ObjectReference{Kind: "Deployment", Name: "sandfly", UID: "u1", Generation: 3}}
	if actionType == v1alpha1.ActionScale {
		planned.Replicas = ptr.To[int32](3)
	}
	return planned
}

func TestApplyScale(t *testing.T) {
	w, applier := newWorld(t, sandfly())
	result, err := applier.Apply(t.Context(), namespace, stamp, action(v1alpha1.ActionScale))
	if err != nil {
		t.Fatal(err)
	}
	if result.State != v1alpha1.ActionApplied || result.Detail != "what was done" || !result.AppliedAt.Time.Equal(now) {
		t.Errorf("result = %+v", result)
	}
	after := w.deployment(t)
	if *after.Spec.Replicas != 3 {
		t.Errorf("replicas = %d, want 3", *after.Spec.Replicas)
	}
	if got := after.Annotations[v1alpha1.AnnotationAppliedBy]; got != "req/0" {
		t.Errorf("stamp = %q, want req/0", got)
	}
}

func TestApplyRestart(t *testing.T) {
	w, applier := newWorld(t, sandfly())
	result, err := applier.Apply(t.Context(), namespace, stamp, action(v1alpha1.ActionRestart))
	if err != nil {
		t.Fatal(err)
	}
	if result.Detail != "what was done" {
		t.Errorf("detail = %q", result.Detail)
	}
	after := w.deployment(t)
	if after.Spec.Template.Annotations[v1alpha1.AnnotationRestartedAt] == "" || *after.Spec.Replicas != 0 {
		t.Errorf("template annotations %v, replicas %d", after.Spec.Template.Annotations, *after.Spec.Replicas)
	}
}

func TestApplyTwiceChangesOnce(t *testing.T) {
	w, applier := newWorld(t, sandfly())
	for range 2 {
		result, err := applier.Apply(t.Context(), namespace, stamp, action(v1alpha1.ActionRestart))
		if err != nil || result.State != v1alpha1.ActionApplied {
			t.Fatalf("result %+v, error %v", result, err)
		}
	}
	if w.patches != 1 {
		t.Errorf("%d patches, want 1", w.patches)
	}
}

func TestApplyLeavesAMovedObjectAlone(t *testing.T) {
	tests := map[string]struct {
		change func(*appsv1.Deployment) *appsv1.Deployment
		detail string
	}{
		"gone":             {func(*appsv1.Deployment) *appsv1.Deployment { return nil }, "Deployment sandfly is gone"},
		"created anew":     {func(d *appsv1.Deployment) *appsv1.Deployment { d.UID = "u2"; return d }, "was deleted and created anew"},
		"edited by others": {func(d *appsv1.Deployment) *appsv1.Deployment { d.Generation = 4; return d }, "was changed by kubectl-scale"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w, applier := newWorld(t, test.change(sandfly()))
			result, err := applier.Apply(t.Context(), namespace, stamp, action(v1alpha1.ActionScale))
			if err != nil {
				t.Fatal(err)
			}
			if result.State != v1alpha1.ActionSkipped || !strings.Contains(result.Detail, test.detail) {
				t.Errorf("result = %+v, want Skipped, %q", result, test.detail)
			}
			if w.patches != 0 {
				t.Errorf("%d patches, want none", w.patches)
			}
		})
	}
}

func TestApplyConflictsWhenTheObjectMovesInBetween(t *testing.T) {
	w, applier := newWorld(t, sandfly())
	w.beforePatch = func() {
		w.beforePatch = nil
		moved := w.deployment(t)
		moved.Spec.Replicas = ptr.To[int32](7)
		if err := w.client.Update(t.Context(), moved); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := applier.Apply(t.Context(), namespace, stamp, action(v1alpha1.ActionScale)); !apierrors.IsConflict(err) {
		t.Errorf("error = %v, want a conflict", err)
	}
	if got := *w.deployment(t).Spec.Replicas; got != 7 {
		t.Errorf("replicas = %d: the other's change was overwritten", got)
	}
}

func TestApplied(t *testing.T) {
	w, applier := newWorld(t, sandfly())
	if result, err := applier.Applied(t.Context(), namespace, stamp, action(v1alpha1.ActionScale)); err != nil || result != nil {
		t.Fatalf("before: %+v, %v; want nothing", result, err)
	}
	if _, err := applier.Apply(t.Context(), namespace, stamp, action(v1alpha1.ActionScale)); err != nil {
		t.Fatal(err)
	}
	result, err := applier.Applied(t.Context(), namespace, stamp, action(v1alpha1.ActionScale))
	if err != nil || result == nil || result.Detail != "what was done" {
		t.Fatalf("after: %+v, %v", result, err)
	}
	other := remediation.Stamp{Request: "req", Attempt: 1}
	if result, err := applier.Applied(t.Context(), namespace, other, action(v1alpha1.ActionScale)); err != nil || result != nil {
		t.Fatalf("another attempt: %+v, %v; want nothing", result, err)
	}
	if w.patches != 1 {
		t.Errorf("%d patches, want 1", w.patches)
	}
}

func TestWaitTouchesNothing(t *testing.T) {
	w, applier := newWorld(t, nil)
	result, err := applier.Apply(t.Context(), namespace, stamp, action(v1alpha1.ActionWait))
	if err != nil || result.State != v1alpha1.ActionApplied || w.patches != 0 {
		t.Errorf("result %+v, error %v, patches %d", result, err, w.patches)
	}
}
